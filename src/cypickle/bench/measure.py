"""One workload measured: output checked, then timed, cypickle beside the standard library's pickle."""

import gc
import marshal
import math
import pickle
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

from cypickle.bench.host import describe
from cypickle.bench.isomorphism import isomorphic
from cypickle.bench.registry import PROTOCOL, Call, Unavailable, Workload
from cypickle.bench.timing import best_times

OURS = "cypickle"
THEIRS = "pickle"


@dataclass(slots=True)
class Result:
    """What measuring one workload gave.

    Args:
        dumps: Seconds per call, by contestant; so is `loads`.
        same_bytes: Whether every byte equals the stdlib's.
        same_objects: Whether the loaded graph is isomorphic to the one that the stdlib loads.
        skipped: Why it could not run here.
        error: What was raised, for a workload that failed.
    """

    name: str
    group: str
    about: str
    kind: str
    nbytes: int = 0
    dumps: dict[str, float] = field(default_factory=dict)
    loads: dict[str, float] = field(default_factory=dict)
    same_bytes: bool = False
    same_objects: bool = False
    skipped: str | None = None
    error: str | None = None

    @property
    def correct(self) -> bool:
        """Whether the times count: the output was right."""
        return self.same_bytes and self.same_objects and self.error is None

    def ratio(self, direction: str) -> float:
        """Return the stdlib's time over cypickle's, for "dumps" or "loads"; NaN without times."""
        times = self.dumps if direction == "dumps" else self.loads
        return times[THEIRS] / times[OURS] if OURS in times and THEIRS in times else math.nan

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure: see `timing.best_times`. Without rounds only the output is checked."""

    rounds: int = 40
    seconds: float = 0.01
    budget: float = math.inf


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean of the values that are numbers."""
    logs = [math.log(value) for value in values if not math.isnan(value)]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def as_document(results: Iterable[Result], effort: Effort, **more: Any) -> dict[str, Any]:
    """Return results with everything that must be known about them, as JSON can hold it."""
    return {
        "host": describe(),
        "protocol": PROTOCOL,
        "rounds": effort.rounds,
        "seconds_per_round": effort.seconds,
        **more,
        "results": [result.as_dict() for result in results],
    }


def peers_dumping(graph: Any) -> dict[str, Call]:
    """Return how other serialisers of plain data write it, those that are installed."""
    calls = {"marshal": Call(marshal.dumps, (graph,))}
    try:
        msgpack = import_module("msgspec.msgpack")
    except ImportError:
        return calls
    return {**calls, "msgspec": Call(msgpack.Encoder().encode, (graph,))}


def peers_loading(graph: Any) -> dict[str, Call]:
    """Return how other serialisers of plain data read it."""
    calls = {"marshal": Call(marshal.loads, (marshal.dumps(graph),))}
    try:
        msgpack = import_module("msgspec.msgpack")
    except ImportError:
        return calls
    return {**calls, "msgspec": Call(msgpack.Decoder().decode, (msgpack.encode(graph),))}


def measure(workload: Workload, ours: ModuleType, effort: Effort, *, peers: bool = False) -> Result:
    """Check and time one workload.

    Each side pickles a graph of its own, as pickling may change objects (the stdlib's dumps gives instances
    their `__dict__`). cypickle's bytes are compared on both: on its own graph before anyone touched it, on
    the graph that the stdlib has pickled.

    Args:
        ours: The module under test, usually `cypickle`.
        effort: How long to measure.
        peers: Time `marshal` and, if it is installed, `msgspec`, too, on plain data.
    """
    result = Result(workload.name, workload.group, workload.about, workload.kind)
    try:
        check_and_time(workload, ours, effort, peers and workload.plain, result)
    except Unavailable as reason:
        result.skipped = str(reason)
    except Exception as error:
        result.error = f"{type(error).__name__}: {error}"
    return result


def check_and_time(workload: Workload, ours: ModuleType, effort: Effort, peers: bool, result: Result) -> None:
    """Fill in a result."""
    their_graph = workload.build()
    our_graph = their_graph if workload.kind == "big" else workload.build()
    dumping = {
        THEIRS: workload.dumping(pickle, their_graph),
        OURS: workload.dumping(ours, our_graph),
    }
    untouched = workload.parts(dumping[OURS].once())
    pickled = dumping[THEIRS].once()
    expected = workload.parts(pickled)
    result.nbytes = sum(map(len, expected))
    result.same_bytes = workload.parts(workload.dumping(ours, their_graph).once()) == expected
    if effort.rounds:
        if peers:
            dumping |= peers_dumping(their_graph)
        result.dumps = time(dumping, effort)
    result.same_bytes &= untouched == workload.parts(workload.dumping(pickle, our_graph).once())
    del untouched, expected

    loading = {name: workload.loading(module, pickled) for name, module in ((THEIRS, pickle), (OURS, ours))}
    result.same_objects = isomorphic(loading[THEIRS].once(), loading[OURS].once())
    if effort.rounds:
        if peers:
            loading |= peers_loading(their_graph)
        result.loads = time(loading, effort)


def time(calls: dict[str, Call], effort: Effort) -> dict[str, float]:
    """Return the best time of each call."""
    gc.collect()
    return best_times(calls, rounds=effort.rounds, seconds=effort.seconds, budget=effort.budget)
