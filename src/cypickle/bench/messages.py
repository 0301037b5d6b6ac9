"""One small object per call, and pyperformance's five pickle benchmarks rebuilt from their description."""

import random
from collections.abc import Callable
from io import BytesIO
from types import ModuleType
from typing import Any

from cypickle.bench import shapes
from cypickle.bench.records import word
from cypickle.bench.registry import PROTOCOL, Way, dumps_by, loads_by, workload


@workload("one message", kind="call", plain=True, main=True)
def small_dict(rng: random.Random) -> Any:
    """One dict of 4 items, time per call."""
    return {"id": rng.randrange(10**6), "name": word(rng), "score": rng.random(), "active": True}


@workload("one message", kind="call", main=True)
def small_instance(rng: random.Random) -> Any:
    """One instance of 3 attributes, time per call."""
    return shapes.Plain(rng.randrange(10**6), word(rng), rng.random())


@workload("one message", kind="call", plain=True)
def call_message(rng: random.Random) -> Any:
    """One call message (str, args, kwargs), time per call."""
    return (
        f"app.tasks.{word(rng)}",
        (rng.randrange(10**6), word(rng)),
        {"retries": 3, "timeout": rng.random()},
    )


def dump_to_file(module: ModuleType) -> Callable[[Any], bytes]:
    """Return a function that pickles by the module's `dump`."""

    def dumps(graph: Any) -> bytes:
        file = BytesIO()
        module.dump(graph, file, PROTOCOL)
        return file.getvalue()

    return dumps


def load_from_file(module: ModuleType) -> Callable[[bytes], Any]:
    """Return a function that loads by the module's `load`."""
    return lambda data: module.load(BytesIO(data))


@workload("one message", kind="call", way=Way(dump_to_file, load_from_file))
def message_by_file(rng: random.Random) -> Any:
    """One dict of 4 items by `dump` and `load` with a BytesIO, time per call."""
    return small_dict(rng)


BY_PICKLER = Way(lambda module: dumps_by(module.Pickler), lambda module: loads_by(module.Unpickler))


@workload("one message", kind="call", way=BY_PICKLER)
def message_by_pickler(rng: random.Random) -> Any:
    """One dict of 4 items by a Pickler and an Unpickler with a BytesIO, time per call."""
    return small_dict(rng)


def profile(rng: random.Random) -> dict[str, Any]:
    """Return a user's profile: some 30 short fields, most of them numbers and strs."""
    fields: dict[str, Any] = {
        f"{word(rng)}_{n}": rng.randrange(2 ** rng.choice((3, 8, 31))) for n in range(16)
    }
    fields |= {f"{word(rng)}_{n}": f"{word(rng)} {word(rng)}" for n in range(10)}
    fields |= {f"{word(rng)}_{n}": rng.choice((None, True, False, "")) for n in range(4)}
    fields["mailboxes"] = [f"{word(rng)}@example.org" for _ in range(3)]
    return fields


def variety(rng: random.Random) -> Any:
    """Return one message that holds a profile, a tuple with large ints, and three variants of the profile."""
    base = profile(rng)
    numbers = ([rng.getrandbits(rng.choice((7, 31, 62))) for _ in range(35)], rng.randrange(100))
    variants = [{key: rng.choice((value, word(rng))) for key, value in base.items()} for _ in range(3)]
    return [base, numbers, variants]


@workload("pyperformance", kind="call")
def pyperformance_pickle(rng: random.Random) -> Any:
    """A profile, a tuple with large ints, and a list of three profiles: its `pickle` and `unpickle`."""
    return variety(rng)


@workload("pyperformance", kind="call")
def pyperformance_pickle_list(rng: random.Random) -> Any:
    """Ten lists of two lists of ten small ints: its `pickle_list` and `unpickle_list`."""
    return [[list(range(10)), list(range(10))] for _ in range(10)]


@workload("pyperformance", kind="call")
def pyperformance_pickle_dict(rng: random.Random) -> Any:
    """A dict of 100 dicts of ten small keys: its `pickle_dict`."""
    return {key: dict.fromkeys(range(10)) for key in range(100)}
