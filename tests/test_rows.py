"""Named tuples, ranges and the like that follow each other, and lists: here the next is unlike the one before."""

import decimal
import gc
import io
import pickle
import pickletools
import random
from collections import namedtuple
from datetime import timedelta

import pytest

import cypickle
from isomorphism import assert_isomorphic
from oracle import outcome
from test_leaks import assert_stable

Two = namedtuple("Two", "a b")
Five = namedtuple("Five", "a b c d e")


class Subclassed(Two):
    """Has a dictionary."""


shared = ["shared"]
text = "shared text"
VALUES = [
    lambda: 7,
    lambda: 70_000,
    lambda: -(2**31),
    lambda: 2**31 - 1,
    lambda: -1025,
    lambda: 1 << 30,
    lambda: 2**70,
    lambda: 1.5,
    lambda: "text",
    lambda: "é",
    lambda: "x" * 300,
    lambda: text,
    lambda: None,
    lambda: b"bytes",
    list,
    lambda: [1, 2.5, "three"],
    lambda: [1, [2], "x"],
    lambda: list(range(40)),
    lambda: ["x", {"k": [1, 2]}],
    lambda: (1, "two"),
    lambda: {"k": [1, "v"], "l": [[2], 3]},
    lambda: shared,
    lambda: Two,
    lambda: range(5),
]
ROWS = [
    lambda value: Two(value(), value()),
    lambda value: Five(value(), value(), value(), value(), value()),
    lambda value: Subclassed(value(), value()),
    lambda value: range(random.randrange(3000), 10**6, 3),
    lambda value: range(-(10**20), 10**20),
    lambda value: slice(value(), None, 2**33),
    lambda value: complex(1.5, -2),
    lambda value: timedelta(3, 4, 5),
    lambda value: decimal.Decimal("12.50"),
    lambda value: decimal.Decimal("Infinity"),
    lambda value: value(),
]


def rows(seed):
    rng = random.Random(seed)
    random.seed(seed)
    made, row = [], ROWS[0]
    for _ in range(60):
        if rng.random() < 0.15:
            row = rng.choice(ROWS)
        made.append(row(lambda: rng.choice(VALUES)()))
        if rng.random() < 0.05:
            made.append(rng.choice(made))
    return made


def asked_for(data):
    """The same pickle, and everything that is in its memo."""
    count = sum(op.name == "MEMOIZE" for op, _, _ in pickletools.genops(data))
    return (
        data[:2] + b"(" + data[2:-1] + b"".join(b"j" + n.to_bytes(4, "little") for n in range(count)) + b"t."
    )


def unframed(obj):
    file = io.BytesIO()
    pickler = pickle._Pickler(file, 4)
    pickler.framer.start_framing = lambda: None
    pickler.dump(obj)
    return file.getvalue()


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("seed", range(30))
def test_graphs(seed, protocol):
    data = pickle.dumps(rows(seed), protocol)
    assert_isomorphic(pickle.loads(data), cypickle.loads(data))
    assert_isomorphic(pickle.loads(data), cypickle.loads(bytearray(data)))
    assert_isomorphic(pickle.loads(data), cypickle.load(io.BytesIO(data)))


@pytest.mark.parametrize("seed", range(30))
def test_what_is_left_out_is_there_when_asked_for(seed):
    data = asked_for(unframed(rows(seed)))
    assert_isomorphic(pickle.loads(data), cypickle.loads(data))


@pytest.mark.parametrize("row", range(len(ROWS) - 1))
def test_every_prefix(row):
    data = pickle.dumps([ROWS[row](lambda: [row, "text", 1.5]) for _ in range(3)])
    for end in range(len(data)):
        for short in (data[:end], data[:end] + b".", data[:end] + b"000000000."):
            ours, theirs = outcome(cypickle.loads, short), outcome(pickle.loads, short)
            assert (ours.error, ours.message) == (theirs.error, theirs.message)


@pytest.mark.parametrize("item", range(len(VALUES)))
@pytest.mark.parametrize("length", [1, 2, 31, 32, 33, 70])
def test_lists_with_one_odd_item(length, item):
    for place in {0, length // 2, length - 1}:
        items = [*range(length)]
        items[place] = VALUES[item]()
        data = pickle.dumps([items, {"k": items[:], "l": [items[:3], "end"]}, [[items[:2]]]])
        assert_isomorphic(pickle.loads(data), cypickle.loads(data))
        for end in range(2, len(data), 7):
            ours, theirs = (
                outcome(cypickle.loads, data[:end] + b"."),
                outcome(pickle.loads, data[:end] + b"."),
            )
            assert (ours.error, ours.message) == (theirs.error, theirs.message)


def test_a_list_in_itself():
    data = b"\x80\x04]\x94(K\x01]\x94(K\x02h\x00h\x01ee."
    assert_isomorphic(pickle.loads(data), cypickle.loads(data))


@pytest.mark.parametrize("value", [2**n + d for n in (8, 10, 15, 16, 30, 31) for d in (-1, 0, 1)])
def test_ints_at_the_edges(value):
    items = [n for n in (value, -value) if -(2**31) <= n < 2**31]
    loaded = cypickle.loads(pickle.dumps(items))
    assert loaded == items
    assert [hash(n) for n in loaded] == [hash(n) for n in items]
    assert [n + 1 for n in loaded] == [n + 1 for n in items]
    assert [n.__sizeof__() for n in loaded] == [n.__sizeof__() for n in pickle.loads(pickle.dumps(items))]


@pytest.mark.parametrize("length", [*range(70), 300])
def test_strs_of_every_length(length):
    items = [chr(97 + n % 26) * length for n in range(3)]
    loaded = cypickle.loads(pickle.dumps(items))
    assert loaded == items
    assert dict.fromkeys(loaded, 1) == dict.fromkeys(items, 1)
    assert [n.__sizeof__() for n in loaded] == [n.__sizeof__() for n in pickle.loads(pickle.dumps(items))]
    assert all(n.isascii() and n.encode() == m.encode() for n, m in zip(loaded, items, strict=True))


def test_named_tuples_are_known_to_the_collector():
    made = cypickle.loads(pickle.dumps([Two([n], n) for n in range(3)]))
    assert all(gc.is_tracked(one) for one in made)
    assert all(any(ref is one[0] for ref in gc.get_referents(one)) for one in made)


def test_nothing_leaks():
    data = [pickle.dumps(rows(seed)) for seed in range(5)]

    def load():
        for one in data:
            cypickle.loads(one)
            for end in range(100, len(one), 97):
                outcome(cypickle.loads, one[:end] + b".")

    assert_stable(load)
