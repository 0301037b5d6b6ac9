"""Pickler and dump: arguments checked once, then the compiled Emitter works."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from _pickle import Pickler as StdlibPickler

from ._emitter import Emitter, default_persistent_id, protocol_number


class _Sink:
    def write(self, data: object) -> None:
        """A file that forgets."""


# Up to 3.12 persistent_id is an attribute that is absent until set, and captured by __init__; then it is a method,
# which later patch releases let instances replace.
_IS_METHOD = callable(getattr(StdlibPickler, "persistent_id"))


def _find_out_assignable() -> bool:
    try:
        StdlibPickler(_Sink()).persistent_id = default_persistent_id  # type: ignore[assignment,method-assign]
    except AttributeError:
        return False
    return True


_IS_ASSIGNABLE = _find_out_assignable()


class _PersistentId:
    """The attribute persistent_id as the running version's Pickler has it."""

    __name__ = "persistent_id"
    __doc__ = default_persistent_id.__doc__

    def __get__(self, pickler: Pickler | None, owner: type | None = None) -> Any:
        if pickler is None:
            return default_persistent_id if _IS_METHOD else self
        if pickler._persistent_id is not None:
            if pickler._persistent_id_bound:
                return MethodType(pickler._persistent_id, pickler)
            return pickler._persistent_id
        if not _IS_METHOD:
            raise AttributeError("persistent_id")
        return MethodType(default_persistent_id, pickler)

    def __set__(self, pickler: Pickler, hook: Any) -> None:
        if not _IS_ASSIGNABLE:
            raise AttributeError(f"'{type(pickler).__name__}' object attribute 'persistent_id' is read-only")
        if not _IS_METHOD and not callable(hook):
            raise TypeError("persistent_id must be a callable taking one argument")
        pickler._persistent_id_bound = False
        pickler._persistent_id = hook

    def __delete__(self, pickler: Pickler) -> None:
        if not _IS_METHOD:
            raise TypeError("attribute deletion is not supported")
        self.__set__(pickler, None)


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

    Subclasses may define persistent_id(obj), reducer_override(obj) and dispatch_table.  Source: pickle.Pickler.
    """

    __slots__ = ()

    persistent_id = _PersistentId()

    def __init__(
        self,
        file: Any,
        protocol: int | None = None,
        fix_imports: bool = True,
        buffer_callback: Callable[[Any], Any] | None = None,
    ) -> None:
        number = protocol_number(protocol)
        try:
            write = file.write
        except AttributeError:
            raise TypeError("file must have a 'write' attribute") from None
        if buffer_callback is not None and number < 5:
            raise ValueError("buffer_callback needs protocol >= 5")
        self._configure(write, number, bool(fix_imports), buffer_callback)
        if not _IS_METHOD:
            self._capture_persistent_id()
        self._capture_dispatch_table()

    def _capture_persistent_id(self) -> None:
        """Keep the hook of a subclass, without a reference to the Pickler itself if it is its method."""
        hook = getattr(self, "persistent_id", None)
        self._persistent_id_bound = isinstance(hook, MethodType) and hook.__self__ is self
        self._persistent_id = hook.__func__ if self._persistent_id_bound else hook


def dump(
    obj: Any,
    file: Any,
    protocol: int | None = None,
    *,
    fix_imports: bool = True,
    buffer_callback: Callable[[Any], Any] | None = None,
) -> None:
    """Write the pickled representation of obj to the open file: `Pickler(file, ...).dump(obj)`.

    Arguments and errors are those of Pickler and its dump().  Source: pickle.dump.
    """
    Pickler(file, protocol, fix_imports, buffer_callback).dump(obj)
