"""Pickle and load one shape, nested DEPTH levels, by every protocol; print one word for each step that went well.

    python deep_worker.py SHAPE DEPTH STACK

STACK: KB of C stack of the thread that does it; 0 for the main thread.  Nothing here recurses, so what crashes is
cypickle or the interpreter.
"""

import gc
import io
import sys
import threading

import cypickle


class Plain:
    """Nests by its attribute dictionary."""


class Slotted:
    __slots__ = ("child",)


class Node:
    """An element of a linked list."""

    def __init__(self, value, child):
        self.value = value
        self.child = child


class Arguments:
    """Nests by the arguments of its reduce value."""

    def __init__(self, child):
        self.child = child

    def __reduce__(self):
        return Arguments, (self.child,)


class State:
    """Nests by the state of its reduce value."""

    def __reduce__(self):
        return State, (), {"child": self.child}


class GetState:
    """Nests by what __getstate__ returns."""

    def __getstate__(self):
        return [self.child]

    def __setstate__(self, state):
        (self.child,) = state


class ListItems(list):
    pass


class DictItems(dict):
    pass


def with_child(cls):
    def wrap(child):
        made = cls()
        made.child = child
        return made

    return wrap


def set_of_instance(child):
    """A set holds no set: it nests by what its element has."""
    made = Plain()
    made.child = {child}
    return made


def of_child(item):
    return item.child


# shape -> (how to make a level around a child, how to get the child, nesting levels that it takes at most)
SHAPES = {
    "list": (lambda child: [child], lambda item: item[0], 1),
    "long_list": (lambda child: [1, child, 2], lambda item: item[1], 1),
    "tuple": (lambda child: (child,), lambda item: item[0], 1),
    "long_tuple": (lambda child: (1, 2, 3, child), lambda item: item[3], 1),
    "dict": (lambda child: {"k": child}, lambda item: item["k"], 1),
    "frozenset": (lambda child: frozenset([child]), lambda item: next(iter(item)), 3),
    "set": (set_of_instance, lambda item: next(iter(item.child)), 5),
    "instance": (with_child(Plain), of_child, 2),
    "slotted": (with_child(Slotted), of_child, 3),
    "linked": (lambda child: Node(1, child), of_child, 2),
    "reduce_arguments": (Arguments, of_child, 2),
    "reduce_state": (with_child(State), of_child, 2),
    "getstate": (with_child(GetState), of_child, 2),
    "list_items": (lambda child: ListItems([child]), lambda item: item[0], 4),
    "dict_items": (lambda child: DictItems(k=child), lambda item: item["k"], 4),
}


def nested(wrap, depth):
    item = None
    for _ in range(depth):
        item = wrap(item)
    return item


def depth_of(item, unwrap):
    depth = 0
    while item is not None:
        item = unwrap(item)
        depth += 1
    return depth


def check(shape, depth):
    wrap, unwrap, levels = SHAPES[shape]
    deep = nested(wrap, depth)
    protocols = range(2 if shape == "slotted" else 0, 6)
    default = sys.getrecursionlimit()
    for protocol in protocols:
        try:
            cypickle.dumps(deep, protocol)
        except RecursionError:
            print("refused", flush=True)
    for protocol in protocols:
        sys.setrecursionlimit(levels * depth + 1000)
        data = cypickle.dumps(deep, protocol)
        sys.setrecursionlimit(default)
        again = cypickle.loads(data)
        assert depth_of(again, unwrap) == depth
        del again
        print("accepted", flush=True)
    sys.setrecursionlimit(levels * depth + 1000)
    file = io.BytesIO()
    cypickle.dump(deep, file)
    file.seek(0)
    assert depth_of(cypickle.load(file), unwrap) == depth
    print("filed", flush=True)
    del deep
    print("dropped", flush=True)


def main():
    shape, depth, stack = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    gc.disable()  # it would take most of the time
    if stack == 0:
        check(shape, depth)
        return
    threading.stack_size(stack << 10)
    thread = threading.Thread(target=check, args=(shape, depth))
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
