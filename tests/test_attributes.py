"""Instances that have no dictionary yet: their attributes are written by the names that the class's instances share."""

import io
import itertools
import pickle

import pytest

import cypickle
from oracle import both
from test_leaks import clear_method_cache

FRAME = 65536


class Bag:
    pass


class Other:
    pass


class Bare:
    __slots__ = ()


class Stream(io.RawIOBase):
    """Its dictionary has a place of its own, that of a class in C."""


def bag(**attributes):
    made = Bag()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def rows(*values, count=5):
    """Instances with these attributes: functions are called for each."""
    return [
        bag(**{f"name{n}": value() if callable(value) else value for n, value in enumerate(values)})
        for _ in range(count)
    ]


def reordered():
    first = bag(a=1, b="one", c=[1])
    last = bag(a=2, c=2.5, b="two")
    del last.a
    last.a = 3
    return [first, bag(c=1, b=2, a=3), last, bag(b=1), first, bag(b=[b""], new="name")]


def cyclic():
    items = rows(1, "text")
    for item in items:
        item.itself = item
        item.all = items
    return items


def shared():
    items = rows(1, lambda: "-".join("ab"), lambda: [1, "a"], lambda: (1.5,))
    return [items, [[item.name1, item.name2, item.name3, item.__dict__] for item in items], items]


def with_dictionary():
    items = rows(1, 2)
    items[1].__dict__["extra"] = 1
    items[3].__dict__ = {"name0": 5, "other": 6}
    return items


def streams():
    made = [Stream() for _ in range(5)]
    for stream in made[1:]:
        stream.name = "".join("ab")
    return made


def of_two_classes():
    items = rows(1, 2, count=6)
    items[1].__class__ = Other
    items[4].__class__ = Other
    return [*items, *rows(3)]


def many_names():
    return [bag(**{f"name{n}": n * 1000 for n in range(count)}) for count in (1, 29, 30, 31, 40, 30, 2)]


def late_names():
    """Names that have memo indices beyond 255."""
    return [[f"{n} text" for n in range(300)], *rows(1, "a", 2.5)]


def long_list():
    return rows(lambda: 2**40, lambda: "é", lambda: {"a": 1}, None, True, count=2500)


GRAPHS = {
    "atoms": lambda: rows(1, -1, 2**31, -(2**63), 2**64, 1.5, None, True, False),
    "strs": lambda: rows(
        "", lambda: "-".join("ab"), lambda: "x" * 64, lambda: "x" * 65, lambda: "é\ud800"[:1]
    ),
    "containers": lambda: rows([], list, dict, tuple, lambda: {1}, lambda: [1, [2]], lambda: (1, (2,))),
    "long": lambda: rows(lambda: "x" * 300, lambda: b"x" * 300, lambda: list(range(2000))),
    "one": lambda: rows("one"),
    "none": lambda: [Bag(), Bag(), bag(a=1), Bag()],
    "single": lambda: bag(a=1, b="b"),
    "nested": lambda: rows(1, lambda: rows(2, rows)),
    "deep": lambda: rows(lambda: rows(lambda: [[rows(1)]])),
    "names as values": lambda: rows("name1", "name0", lambda: {"name0": 1}),
    "not ASCII": lambda: [bag(é=1, b=2) for _ in range(5)],
    "reordered": reordered,
    "cyclic": cyclic,
    "shared": shared,
    "with dictionary": with_dictionary,
    "of two classes": of_two_classes,
    "objects": lambda: [object() for _ in range(5)],
    "no room for attributes": lambda: [Bare() for _ in range(5)],
    "dictionaries of C's": streams,
    "many names": many_names,
    "late names": late_names,
    "long list": long_list,
}


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("name", GRAPHS)
def test_same_bytes(name, protocol):
    for _ in range(2):  # the class has a plan by then
        assert cypickle.dumps(GRAPHS[name](), protocol) == pickle.dumps(GRAPHS[name](), protocol)


@pytest.mark.parametrize("protocol", [4, 5])
def test_same_bytes_where_a_frame_ends(protocol):
    """It ends at each of the boundaries within an instance in turn."""
    items = rows(lambda: 70000, lambda: "-".join("abc"), lambda: [1, 2], lambda: (1, "a"), 1.5, count=40)
    size = len(pickle.dumps(items, protocol))
    for length in range(FRAME - size - 10, FRAME):
        graph = ["x" * length, *items]
        assert cypickle.dumps(graph, protocol) == pickle.dumps(graph, protocol)


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("place", range(3))
def test_same_errors(place, protocol):
    def scenario(implementation, seen):
        values = [1, "text", 2.5]
        values[place] = lambda: [1, (i for i in ())]
        return implementation.dumps([*rows(1, "text", 2.5), *rows(*values)], protocol)

    theirs, ours = both(scenario)
    assert ours == theirs


NUMBERS = itertools.count()
SET = {
    "setattr": setattr,
    "dictionary": lambda item, name, value: vars(item).__setitem__(name, value),
    "update": lambda item, name, value: vars(item).update({name: value}),
}
SEEN_AS = {
    "instances": list,
    "attributes": lambda items: [vars(item) for item in items],
    "copies": lambda items: [vars(item).copy() for item in items],
}


@pytest.mark.parametrize("seen_as", SEEN_AS)
@pytest.mark.parametrize("begin", ["ab", "éb", "x" * 65])
@pytest.mark.parametrize("way", SET)
@pytest.mark.parametrize("place", [0, 20])
def test_names_that_nobody_holds_but_the_class(place, way, begin, seen_as):
    """Its instances have them in common, by a single reference."""
    for protocol in (2, 4, 5):
        number = next(NUMBERS)  # earlier classes may still hold earlier names
        cls = globals()["Named"] = type("Named", (), {"__module__": __name__})
        first = cls()
        for n in range(place):
            setattr(first, f"before{n}", n)
        cypickle.dumps([first, cls()], protocol)  # the class has a plan
        items = []
        for _ in range(4):
            items.append(cls())
            for n in range(place):
                setattr(items[-1], f"before{n}", n)
            SET[way](items[-1], f"{begin} {number}", 1)
        items += [cls(), cls()]
        for item in items[-2:]:
            setattr(item, f"{begin} {number}", 2)
        del item
        graph = SEEN_AS[seen_as](items)
        clear_method_cache()  # which holds names, too
        data = cypickle.dumps(graph, protocol)
        assert data == pickle.dumps(graph, protocol)
