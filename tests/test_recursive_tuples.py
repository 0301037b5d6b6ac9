"""Tuples that are met again below themselves: what looks met by its only reference is walked twice."""

import io
import random
from collections import namedtuple

import pytest

import shapes
from implementations import C_PICKLE, CYPICKLE, PROTOCOLS
from oracle import both

DEPTHS = range(1, 14)  # more tuples than are told one by one


def unshared(rng, n):
    """An object that nobody else has, and of which all parts are so too."""
    text = f"unshared {n}"
    return rng.choice(
        [
            lambda: text,
            lambda: [text],
            lambda: (text, [n]),
            lambda: (n, 1.5),
            lambda: {text: (f"value {n}",)},
            lambda: frozenset([text]),
            lambda: shapes.Point(n, text),
            lambda: shapes.Record(n, text, [f"tag {n}"], None),
            lambda: shapes.Reduced([text]),
        ]
    )()


def around(rng, inner):
    """Something that holds it, itself held by the tuple only."""
    return rng.choice(
        [
            lambda: inner,
            lambda: [inner],
            lambda: (inner,),
            lambda: {"inner": inner},
            lambda: [(1, 2), (3, [inner])],
            lambda: shapes.Point(1, inner),
            lambda: shapes.Record(1, "name", [inner], None),
        ]
    )()


def recursive(rng, depth):
    """Tuples in one another, each with ways back to any of them."""
    ways = []
    made = []
    inner = None
    for n in range(depth):
        ways.append([])
        parts = [unshared(rng, 10 * n), around(rng, inner), unshared(rng, 10 * n + 1), ways[-1]]
        if rng.random() < 0.5:
            rng.shuffle(parts)
        inner = tuple(parts)
        made.append(inner)
    for way in ways:
        way += [unshared(rng, 10 * depth + len(way)), *rng.sample(made, rng.randrange(min(3, depth + 1)))]
    return rng.choice([inner, [inner, inner], [unshared(rng, 1000), inner, unshared(rng, 1001)]])


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bytes(protocol, depth):
    for seed in range(60):
        graph = recursive(random.Random(seed), depth)
        assert CYPICKLE.dumps(graph, protocol) == C_PICKLE.dumps(graph, protocol)


@pytest.mark.parametrize("depth", DEPTHS)
def test_one_memo_for_several(depth):
    for seed in range(20):
        written = []
        for side in (CYPICKLE, C_PICKLE):
            file = io.BytesIO()
            pickler = side.Pickler(file)
            graph = recursive(random.Random(f"memo {seed}"), depth)
            pickler.dump(graph)
            pickler.dump([graph, recursive(random.Random(f"more {seed}"), depth)])
            written.append(file.getvalue())
        assert written[0] == written[1]


class Refused:
    def __reduce__(self):
        raise ValueError("refused")


@pytest.mark.parametrize("depth", DEPTHS)
def test_after_an_error(depth):
    """Whatever was open is not any more: a pickler that goes on tells what is met once."""
    pickler = CYPICKLE.Pickler(io.BytesIO())
    expected = C_PICKLE.Pickler(io.BytesIO())
    for seed in range(20):
        for side in (pickler, expected):
            inner = [Refused()]
            for _ in range(depth):
                inner.append((inner[-1], inner))
            with pytest.raises(ValueError, match="refused"):
                side.dump(inner[-1])
            side.clear_memo()
        graph = recursive(random.Random(seed), depth)
        assert CYPICKLE.dumps(graph) == C_PICKLE.dumps(graph)


def test_met_many_times():
    """Each way back is taken below all that are open."""
    way = []
    inner = ("".join(["un", "shared"]), way, [("".join(["more"]),)])
    way += [inner, [inner], inner, ("other", inner, way)]
    graph = [inner, way, inner]
    for protocol in PROTOCOLS:
        assert CYPICKLE.dumps(graph, protocol) == C_PICKLE.dumps(graph, protocol)


class Handing:
    """Its reducer puts an open tuple, which only one list has held, below that tuple."""

    def __init__(self):
        self.holder = None

    def __reduce__(self):
        if self.holder:
            opened = self.holder[0]
            self.holder = None
            opened[1].append(opened)
        return Handing, ()


class Named(namedtuple("Named", "first second third fourth")):
    """Written by NEWOBJ, as all named tuples."""


def make_tuple(*items):
    return items


def handed_on(make, depth, inner):
    handing = Handing()
    items = [handing, ["".join(["un", "shared"])], "".join(["be", "hind"]), ["".join(["la", "ter"])]]
    if inner:
        items[0] = (handing,)
    opened = make(*items)
    del items
    handing.holder = [opened]
    graph = handing.holder
    for n in range(depth):
        graph = [(n, graph)]
    return graph


@pytest.mark.parametrize("make", [make_tuple, Named])
@pytest.mark.parametrize("depth", [0, *DEPTHS, 22, 23, 24, 44, 45])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_user_code_hands_it_on(protocol, depth, make):
    for inner in (False, True):
        graphs = handed_on(make, depth, inner), handed_on(make, depth, inner)
        assert CYPICKLE.dumps(graphs[0], protocol) == C_PICKLE.dumps(graphs[1], protocol)


Pair = namedtuple("Pair", "name links")


@pytest.mark.parametrize("depth", [0, 1, 13, 45, 46, 47, 48, 49, 70])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_named_tuples_below_themselves(protocol, depth):
    """Of a class whose plan is known by then; their other items have one reference."""
    for make in ("".join, list):
        inner = Pair(make(["un", "shared"]), [])
        inner.links.append(inner)
        for _ in range(depth):
            inner = (inner,)
        graph = [Pair(1, 2), inner]
        del inner
        assert CYPICKLE.dumps(graph, protocol) == C_PICKLE.dumps(graph, protocol)


@pytest.mark.parametrize("depth", [0, 1, 46, 47, 48, 49, 50, 100])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_hands_it_on(protocol, depth):
    """The innermost of many tuples that are open, none of them met before."""

    def scenario(implementation, seen):
        later, written = [], []
        inner = (bytes(70_000), later, [1, [2]], {}, [4, [5]])
        for _ in range(depth):
            inner = (inner,)
        graph = [inner]
        del inner

        class File:
            def write(self, data):
                written.append(bytes(data))
                if not later:
                    opened = graph[0]
                    for _ in range(depth):
                        opened = opened[0]
                    later.append(opened)
                return len(data)

        implementation.Pickler(File(), protocol).dump(graph)
        return b"".join(written)

    theirs, ours = both(scenario)
    assert ours == theirs
