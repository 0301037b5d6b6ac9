"""Collections and their like, whose parts are written in one go: at the ends of frames, and with parts in the way."""

import io
import pickle
import random
from collections import Counter, OrderedDict, defaultdict, deque
from enum import Enum
from fractions import Fraction
from pathlib import PurePosixPath

import pytest

import cypickle
from oracle import both


def fresh(n, name="key"):
    """A str that nobody else has."""
    return f"{name} {n}"


def moved(pairs, key):
    result = OrderedDict(pairs)
    result.move_to_end(key, last=False)
    return result


def meddled(pairs, *deleted, **added):
    """An OrderedDict that the dict below knows otherwise."""
    result = OrderedDict(pairs)
    for key in deleted:
        dict.__delitem__(result, key)
    for key, value in added.items():
        dict.__setitem__(result, fresh(key, "own"), value)
    return result


def replaced():
    """The dict has an equal key, and the OrderedDict's own one is elsewhere too."""
    key = fresh(1)
    result = OrderedDict({key: 1})
    dict.__delitem__(result, key)
    dict.__setitem__(result, fresh(1), 2)
    return [result, key]


def set_again(pairs, i):
    """The dict has the very same key at another place."""
    result = OrderedDict(pairs)
    key = list(result)[i]
    dict.__delitem__(result, key)
    dict.__setitem__(result, key, 2)
    return result


def with_itself(made):
    made[fresh(0)] = made
    return made


def with_attribute(made):
    made.attribute = 1
    return made


class Unlike:
    """A key with the hash of "key 1" that compares by code."""

    def __init__(self, seen):
        self.seen = seen

    def __hash__(self):
        return hash("key 1")

    def __eq__(self, other):
        self.seen.append(type(other).__name__)
        return False


PARTS = [1, 2**40, 0.5, None, True, "text", "x" * 64, "x" * 65, "é", b"bytes", 2**90, (), (1,), [], [1], int]


def items(n, *more):
    return [*((fresh(i), i) for i in range(n)), *more]


OBJECTS = {
    "ordered": lambda part: OrderedDict(items(4, ("last", part))),
    "ordered, one item": lambda part: OrderedDict(first=part),
    "ordered, moved": lambda part: moved(items(4, (5, part)), fresh(2)),
    "defaults": lambda part: defaultdict(int, items(4, ("last", part))),
    "defaults of nothing": lambda part: defaultdict(None, {fresh(1): part}),
    "counter": lambda part: Counter(dict(items(4, ("last", part)))),
    "deque": lambda part: deque([fresh(1), 2, part]),
    "range": lambda part: range(2, 10**6),
    "slice": lambda part: slice(fresh(1), 2, part),
    "fraction": lambda part: Fraction(3, 10**7),
    "path": lambda part: PurePosixPath("/srv", fresh(1), fresh(2)),
}


def compare(graph, protocol=5):
    """Both ways of writing, which end frames at different points."""
    assert cypickle.dumps(graph, protocol) == pickle.dumps(graph, protocol)
    files = []
    for module in (pickle, cypickle):
        files.append(io.BytesIO())
        module.dump(graph, files[-1], protocol)
    assert files[0].getvalue() == files[1].getvalue()


@pytest.mark.parametrize("name", OBJECTS)
def test_each_part(name):
    graph = [(OBJECTS[name](part), part, OBJECTS[name](part)) for part in PARTS]
    for protocol in range(6):
        compare([graph, graph[0], [list(made) for made, *_ in graph[:2] if isinstance(made, dict)]], protocol)


@pytest.mark.parametrize("part", [7, [7]], ids=["a leaf", "no leaf"])
@pytest.mark.parametrize("name", OBJECTS)
def test_at_the_end_of_a_frame(name, part):
    for padding in range(65536 - 150, 65536 + 4):
        graph = [int, OBJECTS[name](1), "p" * padding, OBJECTS[name](part), OBJECTS[name](2)]
        compare(graph)


@pytest.mark.parametrize("name", OBJECTS)
def test_in_a_buffer_that_grows(name):
    rng = random.Random(name)
    words = [fresh(i, "word") for i in range(300)]
    graph = [
        [OBJECTS[name](rng.choice(PARTS)), rng.choice(words), OBJECTS[name](rng.choice(words))]
        for _ in range(1500)
    ]
    compare(graph)
    compare([graph, graph[::-1]])


@pytest.mark.parametrize("n", [0, 1, 2, 33, 998, 999, 1000, 1001, 2500])
@pytest.mark.parametrize("made", [OrderedDict, Counter, lambda pairs: defaultdict(int, pairs)])
def test_batches(made, n):
    compare([int, made({}), made(dict(items(n))), made(dict(items(n, (fresh(n), [1]))))])


ORDERED = {
    "moved": lambda: moved(items(5), fresh(3)),
    "moved numbers": lambda: moved([(1, 2), (3, 4)], 3),
    "moved tuples": lambda: moved([((1,), 2), (3, 4)], 3),
    "moved, and no leaf": lambda: moved(items(3, (fresh(9), [1])), fresh(1)),
    "shared keys": lambda: (lambda made: [made, list(made)])(OrderedDict(items(3))),
    "shared keys before": lambda: (lambda made: [list(made), made])(OrderedDict(items(3))),
    "in a tuple that is open": lambda: (lambda made: [(made, made)] * 2)(OrderedDict(items(3))),
    "itself": lambda: with_itself(OrderedDict(items(2))),
    "attributes": lambda: with_attribute(OrderedDict(items(2))),
    "a key replaced": replaced,
    "a key set again": lambda: set_again(items(3), 0),
    "a key set again, the last": lambda: set_again(items(3), 2),
    "a key set again, moved": lambda: set_again(moved(items(3), fresh(1)), 2),
    "grown below": lambda: meddled(items(4), more=1, even=2, larger=3, than=4, before=5),
    "more below": lambda: meddled(items(2), more=1),
    "fewer below": lambda: meddled(items(2), fresh(1)),
    "another below": lambda: meddled(items(2), fresh(1), more=1),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ORDERED)
def test_ordered_dicts(name, protocol):
    def scenario(implementation, seen):
        return implementation.dumps([OrderedDict(a=1), ORDERED[name](), ORDERED[name]()], protocol)

    theirs, ours = both(scenario)
    assert ours == theirs


def test_an_ordered_dict_compares_its_keys_as_often():
    def scenario(implementation, seen):
        made = moved(items(3), fresh(2))
        dict.__delitem__(made, fresh(0))
        dict.__setitem__(made, Unlike(seen), 1)
        seen.clear()
        return implementation.dumps([OrderedDict(a=1), made], 5)

    theirs, ours = both(scenario)
    assert ours == theirs


@pytest.mark.parametrize("name", ["ordered", "defaults", "counter", "deque"])
def test_in_a_memo_that_goes_on(name):
    """What was taken back has left nothing in the memo."""

    def scenario(implementation, seen):
        file = io.BytesIO()
        pickler = implementation.Pickler(file, 5)
        graphs = [OBJECTS[name](part) for part in PARTS]
        pickler.dump([int, graphs])
        pickler.dump([list(graph) for graph in graphs])
        pickler.dump(graphs)
        return file.getvalue(), len(pickler.memo.copy())

    theirs, ours = both(scenario)
    assert ours == theirs


class Member(Enum):
    ONE = 1
    TWO = 2
    THREE = 3


class Shared:
    """Instances that are met again."""


def met_again(rng, items, n):
    return [rng.choice(items) for _ in range(n)]


MEMBERS = [*Member, *(Shared() for _ in range(400))]


@pytest.mark.parametrize("n", [1, 2, 30, 999, 1000, 1001, 40_000])
def test_a_list_of_objects_that_are_met_again(n):
    rng = random.Random(n)
    members = met_again(rng, list(Member), n)
    compare([members, met_again(rng, MEMBERS, n)])
    compare(met_again(rng, [*MEMBERS, 1, None, "text", b"bytes", Member, 2**90], n), 4)
    compare([*members, Shared(), *members, [Shared()], *members], 3)


def test_a_list_of_members_in_a_memo_that_was_assigned():
    def scenario(implementation, seen):
        file = io.BytesIO()
        pickler = implementation.Pickler(file, 5)
        pickler.dump(MEMBERS)
        other = implementation.Pickler(file, 5)
        other.memo = pickler.memo
        other.dump([*MEMBERS, Shared(), *MEMBERS])
        return file.getvalue()

    theirs, ours = both(scenario)
    assert ours == theirs
