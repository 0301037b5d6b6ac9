"""What the running version's own pickler says about an object that it does not pickle, or about one that changes.

It is shown the same object and the same reduce value: so class, message and notes are those of that very patch
release.  Imported by the first error.
"""

from __future__ import annotations

import sys
from _pickle import PicklingError

from ._classes import StdlibPickler  # not of _pickle, where install() may have put another
from ._reduce import note_part

TYPE_CHECKING = False  # what typing says, without the time that importing it takes
if TYPE_CHECKING:
    from typing import Any, NoReturn


def refuse(
    obj: object, protocol: int, reduced: object = NotImplemented, fix_imports: bool = True
) -> NoReturn:
    """Raise what the running version raises for an object that it cannot pickle by this protocol.

    Args:
        reduced: The reduce value, a str for the name of a global; NotImplemented to ask obj.
    """
    asked = _Asked(_Sink(), protocol, fix_imports=fix_imports)
    asked.obj = obj
    asked.reduced = reduced
    asked.dump(obj)
    # It was found or well formed when asked again: something changed in between.
    raise PicklingError(f"Can't pickle {obj!r}")


def refuse_reduce_value(obj: object, reduced: object, protocol: int) -> NoReturn:
    """Raise what the running version raises for this malformed reduce value of obj."""
    try:
        refuse(obj, protocol, reduced)
    except BaseException as error:
        if not _NOTES:
            note_part(error, obj, "object")
        raise


_NOTES = sys.version_info >= (3, 14)  # the running version's errors carry notes


class _Asked(StdlibPickler):
    """The running version's pickler, with one object's reduce value given."""

    obj: object
    reduced: object

    def reducer_override(self, obj: object) -> Any:
        return self.reduced if obj is self.obj else NotImplemented


class _Sink:
    def write(self, data: object) -> None:
        """Drop it: only the error is wanted."""


def allow_list_change(size: int) -> int:
    """A list has another size than when it was opened: return the new one, if the running version goes on.

    Raises:
        RuntimeError: it does not.
    """
    global _list_change_refused
    if _list_change_refused is None:
        _list_change_refused = _refuses_list_change()
    if _list_change_refused:
        raise RuntimeError("list changed size during iteration")
    return size


_list_change_refused: bool | None = None  # not asked yet


def _refuses_list_change() -> bool:
    """Whether the running version's pickler minds a list that grows under way: patch releases differ."""
    items: list[object] = []

    class Growing(StdlibPickler):
        def reducer_override(self, obj: object) -> Any:
            if obj is int:
                return NotImplemented
            items.append(None)
            return int, ()

    items.extend([object(), object()])
    try:
        Growing(_Sink(), 5).dump(items)
    except RuntimeError:
        return True
    return False


def cyclic_in_fast_mode(obj: object, address: int) -> str:
    """Text for a list or dict that contains itself, met in fast mode."""
    return (
        "fast mode: can't pickle cyclic objects including object "
        f"type {type(obj).__name__:.200} at {address:#x}"
    )
