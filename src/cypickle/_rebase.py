"""Software that derives from pickle._Pickler, a second time: the same code on another base class."""

from __future__ import annotations

from types import CellType, FunctionType, MethodType
from typing import Any


class Declaration:
    """A class attribute that declares something about a method, such as ExtensiblePickler's saves_like_base.

    Where a subclass or an instance has another method of that name, the attribute is not there.
    """

    def __init__(self, method: str, said: Any) -> None:
        self._method = method
        self._said = said

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self._function = getattr(owner, self._method)

    def __get__(self, instance: Any, owner: type) -> Any:
        method = getattr(owner if instance is None else instance, self._method)
        if getattr(method, "__func__", method) is not self._function:
            raise AttributeError(self._name)
        if instance is None or not isinstance(self._said, FunctionType):
            return self._said
        return MethodType(self._said, instance)


def rebase_function(
    function: FunctionType,
    names: dict[str, Any],
    class_cell: CellType | None = None,
    module: str | None = None,
) -> Any:
    """A copy of a function that finds `names` in the place of the globals of its module.

    The other globals are as the module has them now, so the copy is for functions whose module is complete.
    class_cell: holds, or will hold, the class that `super()` in it means.
    module: the one that has the copy under the function's name, so that it can be pickled.
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
        module or function.__module__,
    )
    return copy


def rebase_class(
    cls: type, bases: tuple[type, ...], names: dict[str, Any], module: str | None = None, **members: Any
) -> Any:
    """A copy of a class on other bases: its functions, those in its dispatch too, find `names` as rebase_function says.

    module: the one that has the copy under the class's name, so that it can be pickled, and its instances.
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
    if module is not None:
        body["__module__"] = module
    rebased = type(cls)(cls.__name__, bases, {**body, **members})
    class_cell.cell_contents = rebased
    return rebased
