"""Software that derives from pickle._Pickler, a second time: the same code on another base class."""

from __future__ import annotations

from types import CellType, FunctionType
from typing import Any


def rebase_function(function: FunctionType, names: dict[str, Any], class_cell: CellType | None = None) -> Any:
    """A copy of a function that finds `names` in the place of the globals of its module.

    The other globals are as the module has them now, so the copy is for functions whose module is complete.
    class_cell: holds, or will hold, the class that `super()` in it means.
    """
    closure = function.__closure__
    if closure is not None and class_cell is not None:
        free = zip(function.__code__.co_freevars, closure, strict=True)
        closure = tuple(class_cell if name == "__class__" else cell for name, cell in free)
    copy = FunctionType(
        function.__code__,
        {**function.__globals__, **names},
        function.__name__,
        function.__defaults__,
        closure,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__dict__.update(function.__dict__)
    copy.__doc__, copy.__qualname__, copy.__module__ = (
        function.__doc__,
        function.__qualname__,
        function.__module__,
    )
    return copy


def rebase_class(cls: type, bases: tuple[type, ...], names: dict[str, Any], **members: Any) -> Any:
    """A copy of a class on other bases: its functions, those in its dispatch too, find `names` as rebase_function says.

    members: added to the class, or put in the place of its own.
    """
    copied: dict[int, Any] = {}
    class_cell = CellType()

    def again(item: Any) -> Any:
        if not isinstance(item, FunctionType) or item.__module__ != cls.__module__:
            return item
        if id(item) not in copied:
            copied[id(item)] = rebase_function(item, names, class_cell)
        return copied[id(item)]

    left_out = ("__dict__", "__weakref__", "__static_attributes__", "__firstlineno__")
    body = {name: again(value) for name, value in vars(cls).items() if name not in left_out}
    if "dispatch" in body and type(body["dispatch"]) is dict:
        body["dispatch"] = {key: again(value) for key, value in body["dispatch"].items()}
    rebased = type(cls)(cls.__name__, bases, {**body, **members})
    class_cell.cell_contents = rebased
    return rebased
