"""cloudpickle on cypickle: the same functions, classes and bytes.

    from cypickle.integrations import cloudpickle

The reducers are cloudpickle's own.  Its reducer_override, in Python, is asked only about what it can answer for:
classes and functions.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import cypickle
from cypickle._emitter import Emitter
from cypickle._rebase import rebase_class, rebase_function
from cypickle.integrations import host

host("cloudpickle", "cloudpickle")
_cloudpickle = host("cloudpickle.cloudpickle", "cloudpickle")

__all__ = [
    "CloudPickler",
    "Pickler",
    "dump",
    "dumps",
    "load",
    "loads",
    "register_pickle_by_value",
    "unregister_pickle_by_value",
]


_Rebased: Any = rebase_class(
    _cloudpickle.Pickler,
    (cypickle.Pickler,),
    {},
    reducer_override_types=(type, FunctionType),
)


_base_table = vars(Emitter)["dispatch_table"]


class _DispatchTable:
    """The class attribute of cloudpickle's Pickler; on instances the table that the base class goes by."""

    def __get__(self, pickler: Any, owner: type) -> Any:
        if pickler is None:
            return _cloudpickle.Pickler.dispatch_table
        return _base_table.__get__(pickler, owner)

    def __set__(self, pickler: Any, table: Any) -> None:
        _base_table.__set__(pickler, table)


# abc.abstractmethod is a key, too, but no object has it as its type.
_NO_CLASSES = [key for key in _cloudpickle.Pickler.dispatch_table if not isinstance(key, type)]


class Pickler(_Rebased):  # type: ignore[misc]
    """cloudpickle.Pickler: the arguments, attributes and reducers of cloudpickle's."""

    dispatch_table: Any = _DispatchTable()

    def __init__(self, file: Any, protocol: int | None = None, buffer_callback: Any = None) -> None:
        _Rebased.__init__(self, file, protocol, buffer_callback)
        table = type(self).dispatch_table
        if table is _cloudpickle.Pickler.dispatch_table:
            # A dict of classes is looked up at full speed, a ChainMap by Python code.
            first, second = table.maps
            flat = {**second, **first}
            for key in _NO_CLASSES:
                flat.pop(key, None)
            self.dispatch_table = flat


CloudPickler = Pickler

dump = rebase_function(_cloudpickle.dump, {"Pickler": Pickler})
dumps = rebase_function(_cloudpickle.dumps, {"Pickler": Pickler})
load, loads = cypickle.load, cypickle.loads
register_pickle_by_value = _cloudpickle.register_pickle_by_value
unregister_pickle_by_value = _cloudpickle.unregister_pickle_by_value
