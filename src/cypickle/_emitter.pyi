"""The compiled emitter: objects to opcodes."""

from collections.abc import Callable, Mapping
from pickle import PickleBuffer
from typing import Any

class Emitter:
    """What Pickler is built on: options, memo and hooks, and the dump itself."""

    bin: int
    fast: int
    memo: Any
    dispatch_table: Mapping[type, Callable[[Any], Any]]

    def dump(self, obj: Any, /) -> None: ...
    def clear_memo(self, /) -> None: ...

def dumps(
    obj: Any,
    protocol: int | None = None,
    *,
    fix_imports: bool = True,
    buffer_callback: Callable[[PickleBuffer], Any] | None = None,
) -> bytes: ...
