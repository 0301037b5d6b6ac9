"""The compiled emitter: from objects to opcodes."""

from collections.abc import Callable, Mapping
from pickle import PickleBuffer
from typing import Any, final

from typing_extensions import disjoint_base

DEFAULT_PROTOCOL: int
HIGHEST_PROTOCOL: int
UNSET: object

def default_persistent_id(self: Any, obj: Any, /) -> Any: ...
def take_general_way(on: bool) -> None: ...

@final
class PicklerMemoProxy:
    __hash__: None  # type: ignore[assignment]
    def __new__(cls, pickler: Emitter) -> PicklerMemoProxy: ...
    def clear(self, /) -> None: ...
    def copy(self, /) -> dict[int, tuple[int, Any]]: ...
    def __reduce__(self, /) -> tuple[type[dict[Any, Any]], tuple[dict[int, tuple[int, Any]]]]: ...

@disjoint_base
class Emitter:
    """What Pickler is made of: options, memo and hooks, and the dump itself."""

    bin: int
    fast: int
    dispatch_table: Mapping[type, Callable[[Any], Any]]

    @property
    def memo(self) -> PicklerMemoProxy: ...
    @memo.setter
    def memo(self, value: PicklerMemoProxy | dict[int, tuple[int, Any]]) -> None: ...
    @memo.deleter
    def memo(self) -> None: ...
    def __init__(
        self,
        file: Any,
        protocol: int | None = None,
        fix_imports: bool = True,
        buffer_callback: Callable[[Any], Any] | None = None,
    ) -> None: ...
    def dump(self, obj: Any, /) -> None: ...
    def clear_memo(self, /) -> None: ...

def configure(
    pickler: Emitter,
    write: Callable[[bytes], Any],
    protocol: int,
    fix_imports: bool,
    buffer_callback: Callable[[PickleBuffer], Any] | None,
) -> None: ...
def seal(cls: type, /) -> None: ...
def get_hook(pickler: Emitter) -> Any: ...
def set_hook(pickler: Emitter, hook: Any, bound: bool) -> None: ...
def is_captured(stdlib_class: type, name: str) -> bool: ...
def hook_attribute(
    stdlib_class: type,
    name: str,
    default: Callable[[Any, Any], Any],
    get: Callable[[Any], Any],
    set_: Callable[[Any, Any, bool], None],
) -> Any: ...
def capture_hook(instance: Any, name: str, set_: Callable[[Any, Any, bool], None]) -> None: ...
def dumps(
    obj: Any,
    protocol: int | None = None,
    *,
    fix_imports: bool = True,
    buffer_callback: Callable[[PickleBuffer], Any] | None = None,
) -> bytes: ...
def dump(
    obj: Any,
    file: Any,
    protocol: int | None = None,
    *,
    fix_imports: bool = True,
    buffer_callback: Callable[[PickleBuffer], Any] | None = None,
) -> None: ...
def set_pickler(cls: type, /) -> None: ...
