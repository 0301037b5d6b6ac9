"""Every short cut against the way that all objects can take: the same bytes from dumps, the same graph from loads."""

import io
import random

import pytest

import cypickle
from cypickle._emitter import take_general_way
from generated import PROTOCOLS, attempt
from graphs import LIBRARY, random_graph
from isomorphism import assert_isomorphic


@pytest.fixture
def generally():
    """dumps with all short cuts off."""

    def dumps(obj, protocol):
        take_general_way(True)
        try:
            return cypickle.dumps(obj, protocol)
        finally:
            take_general_way(False)

    yield dumps
    take_general_way(False)


def agree(generally, graph):
    for protocol in PROTOCOLS:
        assert attempt(generally, graph, protocol) == attempt(cypickle.dumps, graph, protocol)


@pytest.mark.parametrize("start", range(0, 600, 50))
def test_random_graphs(generally, start):
    for seed in range(start, start + 50):
        agree(generally, random_graph(random.Random(f"general {seed}"), 60))


@pytest.mark.parametrize("make", LIBRARY)
def test_many_of_one_type(generally, make):
    """Enough of them for frames to end at every place, some met twice."""
    rng = random.Random(7)
    items = [make(rng) for _ in range(3000)]
    agree(generally, [items, items[::7], {"items": items[:5]}])


def test_the_short_cuts_are_on_again(generally):
    """What holds for a dump holds for that dump only: a plan may be used by the next."""
    graph = random_graph(random.Random("again"), 60)
    expected = cypickle.dumps(graph, 5)
    assert generally(graph, 5) == expected == cypickle.dumps(graph, 5)


class Sparing:
    """A file that never has more than it was asked for: no opcode sees what comes after it, so each goes by itself."""

    def __init__(self, data):
        self.file = io.BytesIO(data)

    def read(self, nbytes):
        return self.file.read(nbytes)

    def readline(self):
        return self.file.readline()


def loads_agree(graph):
    for protocol in PROTOCOLS:
        data = attempt(cypickle.dumps, graph, protocol)
        if isinstance(data, bytes):
            assert_isomorphic(cypickle.Unpickler(Sparing(data)).load(), cypickle.loads(data))


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_loads_of_random_graphs(start):
    for seed in range(start, start + 50):
        loads_agree(random_graph(random.Random(f"loads {seed}"), 60))


@pytest.mark.parametrize("make", LIBRARY)
def test_loads_of_many_of_one_type(make):
    rng = random.Random(8)
    items = [make(rng) for _ in range(300)]
    loads_agree([items, items[::7], {"items": items[:5]}])
