"""Lists of records: instances of classes of every common make."""

import random
from collections.abc import Callable
from typing import Any, TypeVar

from cypickle.bench import shapes
from cypickle.bench.registry import workload

T = TypeVar("T")
COUNT = 2000


def word(rng: random.Random) -> str:
    """Return a new word of 4 to 9 letters."""
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(4, 9)))


def four_fields(
    make: Callable[[int, str, float, list[int]], T], rng: random.Random, count: int = COUNT
) -> list[T]:
    """Return instances with an int, a str, a float and a list of 3 ints, no two sharing a value."""
    return [
        make(
            n * 1000 + rng.randrange(1000),
            f"{word(rng)} {n}",
            rng.random(),
            [rng.randrange(10**6) for _ in "123"],
        )
        for n in range(count)
    ]


def three_fields(make: Callable[[int, str, float], T], rng: random.Random, count: int = COUNT) -> list[T]:
    """Return instances with an int, a str and a float, no two sharing a value."""
    return [make(n * 1000 + rng.randrange(1000), f"{word(rng)} {n}", rng.random()) for n in range(count)]


def dicts(rng: random.Random, count: int = COUNT) -> list[dict[str, Any]]:
    """Return records as dicts: {id, name, score, tags}."""
    return [
        {
            "id": n * 1000 + rng.randrange(1000),
            "name": f"{word(rng)} {n}",
            "score": rng.random(),
            "tags": [word(rng), word(rng)],
        }
        for n in range(count)
    ]


@workload("records", main=True)
def dataclass_list(rng: random.Random) -> Any:
    """2000 dataclass instances: int, str, float, list of 3 ints."""
    return four_fields(shapes.Record, rng)


@workload("records", main=True)
def instance_list(rng: random.Random) -> Any:
    """2000 plain instances of 3 attributes."""
    return three_fields(shapes.Plain, rng)


@workload("records")
def slotted_dataclass_list(rng: random.Random) -> Any:
    """2000 slotted dataclass instances."""
    return four_fields(shapes.SlottedRecord, rng)


@workload("records")
def frozen_slotted_dataclass_list(rng: random.Random) -> Any:
    """2000 frozen slotted dataclass instances."""
    return four_fields(shapes.FrozenSlottedRecord, rng)


@workload("records")
def slots_list(rng: random.Random) -> Any:
    """2000 instances of a class with `__slots__`."""
    return three_fields(shapes.Slots, rng)


@workload("records", main=True)
def namedtuple_list(rng: random.Random) -> Any:
    """2000 namedtuples of 3 fields."""
    return [shapes.Point(rng.randrange(10**6), rng.random(), f"{word(rng)} {n}") for n in range(COUNT)]


@workload("records", plain=True, main=True)
def dict_list(rng: random.Random) -> Any:
    """2000 dicts {id, name, score, tags}."""
    return dicts(rng)


@workload("own reducers")
def getstate_list(rng: random.Random) -> Any:
    """2000 instances with `__getstate__` and `__setstate__` in Python."""
    return three_fields(shapes.WithState, rng)


@workload("own reducers")
def reduce_list(rng: random.Random) -> Any:
    """2000 instances with `__reduce__` in Python."""
    return three_fields(shapes.WithReduce, rng)
