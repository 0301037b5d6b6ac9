"""Objects of which the emitter held one of two references, and that are met later by the other, as if never before."""

import copyreg

import pytest

from implementations import PROTOCOLS
from oracle import both


class Reduced:
    """Its reduce value is what `give` makes; `seen` is told when it is asked."""

    def __init__(self, *args, **kwargs):
        self.give = lambda obj: (Reduced, ())

    def __reduce_ex__(self, protocol):
        return self.give(self)

    def __setitem__(self, key, value):
        pass

    def append(self, item):
        pass

    def extend(self, items):
        pass


class Moving(Reduced):
    """A key, or whatever else is saved first: its reducer calls `move`, once."""

    move = None

    def __hash__(self):
        return 1

    def __reduce_ex__(self, protocol):
        if self.move is not None:
            move, self.move = self.move, None
            move()
        return Moving, ()


class Slots:
    __slots__ = ("x", "y")


def giving(give):
    made = Reduced()
    made.give = give
    return [made, made]


def list_items():
    items = [[1], [2]]
    return giving(lambda obj: (Reduced, (), {"kept": items}, iter(items)))


def list_items_below_the_next():
    first = [1]
    items = [first, [first]]
    del first

    def give(obj):
        def pop():
            while items:
                yield items.pop(0)

        return Reduced, (), None, pop()

    return giving(give)


def dict_items():
    pairs = {1: [5], 2: [6]}
    return giving(lambda obj: (Reduced, (), {"kept": pairs}, None, iter(pairs.items())))


def pairs_that_are_kept():
    pairs = [(([1], 2), [3]), ((4, []), 5)]
    return giving(lambda obj: (Reduced, (), {"kept": pairs}, None, iter(pairs)))


def pairs_below_themselves():
    value = [3]
    pairs = [(([1], 2), value), ((4, []), 5)]
    value.append(pairs[0])
    del value
    return giving(lambda obj: (Reduced, (), None, None, iter(pairs)))


def new_args_that_are_kept():
    args = (Reduced, ([1], [2]), {"k": [3]})
    graph = giving(lambda obj: (copyreg.__newobj_ex__, args))
    return [*graph, args]


def new_args_below_themselves():
    inner = [3]
    args = (Reduced, (inner, [1]), {"k": inner, "l": [2]})
    inner.append(args)
    return giving(lambda obj: (copyreg.__newobj_ex__, args, [args]))


def value_of_a_key_that_moves_it():
    key = Moving()
    pairs = {1: 2, key: [7], 3: 4}
    graph = [pairs, []]

    def move():
        graph[1].append(pairs[key])
        pairs[key] = None

    key.move = move
    return graph


def slot_after_one_that_moves_it():
    slots = Slots()
    slots.x, slots.y = Moving(), [1]
    graph = [Slots(), slots]

    def move():
        graph.append(slots.y)
        slots.y = None

    slots.x.move = move
    return graph


def slot_that_another_has():
    slots = Slots()
    slots.x, slots.y = Moving(), [1]
    graph = [slots, slots.y]

    def move():
        slots.y = None

    slots.x.move = move
    return graph


MAKE = [
    list_items,
    list_items_below_the_next,
    dict_items,
    pairs_that_are_kept,
    pairs_below_themselves,
    new_args_that_are_kept,
    new_args_below_themselves,
    value_of_a_key_that_moves_it,
    slot_after_one_that_moves_it,
    slot_that_another_has,
]


@pytest.mark.parametrize("make", MAKE)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_is_written_once(protocol, make):
    theirs, ours = both(lambda implementation, seen: implementation.dumps(make(), protocol))
    assert ours == theirs


class File:
    """Each write calls `on_write` first."""

    def __init__(self, on_write):
        self.written = []
        self.on_write = on_write

    def write(self, data):
        self.written.append(bytes(data))
        self.on_write()
        return len(data)


@pytest.mark.parametrize("kind", [dict, list])
@pytest.mark.parametrize("fill", range(8))
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_moves_what_comes_next(protocol, fill, kind):
    """From the container that is being written to one that comes later, while nothing else holds it."""

    def scenario(implementation, seen):
        container = {n: [n] for n in range(9000)} if kind is dict else [[n] for n in range(9000)]
        later = []

        def move():
            for n in range(9000):
                if container[n] is not None:
                    later.append(container[n])
                    container[n] = None

        file = File(move)
        implementation.Pickler(file, protocol).dump([bytes(fill), container, {(1, 2): {(3, 4): 5}}, later])
        return b"".join(file.written)

    theirs, ours = both(scenario)
    assert ours == theirs
