"""Reduce values of all shapes, made anew for each call or kept, whose parts are met again elsewhere or not."""

import copyreg
import gc
import io
import random
import weakref

import pytest

from implementations import C_PICKLE, CYPICKLE, PROTOCOLS
from oracle import both, outcome
from test_leaks import assert_stable


def make(*args):
    return args


def set_state(obj, state):
    return obj, state


class Callable:
    """Is called to rebuild, and is pickled itself."""

    def __call__(self, *args):
        return args


callable_instance = Callable()


class Giving:
    """Its state or its reduce value is what `give` makes of it, which is no attribute in its dictionary."""

    __slots__ = ("__dict__", "give")

    def __init__(self, give):
        self.give = give


class Given(Giving):
    def __reduce__(self):
        return self.give(self)


class Stated(Giving):
    def __getstate__(self):
        return self.give(self)

    def __setstate__(self, state):
        self.state = state


class Slotted:
    __slots__ = ("a", "b")


def slotted(a, b):
    made = Slotted()
    made.a, made.b = a, b
    return made


class Unpicklable:
    def __reduce__(self):
        raise ValueError("not this one")


class Graphs:
    """Random graphs of objects with reduce values; `pool` is what may be met again."""

    def __init__(self, rng, failing):
        self.rng = rng
        self.failing = failing
        self.pool = ["shared text", ("shared", [1]), [["shared"]], {"shared": (1,)}, 2.5]

    def graph(self):
        return [self.node(4) for _ in range(6)] + self.pool

    def node(self, depth):
        """A value, which is often an object with a reduce value of its own."""
        rng = self.rng
        if depth == 0 or rng.random() < 0.25:
            if self.failing and rng.random() < 0.02:
                return Unpicklable()
            if rng.random() < 0.3:
                return rng.choice(self.pool)
            return rng.choice(
                [1, 70_000, "text %d" % rng.randrange(3), None, 1.5, (), [], b"bytes", Given, "é" * 3]  # noqa: UP031
            )
        below = [self.node(depth - 1) for _ in range(rng.randrange(4))]
        kind = rng.randrange(8)
        if kind == 0:
            one = below
        elif kind == 1:
            one = tuple(below)
        elif kind == 2:
            one = {"k%d" % i: value for i, value in enumerate(below)}  # noqa: UP031
        elif kind == 3:
            one = slotted(below, tuple(below))
        elif kind == 4:
            one = Stated(self.state(below))
        else:
            one = Given(self.reduce_value(below))
        if rng.random() < 0.2:
            self.pool.append(one)
        return one

    def part(self, values):
        """The values as a part of a reduce value: made anew, or kept by a list that may be met."""
        rng = self.rng
        shape = rng.choice([list, tuple, dict.fromkeys("abcdef"[: len(values)], 1).copy, lambda _: values])
        if shape in (list, tuple):
            return lambda obj: shape(values)
        if rng.random() < 0.2:
            kept = [tuple(values)]
            self.pool.append(kept)
            return lambda obj: kept[0]
        return lambda obj: dict(zip("abcdef", values, strict=False))

    def state(self, values):
        rng = self.rng
        part = self.part(values)
        if rng.random() < 0.2:
            return vars
        if rng.random() < 0.2:
            return lambda obj: [obj, *values]
        if rng.random() < 0.2:
            return lambda obj: (None, part(obj))
        return part

    def reduce_value(self, values):
        rng = self.rng
        part, more = self.part(values), self.part(values[:2])
        function = rng.choice([make, make, dict, callable_instance, Callable, list])
        own = (lambda obj: (part(obj),)) if rng.random() < 0.5 else (lambda obj: tuple(more(obj)))
        kind = rng.randrange(9)
        if kind == 0:
            return lambda obj: (function, own(obj), part(obj))
        if kind == 1:
            return lambda obj: (make, own(obj), None, iter(values), None)
        if kind == 2:
            return lambda obj: (make, own(obj), None, None, iter(dict.fromkeys("ab", values).items()))
        if kind == 3:
            return lambda obj: (make, own(obj), part(obj), None, None, set_state)
        if kind == 4:
            return lambda obj: (copyreg.__newobj__, (Given, *own(obj)), part(obj))
        if kind == 5:
            return lambda obj: (copyreg.__newobj_ex__, (Given, own(obj), {"a": part(obj)}), None)
        if kind == 6:
            kept = function, tuple(values), [values]
            if rng.random() < 0.3:
                self.pool.append(kept)
            return lambda obj: kept
        return lambda obj: (function, own(obj))


def dumped(implementation, seen, graph, protocol):
    file = io.BytesIO()
    error = outcome(implementation.Pickler(file, protocol).dump, graph)
    return file.getvalue() if error.error is None else None, error.error, error.message, error.notes


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("start", range(0, 200, 50))
def test_random_reduce_values(start, failing):
    for seed in range(start, start + 50):
        graph = Graphs(random.Random(seed), failing).graph()
        for protocol in PROTOCOLS:
            theirs, ours = both(dumped, graph, protocol)
            assert ours == theirs, f"seed {seed}, protocol {protocol}"
            if theirs.value[1] is None:
                assert CYPICKLE.dumps(graph, protocol) == C_PICKLE.dumps(graph, protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_a_reducer_keeps_is_met_again(protocol):
    """The arguments and the state that it has handed out, by their only other reference and later."""
    kept = []

    def give(obj):
        args, state = (["argument"], "text" * 9), {"k": ["state"]}
        kept.append([args, state])
        return make, args, state

    def scenario(implementation, seen):
        kept.clear()
        return implementation.dumps([[Given(give), kept] for _ in range(3)], protocol)

    theirs, ours = both(scenario)
    assert ours == theirs


class State(list):
    """Can be referred to weakly, as lists themselves cannot."""


@pytest.mark.parametrize("make_state", [State, set, frozenset])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_state_that_only_weak_references_know_is_met_again(protocol, make_state):
    """pickle's memo keeps it alive, so the next reducer finds it again."""

    def scenario(implementation, seen):
        cache = weakref.WeakValueDictionary()

        def give(obj):
            found = cache.get(obj.mark)
            if found is None:
                found = cache[obj.mark] = make_state([obj.mark, 0])
            return make, (9,), found

        implementation.dumps(Given(lambda obj: (make, (9,))), protocol)
        objects = []
        for mark in (1, 2, 2, 3, 1):
            objects.append(Given(give))
            objects[-1].mark = mark
        return implementation.dumps(objects, protocol)

    theirs, ours = both(scenario)
    assert ours == theirs


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_the_collector_knows_is_met_again(protocol):
    """A reducer below finds the parts that are being written, and has them written once more."""

    def find(obj):
        found = [one for one in gc.get_objects() if type(one) is list and one and one[0] == obj.mark]
        return make, (sorted(found, key=len),)  # free-threaded builds give them in no order

    def give(obj):
        below = Given(find)
        below.mark = obj.mark
        return make, ([obj.mark, below, 1],), [obj.mark, 2]

    def scenario(implementation, seen):
        objects = []
        for mark in ("one", "two"):
            objects.append(Given(give))
            objects[-1].mark = mark
        return implementation.dumps(objects, protocol)

    theirs, ours = both(scenario)
    assert ours == theirs


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("length", [10, 3000, 65_536])
def test_frames_end_within_reduce_values(length, protocol):
    items = [
        Given(lambda obj, n=n: (make, ("t" * length, n), {"k": [n]})) for n in range(70_000 // length + 20)
    ]
    assert CYPICKLE.dumps(items, protocol) == C_PICKLE.dumps(items, protocol)


def test_nothing_is_kept_or_lost():
    graphs = [Graphs(random.Random(seed), seed % 2).graph() for seed in range(12)]

    def run():
        for graph in graphs:
            outcome(CYPICKLE.dumps, graph, 5)

    assert_stable(run)


class Mortal:
    dead = 0

    def __init__(self, value):
        self.value = value

    def __del__(self):
        Mortal.dead += 1


def test_parts_die_when_the_dump_is_over():
    """As pickle's memo keeps them: an address is not used again while it stands for something."""
    Mortal.dead = 0
    alive = []

    def give(obj):
        alive.append(Mortal.dead)
        return make, (Mortal([]), [Mortal(1)]), {"k": Mortal(2)}

    CYPICKLE.dumps([Given(give) for _ in range(50)])
    assert alive == [0] * 50
    assert Mortal.dead == 150
