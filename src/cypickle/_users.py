"""Who refers to an object, as the collector knows it.

What is found is anybody's: it is named without running code of it, so no attribute is looked up by its own class.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import CellType, FunctionType, GetSetDescriptorType, MappingProxyType, ModuleType
from typing import Any

__all__ = ["describe", "is_a", "module_names", "owners", "users"]

_class_dict: Any = vars(type)["__dict__"]
_class_mro: Any = vars(type)["__mro__"]
_class_module: Any = vars(type)["__module__"]
_class_qualname: Any = vars(type)["__qualname__"]


def is_a(item: object, *classes: type) -> bool:
    """isinstance(), which asks the item's `__class__`, too, by the item's type alone."""
    return issubclass(type(item), classes)


def module_names(module: ModuleType) -> dict[str, Any]:
    """The global names of a module, a lazy one left unloaded."""
    names: dict[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    return names


def users(targets: Sequence[Any]) -> list[tuple[object, list[Any]]]:
    """What refers to any of them, and to which: the collector's objects are gone through once."""
    by_id = {id(target): target for target in targets}
    return [
        (user, [by_id[id(value)] for value in gc.get_referents(user) if id(value) in by_id])
        for user in gc.get_referrers(*targets)
        if user is not targets and user is not by_id
    ]


def owners(containers: Sequence[Any], left_out: Collection[int]) -> dict[int, object]:
    """id of a dict, tuple or cell -> the function, class or instance whose defaults, attributes or closure it is.

    left_out: ids of what shall not count as an owner.
    """
    found: dict[int, object] = {}
    closures: dict[int, list[Any]] = {}
    for holder, held in users(containers):
        for container in held:
            if is_a(holder, FunctionType, type) or _instance_dict(holder) is container:
                if id(holder) not in left_out:
                    found.setdefault(id(container), holder)
            elif is_a(container, CellType) and is_a(holder, tuple):
                closures.setdefault(id(holder), [holder]).append(container)
    for holder, held in users([closure for closure, *_ in closures.values()]) if closures else ():
        if is_a(holder, FunctionType):
            found.update((id(cell), holder) for closure in held for cell in closures[id(closure)][1:])
    return found


def describe(user: Any) -> str:
    """Name a function, class, module or instance; "" for what has no name."""
    if type(user) is FunctionType:
        return f"{_text(user.__module__)}.{user.__qualname__}"
    if is_a(user, type):
        return _class_name(user)
    if is_a(user, ModuleType):
        return f"module {_text(module_names(user).get('__name__'))}"
    if any("__slots__" in members or _is_dict_slot(members.get("__dict__")) for members in _members(user)):
        return f"an instance of {_class_name(type(user))}"
    return ""


def _class_name(cls: type) -> str:
    return f"{_text(_class_module.__get__(cls))}.{_class_qualname.__get__(cls)}"


def _text(name: object) -> str:
    """A module's name, which may be anything."""
    return name if type(name) is str else "?"


def _members(item: object) -> Iterator[Mapping[str, Any]]:
    """The dicts of an object's classes."""
    for cls in _class_mro.__get__(type(item)):
        members: MappingProxyType[str, Any] = _class_dict.__get__(cls)
        yield members


def _is_dict_slot(member: object) -> bool:
    """Whether a class member is the interpreter's own `__dict__` of instances, not a property of the same name."""
    return type(member) is GetSetDescriptorType


def _instance_dict(item: object) -> object:
    for members in _members(item):
        slot = members.get("__dict__")
        if _is_dict_slot(slot):
            return slot.__get__(item)  # type: ignore[union-attr]
    return None
