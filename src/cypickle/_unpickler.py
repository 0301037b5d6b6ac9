"""Unpickler, load and loads: the machine, with the hooks and habits of the running CPython."""

from _pickle import Unpickler as StdlibUnpickler
from _pickle import UnpicklingError
from _pickle import loads as stdlib_loads

from ._emitter import UNSET, seal
from ._hooks import capture_hook, hook_attribute, is_captured
from ._machine import Machine, UnpicklerMemoProxy, configure, load, loads

TYPE_CHECKING = False  # what typing says, without the time that importing it takes
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Unpickler", "load", "loads"]


def _message(data: bytes) -> str:
    """What the running version's own loads() says about a malformed pickle; empty if it says nothing."""
    try:
        stdlib_loads(data)
    except Exception as exc:
        return str(exc)
    return ""


_NO_HOOK = _message(b"Pid\n.")
_CAPTURES_HOOK = is_captured(StdlibUnpickler, "persistent_load")


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

    persistent_load = hook_attribute(
        StdlibUnpickler, "persistent_load", _persistent_load, Machine._get_hook, Machine._set_hook
    )

    def __init__(
        self,
        file: "Any",
        *,
        fix_imports: bool = True,
        encoding: str = "ASCII",
        errors: str = "strict",
        buffers: "Iterable[Any] | None" = (),
    ) -> None:
        self._open(file, fix_imports, encoding, errors, buffers)
        if _CAPTURES_HOOK and type(self) is not Unpickler:
            capture_hook(self, "persistent_load", Machine._set_hook)


Unpickler.__init__.__annotations__ = {}


def _frame(nbytes: int) -> bytes:
    return b"\x95" + nbytes.to_bytes(8, "little")


configure(
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
    captures_hook=_CAPTURES_HOOK,
    loose_bools=stdlib_loads(b"I 1\n.") is True,
    int_base=10 if _message(b"I0x10\n.") else 0,
    long_base=10 if _message(b"L0x10L\n.") else 0,
    no_persistent_load=_NO_HOOK,
)

seal(Unpickler)
seal(UnpicklerMemoProxy)

for _function in (load, loads):
    _function.__module__ = "cypickle"
