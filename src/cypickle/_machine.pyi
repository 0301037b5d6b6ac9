"""What the compiled machine offers to the package."""

from collections.abc import Iterable
from typing import Any, final

from _typeshed import ReadableBuffer
from typing_extensions import disjoint_base

@final
class UnpicklerMemoProxy:
    __hash__: None  # type: ignore[assignment]
    def __new__(cls, machine: Machine) -> UnpicklerMemoProxy: ...
    def clear(self, /) -> None: ...
    def copy(self, /) -> dict[int, Any]: ...
    def __reduce__(self, /) -> tuple[type[dict[int, Any]], tuple[dict[int, Any]]]: ...

@final
class Habits: ...

@disjoint_base
class Machine:
    def __init__(
        self,
        file: Any,
        *,
        fix_imports: bool = True,
        encoding: str = "ASCII",
        errors: str = "strict",
        buffers: Iterable[Any] | None = (),
    ) -> None: ...
    @property
    def memo(self) -> UnpicklerMemoProxy: ...
    @memo.setter
    def memo(self, value: UnpicklerMemoProxy | dict[int, Any]) -> None: ...
    def load(self, /) -> Any: ...
    def find_class(self, module_name: str, global_name: str, /) -> Any: ...
    def _set_hook(self, hook: Any, bound: bool) -> None: ...
    def _get_hook(self) -> Any: ...

def configure(unpickler: type[Machine], /, **found: Any) -> None: ...
def loads(
    data: ReadableBuffer,
    /,
    *,
    fix_imports: bool = True,
    encoding: str = "ASCII",
    errors: str = "strict",
    buffers: Iterable[Any] | None = (),
) -> Any: ...
def load(
    file: Any,
    *,
    fix_imports: bool = True,
    encoding: str = "ASCII",
    errors: str = "strict",
    buffers: Iterable[Any] | None = (),
) -> Any: ...
