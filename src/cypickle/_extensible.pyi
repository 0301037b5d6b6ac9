"""The compiled classes under the surface of the pure Python ones."""

from collections.abc import Callable
from pickle import PickleBuffer, _Pickler, _Unpickler
from typing import Any

def has_little_stack() -> bool: ...

class ExtensiblePickler(_Pickler):
    def __init__(
        self,
        file: Any,
        protocol: int | None = None,
        *,
        fix_imports: bool = True,
        buffer_callback: Callable[[PickleBuffer], Any] | None = None,
    ) -> None: ...
    def save_reduce(self, *args: Any, obj: Any = None, **named: Any) -> None: ...
    def save_list(self, obj: Any) -> None: ...
    def save_dict(self, obj: Any) -> None: ...

class ExtensibleUnpickler(_Unpickler):
    def load_build(self) -> None: ...
    def load_bytearray8(self) -> None: ...
