"""Subclasses of Pickler and Unpickler with one hook each, over dataclass instances and a few handles.

Every hook treats the handles, one in a hundred objects, by itself and leaves the rest to the Pickler.
"""

import copyreg
import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

from cypickle.bench.records import four_fields
from cypickle.bench.registry import Way, dumps_by, loads_by, workload
from cypickle.bench.shapes import Handle, Record, find_handle


def records_and_handles(rng: random.Random) -> list[Any]:
    """Return 2000 dataclass instances with 20 handles strewn in."""
    graph: list[Any] = list(four_fields(Record, rng))
    for n in range(20):
        graph.insert(n * 101, Handle(n))
    return graph


def reduce_handle(handle: Handle) -> tuple[Callable[[int], Handle], tuple[int]]:
    """Reduce a handle to its key."""
    return find_handle, (handle.key,)


def reducer_override(self: Any, obj: Any) -> Any:
    """Reduce handles, as a method of a Pickler."""
    return reduce_handle(obj) if type(obj) is Handle else NotImplemented


def persistent_id(self: Any, obj: Any) -> int | None:
    """Name handles by their key, as a method of a Pickler."""
    return obj.key if type(obj) is Handle else None


def persistent_load(self: Any, pid: Any) -> Handle:
    """Find a handle by its key, as a method of an Unpickler."""
    return find_handle(pid)


def dump_by(namespace: dict[str, Any]) -> Callable[[ModuleType], Callable[[Any], bytes]]:
    """Return the `dump` of a Way: by a subclass of the module's Pickler with this namespace."""

    def dump(module: ModuleType) -> Callable[[Any], bytes]:
        return dumps_by(type("HookedPickler", (module.Pickler,), dict(namespace)))

    return dump


def load_plainly(module: ModuleType) -> Callable[[Any], Any]:
    """Return the module's `loads`."""
    loads: Callable[[Any], Any] = module.loads
    return loads


def load_by(namespace: dict[str, Any]) -> Callable[[ModuleType], Callable[[Any], Any]]:
    """Return the `load` of a Way: by a subclass of the module's Unpickler with this namespace."""

    def load(module: ModuleType) -> Callable[[Any], Any]:
        return loads_by(type("HookedUnpickler", (module.Unpickler,), dict(namespace)))

    return load


TABLE = {**copyreg.dispatch_table, Handle: reduce_handle}


@workload("hooks", way=Way(dump_by({"reducer_override": reducer_override}), load_plainly))
def hook_reducer_override(rng: random.Random) -> Any:
    """2000 dataclass instances, by a Pickler subclass with `reducer_override`."""
    return records_and_handles(rng)


@workload(
    "hooks",
    way=Way(dump_by({"persistent_id": persistent_id}), load_by({"persistent_load": persistent_load})),
)
def hook_persistent_id(rng: random.Random) -> Any:
    """2000 dataclass instances, by a Pickler with `persistent_id`, an Unpickler with `persistent_load`."""
    return records_and_handles(rng)


@workload("hooks", way=Way(dump_by({"dispatch_table": TABLE}), load_plainly))
def hook_dispatch_table(rng: random.Random) -> Any:
    """2000 dataclass instances, by a Pickler subclass with a private `dispatch_table`."""
    return records_and_handles(rng)
