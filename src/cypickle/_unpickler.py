"""Unpickler, load and loads: the machine, with the hooks and habits of the running CPython."""

from __future__ import annotations

import pickle
import types
from collections.abc import Iterable
from typing import Any

from ._machine import Machine, configure, load, loads

__all__ = ["Unpickler", "load", "loads"]

# What the stdlib's class says about persistent_load tells the three generations apart: an attribute captured by
# __init__() (up to 3.12), a method (3.13.0), and a method that instances can replace (later patch releases).
_stdlib = vars(pickle.Unpickler)
_CAPTURES_HOOK = isinstance(_stdlib.get("persistent_load"), types.GetSetDescriptorType)
_ASSIGNABLE_HOOK = not _CAPTURES_HOOK and "__setattr__" in _stdlib


def _message(data: bytes) -> str:
    """What the running version's own loads() says about a malformed pickle; empty if it says nothing."""
    try:
        pickle.loads(data)
    except Exception as exc:
        return str(exc)
    return ""


_NO_HOOK = _message(b"Pid\n.")


class _CapturedHook:
    """persistent_load up to 3.12: absent until set, and never deleted."""

    def __get__(self, instance: Unpickler | None, owner: type[Unpickler]) -> Any:
        if instance is None:
            return self
        hook = instance._get_hook()
        if hook is None:
            raise AttributeError("persistent_load")
        return hook

    def __set__(self, instance: Unpickler, hook: Any) -> None:
        if not callable(hook):
            raise TypeError("persistent_load must be a callable taking one argument")
        instance._set_hook(hook, False)

    def __delete__(self, instance: Unpickler) -> None:
        raise TypeError("attribute deletion is not supported")


def _persistent_load(self: Unpickler, pid: Any, /) -> Any:
    """Resolve a persistent id; without a hook of a subclass there is nothing to resolve it to."""
    raise pickle.UnpicklingError(_NO_HOOK)


_persistent_load.__annotations__ = {}  # the stdlib's signatures have none
_persistent_load.__name__ = "persistent_load"
_persistent_load.__qualname__ = "Unpickler.persistent_load"
_persistent_load.__module__ = "cypickle"


class _AssignableHook:
    """persistent_load of later patch releases: a method, unless the instance was given something else."""

    def __get__(self, instance: Unpickler | None, owner: type[Unpickler]) -> Any:
        if instance is None:
            return _persistent_load
        hook = instance._get_hook()
        return types.MethodType(_persistent_load, instance) if hook is None else hook

    def __set__(self, instance: Unpickler, hook: Any) -> None:
        instance._set_hook(hook, False)

    def __delete__(self, instance: Unpickler) -> None:
        instance._set_hook(None, False)


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

    def __init__(
        self,
        file: Any,
        *,
        fix_imports: bool = True,
        encoding: str = "ASCII",
        errors: str = "strict",
        buffers: Iterable[Any] | None = (),
    ) -> None:
        self._open(file, fix_imports, encoding, errors, buffers)
        if _CAPTURES_HOOK and type(self) is not Unpickler:
            self._capture_hook()

    def _capture_hook(self) -> None:
        """Remember a subclass's persistent_load, without a cycle when it is a method of this very object."""
        hook = getattr(self, "persistent_load", None)
        if isinstance(hook, types.MethodType) and hook.__self__ is self:
            self._set_hook(hook.__func__, True)
        else:
            self._set_hook(hook, False)

    if _CAPTURES_HOOK:
        persistent_load: Any = _CapturedHook()
    elif _ASSIGNABLE_HOOK:
        persistent_load = _AssignableHook()
    else:
        persistent_load = _persistent_load


Unpickler.__init__.__annotations__ = {}


def _frame(nbytes: int) -> bytes:
    return b"\x95" + nbytes.to_bytes(8, "little")


configure(
    Unpickler,
    frames="exhausted" in _message(_frame(3) + b"\x8c\x05abcde."),
    appends_nothing=_message(b"N(e.") != "",
    adds_nothing=_message(b"N(\x90.") != "",
    signed_binstring="negative" in _message(b"T\xff\xff\xff\xff"),
    counts_sparse=_message(b"Nr\x64\x00\x00\x000K\x07\x940h\x01.") == "",
    old_getattr=_message(b"csys\n \n.").startswith("Can't"),
    local_verb="pickle" if "Can't pickle" in _message(b"\x80\x04csys\n<locals>\n.") else "get",
    persid_asks_first=_message(b"Q") == _NO_HOOK,
    captures_hook=_CAPTURES_HOOK,
    int_base=10 if _message(b"I0x10\n.") else 0,
    long_base=10 if _message(b"L0x10L\n.") else 0,
    no_persistent_load=_NO_HOOK,
)

for _function in (load, loads):
    _function.__module__ = "cypickle"
