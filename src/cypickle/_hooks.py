"""The attributes persistent_id and persistent_load, as the running version's Pickler and Unpickler have them.

Up to 3.12 such an attribute is absent until set, and captured by `__init__`.  From 3.13 on it is a method that is
looked up by each dump() or load(), which instances can replace since a patch release of 3.13.
"""

from ._emitter import UNSET

TYPE_CHECKING = False  # what typing says, without the time that importing it takes
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import GetSetDescriptorType, MethodType
    from typing import Any
else:
    GetSetDescriptorType = type(vars(type)["__dict__"])
    MethodType = type((lambda self: None).__get__(0))


class _Hook:
    """A data descriptor over what the compiled base class keeps."""

    def __init__(
        self, name: str, get: "Callable[[Any], Any]", set_: "Callable[[Any, Any, bool], None]"
    ) -> None:
        self._name = name
        self._get = get
        self._set = set_


class _CapturedHook(_Hook):
    """Absent until set, never deleted."""

    def __get__(self, instance: "Any", owner: type) -> "Any":
        if instance is None:
            return self
        hook = self._get(instance)
        if hook is UNSET:
            raise AttributeError(self._name)
        return hook

    def __set__(self, instance: "Any", hook: "Any") -> None:
        if not callable(hook):
            raise TypeError(f"{self._name} must be a callable taking one argument")
        self._set(instance, hook, False)

    def __delete__(self, instance: "Any") -> None:
        raise TypeError("attribute deletion is not supported")


class _AssignableHook(_Hook):
    """A method, unless the instance has been given something else."""

    def __init__(
        self,
        name: str,
        get: "Callable[[Any], Any]",
        set_: "Callable[[Any, Any, bool], None]",
        default: "Callable[[Any, Any], Any]",
    ) -> None:
        super().__init__(name, get, set_)
        self._default = default

    def __get__(self, instance: "Any", owner: type) -> "Any":
        if instance is None:
            return self._default
        hook = self._get(instance)
        return MethodType(self._default, instance) if hook is UNSET else hook

    def __set__(self, instance: "Any", hook: "Any") -> None:
        self._set(instance, hook, False)

    def __delete__(self, instance: "Any") -> None:
        self._set(instance, UNSET, False)


def is_captured(stdlib_class: type, name: str) -> bool:
    """Whether the running version's class captures the hook in `__init__`."""
    return isinstance(vars(stdlib_class).get(name), GetSetDescriptorType)


def hook_attribute(
    stdlib_class: type,
    name: str,
    default: "Callable[[Any, Any], Any]",
    get: "Callable[[Any], Any]",
    set_: "Callable[[Any, Any, bool], None]",
) -> "Any":
    """Return the class attribute `name` that behaves as on stdlib_class."""
    if is_captured(stdlib_class, name):
        return _CapturedHook(name, get, set_)
    if "__setattr__" in vars(stdlib_class):
        return _AssignableHook(name, get, set_, default)
    return default


def capture_hook(instance: "Any", name: str, set_: "Callable[[Any, Any, bool], None]") -> None:
    """Keep a subclass's hook, without a cycle where it is a method of this very object."""
    hook = getattr(instance, name, UNSET)
    if isinstance(hook, MethodType) and hook.__self__ is instance:
        set_(instance, hook.__func__, True)
    else:
        set_(instance, hook, False)
