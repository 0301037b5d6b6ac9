"""Lists of the standard library's value types, enum members and collections."""

import datetime as dt
import random
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from cypickle.bench import shapes
from cypickle.bench.records import COUNT, word
from cypickle.bench.registry import workload

EPOCH = dt.datetime(1990, 1, 1)


def moment(rng: random.Random) -> dt.datetime:
    """Return a new datetime of microseconds between 1990 and 2050."""
    return EPOCH + dt.timedelta(rng.randrange(21900), rng.randrange(86400), rng.randrange(10**6))


@workload("values", main=True)
def datetime_list(rng: random.Random) -> Any:
    """2000 naive datetimes."""
    return [moment(rng) for _ in range(COUNT)]


@workload("values")
def datetime_utc_list(rng: random.Random) -> Any:
    """2000 datetimes with timezone.utc."""
    return [moment(rng).replace(tzinfo=dt.timezone.utc) for _ in range(COUNT)]  # noqa: UP017


@workload("values")
def date_list(rng: random.Random) -> Any:
    """2000 dates."""
    return [moment(rng).date() for _ in range(COUNT)]


@workload("values")
def time_list(rng: random.Random) -> Any:
    """2000 times of day."""
    return [moment(rng).time() for _ in range(COUNT)]


@workload("values")
def timedelta_list(rng: random.Random) -> Any:
    """2000 timedeltas."""
    return [moment(rng) - EPOCH for _ in range(COUNT)]


@workload("values", main=True)
def uuid_list(rng: random.Random) -> Any:
    """2000 UUIDs."""
    return [UUID(int=rng.getrandbits(128), version=4) for _ in range(COUNT)]


@workload("values", main=True)
def decimal_list(rng: random.Random) -> Any:
    """2000 Decimals."""
    return [Decimal(rng.randrange(10**9)) / 100 for _ in range(COUNT)]


@workload("values")
def fraction_list(rng: random.Random) -> Any:
    """2000 Fractions."""
    return [Fraction(rng.randrange(10**6), rng.randrange(1, 10**6)) for _ in range(COUNT)]


@workload("values")
def path_list(rng: random.Random) -> Any:
    """2000 PurePosixPaths of 4 parts."""
    return [PurePosixPath(f"/srv/{word(rng)}/{word(rng)}/{n}.txt") for n in range(COUNT)]


@workload("values")
def complex_list(rng: random.Random) -> Any:
    """2000 complex numbers."""
    return [complex(rng.random(), rng.random()) for _ in range(COUNT)]


@workload("values")
def range_list(rng: random.Random) -> Any:
    """2000 ranges."""
    return [
        range(rng.randrange(10**4), rng.randrange(10**4, 10**6), rng.randrange(1, 9)) for _ in range(COUNT)
    ]


@workload("values")
def slice_list(rng: random.Random) -> Any:
    """2000 slices."""
    return [
        slice(rng.randrange(10**4), rng.randrange(10**4, 10**6), rng.randrange(1, 9)) for _ in range(COUNT)
    ]


def members(kind: type[Enum], rng: random.Random) -> list[Enum]:
    """Return 3000 members of an enumeration of 3."""
    return rng.choices(list(kind), k=3000)


@workload("enums", main=True)
def enum_list(rng: random.Random) -> Any:
    """3000 members of an Enum of 3."""
    return members(shapes.Colour, rng)


@workload("enums")
def intenum_list(rng: random.Random) -> Any:
    """3000 members of an IntEnum of 3."""
    return members(shapes.Level, rng)


@workload("enums")
def strenum_list(rng: random.Random) -> Any:
    """3000 members of a StrEnum of 3."""
    return members(shapes.Word, rng)


@workload("enums")
def flag_list(rng: random.Random) -> Any:
    """3000 members of a Flag of 3."""
    return members(shapes.Access, rng)


def eight(rng: random.Random) -> list[tuple[str, int]]:
    """Return 8 pairs of a new word and a number."""
    return [(f"{word(rng)}{n}", rng.randrange(10**6)) for n in range(8)]


@workload("collections")
def ordereddict_list(rng: random.Random) -> Any:
    """400 OrderedDicts of 8 items."""
    return [OrderedDict(eight(rng)) for _ in range(400)]


@workload("collections")
def defaultdict_list(rng: random.Random) -> Any:
    """400 defaultdicts of 8 items."""
    return [defaultdict(int, eight(rng)) for _ in range(400)]


@workload("collections")
def counter_list(rng: random.Random) -> Any:
    """400 Counters of 8 items."""
    return [Counter(dict(eight(rng))) for _ in range(400)]


@workload("collections")
def deque_list(rng: random.Random) -> Any:
    """400 deques of 8 items."""
    return [deque(rng.randrange(10**6) for _ in range(8)) for _ in range(400)]
