"""Every short cut against the way that all objects can take: the same bytes from dumps, the same graph from loads."""

import decimal
import io
import random
import re
import types
import uuid

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


@pytest.mark.parametrize("size", [1, 2, 12, 300])
def test_runs_of_what_was_met(size):
    """Objects of the memo one after the other: some begin a call, some are of the same type as the one before."""
    rng = random.Random(f"runs {size}")
    pool = [
        re.I,
        re.M,
        uuid.SafeUUID.safe,
        "a text",
        ["list"],
        ("t", 1),
        {"d": 1},
        int,
        len,
        re.compile,
        10**30,
        b"bytes",
    ]
    pool += [uuid.UUID(int=7), decimal.Decimal(1)]
    for _ in range(60):
        choice = rng.sample(pool, rng.randrange(1, len(pool)))
        met = [rng.choice(choice) for _ in range(40)]
        padding = [[i] for i in range(size)]
        named = types.SimpleNamespace(**{f"name{i}": rng.choice(choice) for i in range(12)})
        loads_agree(
            [
                padding,
                choice,
                *met,
                tuple(met),
                {i: rng.choice(choice) for i in range(9)},
                named,
                *padding[::9],
            ]
        )
