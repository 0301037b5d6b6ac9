"""The lower bounds: graphs where every object is referenced twice, and graphs after user code.

A pickler may treat an object with one reference specially while no user code has run. Neither holds here.
"""

import random
from collections.abc import Iterable
from typing import Any

from cypickle.bench import shapes
from cypickle.bench.data import distinct_strs, tuples
from cypickle.bench.records import dicts, three_fields, word
from cypickle.bench.registry import workload
from cypickle.bench.values import datetime_list


def twice(items: list[Any], inner: Iterable[Any]) -> list[list[Any]]:
    """Return a graph that holds the items, and then each of them and each inner object again."""
    return [items, [*items, *inner]]


@workload("all shared")
def shared_instances(rng: random.Random) -> Any:
    """2000 plain instances; they and their attributes are referenced twice."""
    items = three_fields(shapes.Plain, rng)
    return twice(items, (value for item in items for value in (item.ident, item.name, item.score)))


@workload("all shared")
def shared_strs(rng: random.Random) -> Any:
    """20000 distinct strs, each referenced twice."""
    return twice(distinct_strs(rng), ())


@workload("all shared")
def shared_dicts(rng: random.Random) -> Any:
    """2000 dicts {id, name, score, tags}; they and their values are referenced twice."""
    items = dicts(rng)
    return twice(items, (value for item in items for value in (*item.values(), *item["tags"])))


@workload("all shared")
def shared_tuples(rng: random.Random) -> Any:
    """5000 tuples of an int, a float and a str; they and their items are referenced twice."""
    items = tuples(rng)
    return twice(items, (value for item in items for value in item))


@workload("all shared")
def shared_datetimes(rng: random.Random) -> Any:
    """2000 naive datetimes, each referenced twice."""
    return twice(datetime_list(rng), ())


def after_user_code(items: list[Any], rng: random.Random) -> list[Any]:
    """Return the items behind one instance whose `__reduce__` is written in Python."""
    return [shapes.WithReduce(rng.randrange(10**6), word(rng), rng.random()), *items]


@workload("after user code")
def instances_after_reduce(rng: random.Random) -> Any:
    """One user `__reduce__`, then 2000 plain instances."""
    return after_user_code(three_fields(shapes.Plain, rng), rng)


@workload("after user code")
def strs_after_reduce(rng: random.Random) -> Any:
    """One user `__reduce__`, then 20000 distinct strs."""
    return after_user_code(distinct_strs(rng), rng)


@workload("after user code")
def dicts_after_reduce(rng: random.Random) -> Any:
    """One user `__reduce__`, then 2000 dicts {id, name, score, tags}."""
    return after_user_code(dicts(rng), rng)
