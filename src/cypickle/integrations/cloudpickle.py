"""cloudpickle on cypickle: the same functions, classes and bytes.

    from cypickle.integrations import cloudpickle

The reducers are cloudpickle's own.  Its reducer_override, in Python, is asked only about what it can answer for:
classes and functions.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import cypickle
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


class Pickler(_Rebased):  # type: ignore[misc]
    """cloudpickle.Pickler: the arguments, attributes and reducers of cloudpickle's."""

    def __init__(self, file: Any, protocol: int | None = None, buffer_callback: Any = None) -> None:
        _Rebased.__init__(self, file, protocol, buffer_callback)
        table = self.dispatch_table
        if table is _cloudpickle.Pickler.dispatch_table:
            # A dict is looked up faster than a ChainMap, and only a dict leaves plans in force.
            self.dispatch_table = dict(table)


CloudPickler = Pickler

dump = rebase_function(_cloudpickle.dump, {"Pickler": Pickler})
dumps = rebase_function(_cloudpickle.dumps, {"Pickler": Pickler})
load, loads = cypickle.load, cypickle.loads
register_pickle_by_value = _cloudpickle.register_pickle_by_value
unregister_pickle_by_value = _cloudpickle.unregister_pickle_by_value
