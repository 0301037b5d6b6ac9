"""Every short cut of dumps against the way that all objects can take: the bytes are the same."""

import random

import pytest

import cypickle
from cypickle._emitter import take_general_way
from generated import PROTOCOLS, attempt
from graphs import LIBRARY, random_graph


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
