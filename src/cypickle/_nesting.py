"""Deep nesting under ExtensiblePickler, left to the interpreter: its calls of Python functions take no C stack."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import wraps
from types import MethodType
from typing import Any

MESSAGE = "too many levels of nesting for the C stack while pickling an object"
_METHODS = ("save_reduce", "save_list", "save_dict", "_batch_appends", "_batch_setitems")


def looking_after_the_stack(
    save: Callable[..., None], has_little_stack: Callable[[], bool]
) -> Callable[..., None]:
    """save() that raises RecursionError where little of the C stack is left.  It takes none itself."""

    @wraps(save)
    def looking(self: Any, obj: object, save_persistent_id: bool = True) -> None:
        if has_little_stack():
            raise RecursionError(MESSAGE)
        save(self, obj, save_persistent_id)

    return looking


def save_by_interpreter(pickler: Any, obj: object) -> None:
    """pickler.save(obj) by the methods of pickle._Pickler, apart from those that a subclass overrides.

    Raises: RecursionError where an attribute of the pickler is in the way, or where the C stack is used up all the
        same, as by the calls of save_reduce() on some versions; what pickle._Pickler raises.
    """
    from cypickle._extensible import ExtensiblePickler, has_little_stack

    base: Any = ExtensiblePickler
    attributes = pickler.__dict__
    cls: Any = type(pickler)
    if "save" in attributes:
        raise RecursionError(MESSAGE)
    own = cls.save
    like_base = getattr(pickler, "saves_like_base", None)

    def save(obj: object, save_persistent_id: bool = True) -> None:
        if has_little_stack():
            raise RecursionError(MESSAGE)
        if own is base.save or (like_base is not None and like_base(type(obj))):
            pickle._Pickler.save(pickler, obj, save_persistent_id)  # type: ignore[attr-defined]
        elif save_persistent_id:
            own(pickler, obj)
        else:
            own(pickler, obj, save_persistent_id)

    ours: dict[str, Any] = {
        name: MethodType(getattr(pickle._Pickler, name), pickler)
        for name in _METHODS
        if name not in attributes and getattr(cls, name) is getattr(base, name)
    }
    ours["save"] = save
    attributes.update(ours)
    try:
        save(obj)
    finally:
        for name, method in ours.items():
            if attributes.get(name) is method:  # user code may have put something else there
                del attributes[name]
