"""Dask distributed on cypickle: tasks, results, and what data Dask pickles.

In a client, before or after it connects:

    from cypickle.integrations import dask
    dask.use_everywhere()

In schedulers and workers, by their preload:

    dask scheduler --preload cypickle.integrations.dask
    dask worker --preload cypickle.integrations.dask tcp://scheduler:8786

What is sent are ordinary pickles, so processes with and without it understand each other.  Dask does not pickle what
it has a serializer of its own for, such as numpy arrays: nothing changes for these.  Importing this module also
registers a serialization family "cypickle", for `Client(serializers=["cypickle"], deserializers=["cypickle", ...])`:
a header and frames, buffers out-of-band, each as writable as it was.  All processes have to know it then.

An error in pickling or unpickling is given a note that says in which process it came up.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cypickle
from cypickle._rebase import rebase_class, rebase_function
from cypickle.integrations import host

__all__ = ["FAMILY", "dask_setup", "dask_teardown", "dumps", "loads", "use_everywhere"]

FAMILY = "cypickle"

host("distributed", "dask")
_serialize = host("distributed.protocol.serialize", "dask")
_theirs = host("distributed.protocol.pickle", "dask")
_side = "the client"
_lock = threading.Lock()
_asked = False  # use_everywhere() has been called, and not taken back
_nodes = 0  # schedulers and workers of this process that have been set up


def _noting(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose errors say where they came up."""

    def noted(*args: Any, **named: Any) -> Any:
        try:
            return function(*args, **named)
        except Exception as error:
            error.add_note(f"by cypickle in {_side}")
            raise

    noted.__name__ = noted.__qualname__ = function.__name__
    return noted


def _rebased() -> tuple[Any, Any]:
    from cypickle.integrations import cloudpickle

    clouds = SimpleNamespace(
        dumps=cloudpickle.dumps,
        list_registry_pickle_by_value=_theirs.cloudpickle.list_registry_pickle_by_value,
    )
    pickler = rebase_class(_theirs._DaskPickler, (cypickle.Pickler,), {})
    names = {"pickle": cypickle, "cloudpickle": clouds, "_DaskPickler": pickler}
    return rebase_function(_theirs.dumps, names), rebase_function(_theirs.loads, names)


_dumps, _loads = _rebased()
dumps, loads = _noting(_dumps), _noting(_loads)
_pairs = ((_theirs.dumps, dumps), (_theirs.loads, loads))


def use_everywhere(on: bool = True) -> None:
    """Give distributed these dumps and loads, in all its modules that are imported; or take them back."""
    global _asked
    with _lock:
        _asked = on
        _give(on)


def _give(on: bool) -> None:
    known = {id(theirs if on else ours): (ours if on else theirs) for theirs, ours in _pairs}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "distributed":
            for attribute, value in list(vars(module).items()):
                if id(value) in known:
                    setattr(module, attribute, known[id(value)])


def dask_setup(node: Any) -> None:
    """Preload of a scheduler or a worker: called by Dask with it."""
    global _side, _nodes
    kind = type(node).__name__.lower()
    _side = (
        f"the {kind} at {node.address}"
        if getattr(node, "_listeners", ()) or kind == "worker"
        else f"the {kind}"
    )
    with _lock:
        _nodes += 1
        _give(True)


def dask_teardown(node: Any) -> None:
    """Preload: undo dask_setup, unless the process has other nodes, or called use_everywhere() itself."""
    global _nodes
    with _lock:
        _nodes = max(0, _nodes - 1)
        if not _nodes and not _asked:
            _give(False)


# ---- the family ------------------------------------------------------------------------------------

_functions = SimpleNamespace(dumps=dumps, loads=loads, HIGHEST_PROTOCOL=cypickle.HIGHEST_PROTOCOL)
_family_loads = rebase_function(_serialize.pickle_loads, {"pickle": _functions})
_stdlib_dumps = rebase_function(_serialize.pickle_dumps, {"pickle": _functions})


def _family_dumps(x: Any, context: Any = None) -> tuple[dict[str, Any], list[Any]]:
    header, frames = _stdlib_dumps(x, context=context)
    return {**header, "serializer": FAMILY}, frames


_serialize.register_serialization_family(FAMILY, _family_dumps, _family_loads)
