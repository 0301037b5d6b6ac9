"""cloudpickle on cypickle: the same functions, classes and bytes.

    from cypickle.integrations import cloudpickle

The reducers are cloudpickle's own.  Its reducer_override, in Python, is asked only about what it can answer for:
classes and functions.  A subclass's is asked about all that cloudpickle would ask it.
"""

from __future__ import annotations

from collections import ChainMap
from types import FunctionType
from typing import Any

import cypickle
from cypickle._emitter import Emitter
from cypickle._rebase import Declaration, rebase_class, rebase_function
from cypickle.integrations import host

host("cloudpickle", "cloudpickle")
_cloudpickle = host("cloudpickle.cloudpickle", "cloudpickle")
_theirs = _cloudpickle.Pickler  # whatever takes its place in cloudpickle later

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
    _theirs,
    (cypickle.Pickler,),
    {},
    reducer_override_types=Declaration("reducer_override", (type, FunctionType)),
)

_base_table = vars(Emitter)["dispatch_table"]
_OWN_TABLE = "_own_dispatch_table"


class _DispatchTable:
    """The class attribute of cloudpickle's Pickler, which instances have unless they are given a table of their own.

    The base class goes by the table that dump() sets.
    """

    def __get__(self, pickler: Any, owner: Any) -> Any:
        table = _theirs.dispatch_table
        return table if pickler is None else vars(pickler).get(_OWN_TABLE, table)

    def __set__(self, pickler: Any, table: Any) -> None:
        vars(pickler)[_OWN_TABLE] = table
        _base_table.__set__(pickler, table)

    def __delete__(self, pickler: Any) -> None:
        if vars(pickler).pop(_OWN_TABLE, self) is self:
            raise AttributeError("dispatch_table")


def _flat(table: Any) -> Any:
    """A dict, which is looked up at full speed, in the place of a ChainMap, which is looked up by Python code."""
    flat: dict[Any, Any] = {}
    for part in reversed(table.maps):
        flat.update(part)
    # abc.abstractmethod is a key, too, but no object has it as its type.
    return {key: reduce for key, reduce in flat.items() if isinstance(key, type)}


class Pickler(_Rebased):  # type: ignore[misc]
    """cloudpickle.Pickler: the arguments, attributes and reducers of cloudpickle's."""

    dispatch_table: Any = _DispatchTable()

    def dump(self, obj: Any) -> None:
        """Write the pickle of an object."""
        table = self.dispatch_table
        if table is _theirs.dispatch_table:
            _base_table.__set__(self, _flat(table) if type(table) is ChainMap else table)
        _Rebased.dump(self, obj)


CloudPickler = Pickler

dump = rebase_function(_cloudpickle.dump, {"Pickler": Pickler}, module=__name__)
dumps = rebase_function(_cloudpickle.dumps, {"Pickler": Pickler}, module=__name__)
load, loads = cypickle.load, cypickle.loads
register_pickle_by_value = _cloudpickle.register_pickle_by_value
unregister_pickle_by_value = _cloudpickle.unregister_pickle_by_value
