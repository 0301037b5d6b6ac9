"""What dumps takes beyond its result, by tracemalloc: below half of the stdlib's; and memos of all sizes."""

import enum
import gc
import io
import pickle
import random
import tracemalloc

import pytest

import cypickle
from processes import FREE_THREADED

PROTOCOL = 5


class Colour(enum.Enum):
    RED = 1
    GREEN = 2
    BLUE = 3


class Plain:
    def __init__(self, n):
        self.n = n
        self.text = f"text {n}"


class ById:
    """A mixin for both sides' Pickler: a hook that names nothing."""

    def persistent_id(self, obj):
        return None


def by_hook(module):
    pickler = type("Hooked", (ById, module.Pickler), {})

    def dumps(graph, protocol):
        file = io.BytesIO()
        pickler(file, protocol).dump(graph)
        return file.getvalue()

    return dumps


def strs(count):
    """Each of them referenced twice."""
    made = [f"{n:08d}" for n in range(count)]
    return [*made, made]


KEPT = []


def kept_strs(count):
    """Nothing looks unique: others have them too."""
    KEPT[:] = [f"{n:08d} and more" for n in range(count)]
    return list(KEPT)


GRAPHS = {
    "enums": lambda count: [random.Random(count).choice(list(Colour)) for _ in range(count)],
    "instances": lambda count: [Plain(n) for n in range(count)],
    "strs": kept_strs,
    "tuples": lambda count: [(n, -n, str(n)) for n in range(count)],
}
WAYS = {"dumps": lambda module: module.dumps, "hook": by_hook}


def beyond(dumps, graph):
    """Bytes that are allocated at the peak, beyond the result."""
    gc.collect()
    tracemalloc.start()
    try:
        result = dumps(graph, PROTOCOL)
        return tracemalloc.get_traced_memory()[1] - len(result)
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(FREE_THREADED, reason="every object is owned and hashed there")
@pytest.mark.parametrize(
    ("shape", "way", "count"),
    [
        ("enums", "dumps", 3000),
        ("instances", "dumps", 2000),
        ("instances", "hook", 2000),
        ("strs", "dumps", 20_000),
        ("tuples", "dumps", 5000),
    ],
)
def test_dumps_takes_half_of_the_stdlibs_memory(shape, way, count):
    """Each side has a graph of its own, for pickling leaves dictionaries at the instances."""
    ours, theirs = WAYS[way](cypickle), WAYS[way](pickle)
    assert ours(GRAPHS[shape](count), PROTOCOL) == theirs(GRAPHS[shape](count), PROTOCOL)
    assert beyond(ours, GRAPHS[shape](count)) < 0.5 * beyond(theirs, GRAPHS[shape](count))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", [31, 33, 127, 129, 511, 513, 5121, 10_241, 20_481, 81_921])
def test_memos_of_all_sizes(way, count):
    """Tables grow at other sizes under hooks; what was met before is found at each."""
    graph = strs(count)
    assert WAYS[way](cypickle)(graph, PROTOCOL) == WAYS[way](pickle)(graph, PROTOCOL)
