"""Pickler and dump: arguments checked once, then the compiled Emitter works."""

from _pickle import Pickler as StdlibPickler

from ._emitter import (
    Emitter,
    configure,
    default_persistent_id,
    dump,
    dumps,
    get_hook,
    protocol_number,
    seal,
    set_hook,
    set_pickler,
)
from ._hooks import capture_hook, hook_attribute, is_captured

__all__ = ["Pickler", "dump", "dumps"]

TYPE_CHECKING = False  # what typing says, without the time that importing it takes
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_CAPTURES_HOOK = is_captured(StdlibPickler, "persistent_id")


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

    persistent_id = hook_attribute(StdlibPickler, "persistent_id", default_persistent_id, get_hook, set_hook)

    def __init__(
        self,
        file: "Any",
        protocol: "int | None" = None,
        fix_imports: bool = True,
        buffer_callback: "Callable[[Any], Any] | None" = None,
    ) -> None:
        number = protocol_number(protocol)
        try:
            write = file.write
        except AttributeError:
            raise TypeError("file must have a 'write' attribute") from None
        if buffer_callback is not None and number < 5:
            raise ValueError("buffer_callback needs protocol >= 5")
        configure(self, write, number, bool(fix_imports), buffer_callback)
        if _CAPTURES_HOOK:
            capture_hook(self, "persistent_id", set_hook)


seal(Pickler)
set_pickler(Pickler)
dump.__module__ = dumps.__module__ = "cypickle"
