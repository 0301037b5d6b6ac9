"""Pickler and Unpickler: the compiled Emitter and Machine with the hooks and habits of the running CPython.

They share a module because each takes its time to import.
"""

from _pickle import Pickler as StdlibPickler
from _pickle import Unpickler as StdlibUnpickler
from _pickle import UnpicklingError
from _pickle import loads as stdlib_loads

from ._emitter import (
    UNSET,
    Emitter,
    capture_hook,
    default_persistent_id,
    dump,
    dumps,
    get_hook,
    hook_attribute,
    is_captured,
    seal,
    set_hook,
    set_pickler,
)
from ._machine import Machine, UnpicklerMemoProxy, load, loads
from ._machine import configure as configure_machine

__all__ = ["Pickler", "StdlibPickler", "Unpickler", "dump", "dumps", "load", "loads"]

TYPE_CHECKING = False  # what typing says, without the time that importing it takes
if TYPE_CHECKING:
    from typing import Any


class Pickler(Emitter):
    """Write pickles to a binary file.

    Args:
        file: has a write() method that takes one bytes argument.
        protocol: 0 to HIGHEST_PROTOCOL; None for DEFAULT_PROTOCOL, negative for the highest.
        fix_imports: below protocol 3, write module names as Python 2 knows them.
        buffer_callback: called with each PickleBuffer; a false result keeps it out of the stream (PEP 574).

    Raises:
        TypeError: file has no write attribute.
        ValueError: no such protocol, or buffer_callback below protocol 5.

    Subclasses may define persistent_id(obj), reducer_override(obj) and dispatch_table.  Where they define a tuple
    reducer_override_types, too, reducer_override is asked about instances of these classes only: of `type` about
    classes, for example, and all others run at full speed.  Source: pickle.Pickler.
    """

    __slots__ = ()
    __module__ = "cypickle"

    __init__ = Emitter.__init__
    persistent_id = hook_attribute(StdlibPickler, "persistent_id", default_persistent_id, get_hook, set_hook)


def _message(data: bytes) -> str:
    """What the running version's own loads() says about a malformed pickle; empty if it says nothing."""
    try:
        stdlib_loads(data)
    except Exception as exc:
        return str(exc)
    return ""


_NO_HOOK = _message(b"Pid\n.")


def _persistent_load(self: "Any", pid: "Any", /) -> "Any":
    """Resolve a persistent id; without a hook of a subclass there is nothing to resolve it to."""
    raise UnpicklingError(_NO_HOOK)


_persistent_load.__annotations__ = {}  # the stdlib's signatures have none
_persistent_load.__name__ = "persistent_load"
_persistent_load.__qualname__ = "Unpickler.persistent_load"
_persistent_load.__module__ = "cypickle"


class Unpickler(Machine):
    """Read pickles from a binary file.

    Args:
        file: Has read(n) and readline(), and perhaps readinto(buffer) and peek(n), which are used if it has them.
        fix_imports: Map the names of Python 2 in pickles of protocol 2 and below to those of Python 3.
        encoding: How to decode the 8-bit strings of Python 2; "bytes" leaves them as bytes.
        errors: The error handler for that.
        buffers: An iterable of the buffers that were pickled out-of-band.
    """

    __slots__ = ()
    __module__ = "cypickle"

    __init__ = Machine.__init__
    persistent_load = hook_attribute(
        StdlibUnpickler, "persistent_load", _persistent_load, Machine._get_hook, Machine._set_hook
    )


def _frame(nbytes: int) -> bytes:
    return b"\x95" + nbytes.to_bytes(8, "little")


configure_machine(
    Unpickler,
    unset=UNSET,
    frames="exhausted" in _message(_frame(3) + b"\x8c\x05abcde."),
    appends_nothing=_message(b"N(e.") != "",
    adds_nothing=_message(b"N(\x90.") != "",
    signed_binstring="negative" in _message(b"T\xff\xff\xff\xff"),
    counts_sparse=_message(b"Nr\x64\x00\x00\x000K\x07\x940h\x01.") == "",
    old_getattr=_message(b"csys\n \n.").startswith("Can't"),
    local_verb="pickle" if "Can't pickle" in _message(b"\x80\x04csys\n<locals>\n.") else "get",
    persid_asks_first=_message(b"Q") == _NO_HOOK,
    capture_hook=capture_hook if is_captured(StdlibUnpickler, "persistent_load") else None,
    loose_bools=stdlib_loads(b"I 1\n.") is True,
    int_base=10 if _message(b"I0x10\n.") else 0,
    long_base=10 if _message(b"L0x10L\n.") else 0,
    no_persistent_load=_NO_HOOK,
)

set_pickler(Pickler)

for _class in (Pickler, Unpickler, UnpicklerMemoProxy):
    seal(_class)

for _function in (dump, dumps, load, loads):
    _function.__module__ = "cypickle"
