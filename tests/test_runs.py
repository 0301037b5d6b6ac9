"""Lists of objects that have one type, and so go by one plan, changed by the reducers of some of them."""

import pytest

from implementations import PROTOCOLS
from oracle import both


class Other:
    pass


class Reduced:
    """One of many in a list, by the plan for the one before; some change the list."""

    def __init__(self, change=None):
        self.change = change

    def change_once(self):
        change, self.change = self.change, None
        if change:
            change()

    def __reduce__(self):
        self.change_once()
        return Other, ()


class Stated(Reduced):
    __reduce__ = object.__reduce__

    def __getstate__(self):
        self.change_once()
        return 1


def run_that(change, cls, size, at, depth):
    items = [cls() for _ in range(size)]
    items[at] = cls(lambda: change(items))
    graph = items
    for _ in range(depth):
        graph = [graph, graph[:0]]
    return graph


def give_another_class(items):
    items[-1].__class__ = Other if type(items[-1]) is not Other else Reduced


CHANGES = {
    "grows": lambda items: len(items) < 20 and items.append(Reduced()),
    "shrinks": lambda items: items.pop(),
    "clears": lambda items: items.clear(),
    "is_replaced": lambda items: items.__setitem__(slice(None), [1.5, Other(), *items[2:]]),
    "gets_known_ones": lambda items: items.__setitem__(-1, items[0]),
    "changes_class": give_another_class,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("cls", [Reduced, Stated])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_lists_change_under_way(protocol, cls, change):
    def scenario(implementation, seen, at, depth):
        return implementation.dumps(run_that(CHANGES[change], cls, 8, at, depth), protocol)

    for at in (1, 6, 7):
        for depth in (0, 1, 2):
            theirs, ours = both(scenario, at, depth)
            assert ours == theirs
