"""Objects whose own `__reduce__` has a class called with values that nobody, or somebody, else has."""

import pickle
import weakref

import pytest

import cypickle
from implementations import PROTOCOLS
from oracle import both

FRAME = 65536


class Made:
    def __init__(self, *args):
        self.args = args


class Asked:
    """Has a class called with what a function gives for it."""

    def __init__(self, give, number=0):
        self.give = give
        self.number = number
        self.text = f"text {number}"
        self.kept = (number, self.text)
        self.value = (Made, self.kept)

    def __reduce__(self):
        return self.give(self)

    def first(self):
        """Whether this is the first time."""
        return self.__dict__.setdefault("asked", []) == [] and not self.asked.append(1)


class Named(Made):
    """Its name is not looked at."""


class __newobj__(Made):
    """Its name is."""


def many(give, count=6):
    return [Asked(give, number) for number in range(count)]


GIVE = {
    "attributes": lambda o: (Made, (o.number, o.text, 1.5)),
    "new": lambda o: (Made, (o.number + 2**40, f"{o.number} new", None, True, b"bytes"[: o.number])),
    "nothing": lambda o: (Made, ()),
    "one": lambda o: (Made, (o.text,)),
    "containers": lambda o: (Made, ([o.number], (1, 2.5), {1}, {}, [], o.kept)),
    "containers of containers": lambda o: (Made, ([[o.text]], {"a": o.text})),
    "kept arguments": lambda o: (Made, o.kept),
    "kept value": lambda o: o.value,
    "itself once": lambda o: (Made, (o.number, o)) if o.first() else (Made, (o.number,)),
    "not ASCII": lambda o: (Made, (o.number, "é", f"é{o.number}")),
    "long": lambda o: (Made, (o.text, "x" * 300, f"{o.number}" * 200, 2**200)),
    "64": lambda o: (Made, tuple(range(64))),
    "65": lambda o: (Made, tuple(f"{n}" for n in range(65))),
    "states": lambda o: (Made, (o.number,), {"a": o.number}) if o.number % 2 else (Made, (o.number,)),
    "classes": lambda o: ([Made, Named, int, object][o.number % 4], () if o.number % 4 > 1 else (o.text,)),
    "class that counts as a function": lambda o: (__newobj__, (Asked, 1)),
    "functions": lambda o: (max, (o.number, 1)),
    "strings": lambda o: "Made" if o.number % 2 else (Made, (o.text,)),
    "tuple of a subclass": lambda o: (Made, type("T", (tuple,), {})((1, o.text))),
    "no tuple": lambda o: [Made, (1,)] if o.number == 3 else (Made, (1,)),
    "no arguments": lambda o: (Made, [1]) if o.number == 3 else (Made, (1,)),
    "error": lambda o: 1 // (o.number - 3) and (Made, (o.number,)),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", GIVE)
def test_same_bytes(name, protocol):
    def scenario(implementation, seen, build):
        return implementation.dumps(build(), protocol)

    def twice():
        items = many(GIVE[name])
        return [items, {"items": items, "texts": [item.text for item in items], "kept": items[0].kept}, items]

    for build in (
        lambda: many(GIVE[name]),
        twice,
        lambda: tuple(many(GIVE[name])),
        lambda: [many(GIVE[name])] * 2,
    ):
        theirs, ours = both(scenario, build)
        assert ours == theirs


def change_list(items):
    def change(o):
        if o.number == 2:
            items[3:5] = [Asked(GIVE["new"], 7), 1, "text", Made(1)]
        return Made, (o.number, o.text)

    return change


def drop_object(items):
    def drop(o):
        items[o.number] = None
        return Made, (o.number, o.text)

    return drop


def give_kept_again(items):
    known = []

    def give(o):
        known.append(f"{o.number} known")
        return Made, (known[-1], known[0], *known[-3:])

    return give


def find_again(items):
    """By a weak reference, what has been written before and has lost all other references."""
    seen = []

    def give(o):
        found = [ref() for ref in seen[-2:]]
        thing = Made(o.number)
        seen.append(weakref.ref(thing))
        return Made, (o.number, thing, *(item for item in found if item is not None))

    return give


def change_class(items):
    def change(o):
        if o.number == 2:
            items[4].__class__ = Made
            Asked.other = o.number
        return Made, (o.number,)

    return change


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("make", [change_list, drop_object, give_kept_again, find_again, change_class])
def test_reducers_change_things(make, protocol):
    def scenario(implementation, seen):
        items = []
        give = make(items)
        items += many(lambda o: give(o), 9)
        return implementation.dumps(items, protocol)

    for _ in range(2):
        theirs, ours = both(scenario)
        assert ours == theirs


@pytest.mark.parametrize("give", ["attributes", "new", "containers"])
def test_same_bytes_where_a_frame_ends(give):
    size = len(pickle.dumps(many(GIVE[give], 12), 5))
    for length in range(FRAME - size - 10, FRAME):
        graph = ["x" * length, many(GIVE[give], 12)]
        assert cypickle.dumps(graph, 5) == pickle.dumps(graph, 5)


@pytest.mark.parametrize("give", ["attributes", "new", "containers"])
def test_nesting(give):
    """At each depth around the one from which on levels are on the heap."""
    for depth in range(40, 56):
        graph = many(GIVE[give])
        for _ in range(depth):
            graph = [graph]
        assert cypickle.dumps(graph) == pickle.dumps(graph)
