"""Containers of a few atoms are written in one go: at every place in a frame, in the memo and in the nesting."""

import io
import random

import pytest

from implementations import C_PICKLE, CYPICKLE, PROTOCOLS
from oracle import both, to_file

ATOMS = [
    0,
    1,
    -1,
    255,
    256,
    65_535,
    65_536,
    2**30 - 1,
    -(2**30),
    2**31,
    2**40,
    2**63,
    2**64,
    -(2**63),
    2**200,
]
ATOMS += [1.5, float("inf"), -0.0, None, True, False]
OTHERS = ["text", "é", b"bytes", (), frozenset(), int, [1], (1, 2)]


def container(rng, size, *, mixed=False):
    """Holds no str that is met again, and is held by nobody."""
    kind = rng.choice([list, tuple, set, frozenset, dict])
    atoms = ATOMS + OTHERS[:6] if mixed else ATOMS
    items = [rng.choice(atoms) for _ in range(size)]
    if kind is dict:
        return {} if not size else dict(zip(items, items, strict=True))
    if kind in (set, frozenset):
        return kind({rng.randrange(10**6) for _ in range(size)} | set(items[: rng.randrange(2)]))
    return kind(items)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("mixed", [False, True])
def test_sizes(mixed, protocol):
    rng = random.Random(1)
    for size in [*range(40), 63, 64, 65, 998, 999, 1000, 1001, 2001]:
        for _ in range(4):
            item = [container(rng, size, mixed=mixed), [container(rng, size, mixed=mixed)], "end"]
            assert CYPICKLE.dumps(item, protocol) == C_PICKLE.dumps(item, protocol)


@pytest.mark.parametrize("size", [0, 1, 2, 5, 12, 40])
def test_frames_end_anywhere(size):
    rng = random.Random(size)
    for padding in range(65_536 - 24 * size - 40, 65_536, 3):
        item = [b"p" * padding, *(container(rng, size) for _ in range(4))]
        assert CYPICKLE.dumps(item) == C_PICKLE.dumps(item)


@pytest.mark.parametrize("count", [1, 2, 7, 13, 14, 15, 20, 21, 22, 60, 1500])
def test_many_of_them(count):
    rng = random.Random(count)
    for _ in range(10):
        item = [[container(rng, rng.randrange(20)) for _ in range(count)] for _ in range(3)]
        for protocol in PROTOCOLS:
            assert CYPICKLE.dumps(item, protocol) == C_PICKLE.dumps(item, protocol)


def test_the_same_one_twice():
    for make in (list, tuple, set, dict):
        for size in (0, 1, 3):
            one = make(range(size)) if make is not dict else {n: n for n in range(size)}
            for item in ([one, one], (one, [one]), {"a": one, "b": (one, 1)}, [[one], [1, 2], one]):
                assert CYPICKLE.dumps(item) == C_PICKLE.dumps(item)


def test_below_a_tuple_that_is_met_again():
    inner = [1, 2]
    shared = (inner, [3], {4}, ([5],), {})
    inner.append(shared)
    for item in (shared, [shared, shared], (shared, [6])):
        for protocol in PROTOCOLS:
            assert CYPICKLE.dumps(item, protocol) == C_PICKLE.dumps(item, protocol)


@pytest.mark.parametrize("make", [lambda: [1], lambda: (1,), lambda: {1}, dict, list])
def test_depths(make):
    """The innermost counts as a level like any other."""
    for depth in (*range(44, 54), 200):
        item = make()
        for _ in range(depth):
            item = [item]
        assert CYPICKLE.dumps(item) == C_PICKLE.dumps(item)


class Numbered(int):
    pass


class Listed(list):
    pass


def test_subclasses_are_no_atoms():
    for one in (Numbered(3), Listed([1])):
        for item in ([1, 2, one], [one, 1, 2], (one, 3), {one: 1} if isinstance(one, int) else [one]):
            for protocol in PROTOCOLS:
                assert CYPICKLE.dumps(item, protocol) == C_PICKLE.dumps(item, protocol)


def hooked(implementation, seen, item, protocol):
    class Pickler(implementation.Pickler):
        def persistent_id(self, obj):
            seen.append(repr(obj))

    file = io.BytesIO()
    Pickler(file, protocol).dump(item)
    return file.getvalue()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_hook_is_asked_about_each(protocol):
    theirs, ours = both(hooked, [[1, 2], (3, 4.5), {5}, {}, [], [None, True]], protocol)
    assert ours == theirs
    assert "[1, 2]" in ours.seen


def test_frames_that_go_to_a_file():
    rng = random.Random(3)
    item = [container(rng, rng.randrange(30)) for _ in range(5000)]
    for protocol in PROTOCOLS:
        assert to_file(CYPICKLE, item, protocol) == to_file(C_PICKLE, item, protocol)
