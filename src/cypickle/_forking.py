"""ForkingPickler: how multiprocessing pickles what goes to another process."""

from __future__ import annotations

import copyreg
import io
from collections.abc import Callable
from multiprocessing import reduction
from typing import Any

import cypickle


class ForkingPickler(cypickle.Pickler):
    """multiprocessing.reduction.ForkingPickler on cypickle; what is registered with either, both know."""

    _extra_reducers: dict[type, Callable[[Any], Any]] = reduction.ForkingPickler._extra_reducers  # type: ignore[attr-defined]
    _copyreg_dispatch = copyreg.dispatch_table

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.dispatch_table = {**self._copyreg_dispatch, **self._extra_reducers}

    @classmethod
    def register(cls, type: type, reduce: Callable[[Any], Any]) -> None:
        """Register a reduce function for a type, for this class and the standard library's."""
        cls._extra_reducers[type] = reduce

    @classmethod
    def dumps(cls, obj: Any, protocol: int | None = None) -> memoryview:
        """Return the pickle of obj."""
        file = io.BytesIO()
        cls(file, protocol).dump(obj)
        return file.getbuffer()

    loads = cypickle.loads
