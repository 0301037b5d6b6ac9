"""Seeded random object graphs, thousands a second, for the runs that Hypothesis is too slow for.

    root = random_graph(random.Random(seed), size=20)

The maker dies before the graph is returned, so that an object which the graph holds once has one reference.
"""

import array
import random
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from pickle import PickleBuffer
from types import SimpleNamespace

import shapes

EDGES = (0, 1, 999, 1000, 1001, 2000, 2001)
LENGTHS = (0, 1, 2, 3, 7, 8, 31, 32, 100, 255, 256, 257)
LONG_LENGTHS = (65530, 65535, 65536, 65537, 65536 - 4, 65536 - 9, 32768, 131072)
ALPHABETS = ("abcdefgh_", "äöüß\xff", "жлπ€", "\U0001f600\U00010000x", "a\ud800\udfffz", "\\\n\r\x00\x1a")
INTS = tuple(
    sign * (2**power + delta)
    for power in (7, 8, 15, 16, 31, 32, 63, 64, 255 * 8 - 1, 2040, 2048)
    for delta in (-1, 0, 1)
    for sign in (1, -1)
)
FLOATS = (0.0, -0.0, 1.5, float("nan"), float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308)
GLOBALS = (
    *(len, print, int, dict, type, type(None), type(...), type(NotImplemented), OSError, KeyError, object),
    *(
        shapes.function,
        shapes.Outer,
        shapes.Outer.Inner,
        shapes.Outer.Inner.Innermost,
        shapes.Outer.Inner.method,
    ),
    *(
        shapes.Outer.Inner.static,
        shapes.Größe,
        shapes.Meta,
        shapes.WithMeta,
        shapes.THE_NAMED,
        Decimal,
        "".join,
    ),
    *(shapes.Color.RED, shapes.Color.GREEN, shapes.Level.HIGH, shapes.Mode.READ | shapes.Mode.WRITE),
    *(shapes.Outer.Shade.DARK, shapes.Outer.Inner.create, datetime, defaultdict, range, zip, bytes.fromhex),
)


class Maker:
    """Builds one graph bottom up; `pool` holds what later nodes may share."""

    def __init__(self, rng, *, slots=False, buffers=False):
        self.rng = rng
        self.slots = slots
        self.buffers = buffers
        self.pool = []
        self.linkable = []
        self.counter = 0

    # Atoms

    def integer(self):
        rng = self.rng
        if rng.random() < 0.7:
            return rng.randrange(-300, 70000)
        return rng.choice(INTS)

    def text(self):
        rng = self.rng
        if rng.random() < 0.6:
            return f"key{rng.randrange(40)}"
        alphabet = rng.choice(ALPHABETS)
        return "".join(rng.choices(alphabet, k=rng.choice(LENGTHS)))

    def binary(self):
        return self.rng.randbytes(self.rng.choice(LENGTHS))

    def number(self):
        rng = self.rng
        return rng.random() * 1000 if rng.random() < 0.6 else rng.choice(FLOATS) + 0.0

    def library(self):
        """A value of a class from the standard library."""
        rng = self.rng
        return LIBRARY[rng.randrange(len(LIBRARY))](rng)

    def atom(self):
        value = self.rng.random()
        if value < 0.3:
            return self.integer()
        if value < 0.55:
            return self.text()
        if value < 0.65:
            return self.number()
        if value < 0.75:
            return self.rng.choice((None, True, False, ..., NotImplemented, (), ""))
        if value < 0.83:
            return self.binary()
        if value < 0.9:
            return self.rng.choice(GLOBALS)
        if value < 0.98:
            return self.library()
        if self.buffers:
            return PickleBuffer(self.binary() if self.rng.random() < 0.5 else bytearray(self.binary()))
        return bytearray(self.binary())

    def key(self):
        """Something with a hash that does not depend on identity."""
        rng = self.rng
        value = rng.random()
        if value < 0.6:
            return self.text()
        if value < 0.85:
            return self.integer()
        return (self.integer(), self.text())

    # Inner nodes

    def child(self):
        rng = self.rng
        if self.pool and rng.random() < 0.6:
            item = self.pool[rng.randrange(len(self.pool))]
            if rng.random() < 0.5:
                return item
        if self.unused and rng.random() < 0.7:
            return self.unused.pop()
        return self.atom()

    def children(self, most=6):
        return [self.child() for _ in range(self.rng.randrange(most + 1))]

    def tagged(self):
        self.counter += 1
        item = shapes.Tagged(self.counter)
        self.linkable.append(item)
        return item

    def hashable_members(self):
        members = [self.key() for _ in range(self.rng.randrange(5))]
        if self.rng.random() < 0.3:
            members.append(self.tagged())
        return members

    def node(self):
        kind = KINDS[self.rng.randrange(len(KINDS))]
        return kind(self)

    def build(self, size):
        self.unused = []
        for _ in range(size):
            item = self.node()
            if self.rng.random() < 0.25:
                self.pool.append(item)
            self.unused.append(item)
        for _ in range(self.rng.randrange(4)):
            self.link()
        rest = self.unused
        return rest[0] if len(rest) == 1 else rest

    def link(self):
        """Close a cycle, or share once more: put any shared node into a node that can change."""
        if not (self.linkable and self.pool):
            return
        target = self.rng.choice(self.linkable)
        value = self.rng.choice(self.pool)
        if isinstance(target, (list, deque)) and not hasattr(target, "__dict__"):
            target.append(value)
        elif isinstance(target, dict) and not hasattr(target, "__dict__"):
            target[f"link{self.rng.randrange(4)}"] = value
        else:
            target.link = value


def linkable(function):
    def make(maker):
        item = function(maker)
        maker.linkable.append(item)
        return item

    return make


def make_dict(maker, cls=dict):
    return cls((maker.key(), maker.child()) for _ in range(maker.rng.randrange(7)))


def make_attributes(maker, item, most=4):
    for _ in range(maker.rng.randrange(most + 1)):
        setattr(item, f"attr{maker.rng.randrange(8)}", maker.child())
    return item


def make_slotted(maker):
    if not maker.slots:
        return shapes.SlottedState(maker.child(), maker.child())
    kind = maker.rng.randrange(4)
    if kind == 0:
        return shapes.SlottedRecord(maker.integer(), maker.child())
    item = (shapes.Slotted, shapes.SlottedAndDict, shapes.SlottedListSub)[kind - 1]()
    if kind == 3:
        item.extra = maker.child()
        item.extend(maker.children(2))
        return item
    item.left = maker.child()
    if kind == 2:
        make_attributes(maker, item)
    return item


def make_reduced_items(maker):
    item = shapes.ReducedItems()
    item.list += maker.children()
    for index in range(maker.rng.randrange(3)):
        item.dict[f"k{index}"] = maker.child()
    return item


def make_record(maker):
    return shapes.Record(maker.integer(), maker.text(), maker.children(3), maker.child())


def make_default_dict(maker):
    return defaultdict(maker.rng.choice((list, int, None)), make_dict(maker))


def make_error(maker):
    item = maker.rng.choice((shapes.ShapeError, ValueError, KeyError))(maker.text(), maker.integer())
    return make_attributes(maker, item, 2)


def make_edge(maker):
    """A container whose size is at the edge of a batch."""
    rng = maker.rng
    count = rng.choice(EDGES)
    start = rng.randrange(300)
    kind = rng.randrange(6)
    if kind == 0:
        return list(range(start, start + count))
    if kind == 1:
        return {index: f"v{index}" for index in range(start, start + count)}
    if kind == 2:
        return set(range(start, start + count))
    if kind == 3:
        return frozenset(range(start, start + count))
    if kind == 4:
        return [f"s{index % 70}" for index in range(count)]
    return shapes.ListSub(float(index) for index in range(count))


def make_large(maker):
    """Payloads whose sum or size is at the edge of a frame."""
    rng = maker.rng
    kind = rng.randrange(5)
    if kind == 0:
        return rng.randbytes(rng.choice(LONG_LENGTHS) + rng.randrange(-3, 4))
    if kind == 1:
        return "x" * (rng.choice(LONG_LENGTHS) + rng.randrange(-3, 4))
    if kind == 2:
        return "é" * (rng.choice(LONG_LENGTHS) // 2 + rng.randrange(-3, 4))
    if kind == 3:
        return bytearray(rng.choice(LONG_LENGTHS) + rng.randrange(-3, 4))
    return [rng.randbytes(rng.randrange(200, 9000)) for _ in range(rng.randrange(7, 30))]


def make_rare(maker):
    value = maker.rng.random()
    if value < 0.06:
        return make_edge(maker)
    if value < 0.1:
        return make_large(maker)
    return tuple(maker.children(3))


LIBRARY = (
    lambda rng: datetime(2024, 2, 29, 23, 59, 59, rng.randrange(10**6)),
    lambda rng: datetime(1999, 12, 31, tzinfo=timezone(timedelta(minutes=rng.randrange(-900, 900)))),
    lambda rng: datetime(2000, 1, 1, tzinfo=timezone.utc),  # noqa: UP017 - the old name pickles alike
    lambda rng: date(rng.randrange(1, 9999), 1, 31),
    lambda rng: time(rng.randrange(24), 30, 1, 2),
    lambda rng: timedelta(rng.randrange(-5, 5), rng.randrange(86400), rng.randrange(10**6)),
    lambda rng: Decimal(rng.randrange(10**6)) / 7,
    lambda rng: Fraction(rng.randrange(1000), 7),
    lambda rng: uuid.UUID(int=rng.getrandbits(128)),
    lambda rng: range(rng.randrange(10), 2 ** rng.randrange(70), 3),
    lambda rng: complex(rng.random(), rng.choice(FLOATS)),
    lambda rng: PurePosixPath("a") / str(rng.randrange(9)),
    lambda rng: array.array("d", [rng.random() for _ in range(rng.randrange(4))]),
    lambda rng: shapes.IntSub(rng.randrange(99)),
    lambda rng: shapes.FloatSub(rng.random()),
    lambda rng: shapes.ComplexSub(rng.random(), 1),
    lambda rng: shapes.BytesSub(rng.randbytes(3)),
    lambda rng: shapes.FalseState(),
    lambda rng: shapes.Level.LOW,
    lambda rng: slice(rng.randrange(3), None, 2),
)

KINDS = (
    *[linkable(lambda m: m.children())] * 8,
    *[linkable(make_dict)] * 8,
    *[lambda m: tuple(m.children())] * 8,
    *[linkable(lambda m: make_attributes(m, shapes.Plain()))] * 6,
    *[linkable(make_record)] * 3,
    *[make_slotted] * 3,
    *[lambda m: set(m.hashable_members())] * 2,
    *[lambda m: frozenset(m.hashable_members())] * 3,
    *[make_rare] * 3,
    linkable(lambda m: m.tagged()),
    lambda m: shapes.Frozen(m.integer(), m.child()),
    lambda m: shapes.WithState(m.child()),
    linkable(lambda m: shapes.DictState(m.child())),
    lambda m: shapes.Reduced(*m.children(3)),
    linkable(lambda m: shapes.ReducedState(m.child())),
    linkable(lambda m: shapes.ReducedSetter(m.child())),
    make_reduced_items,
    lambda m: shapes.NewArgs(m.child()),
    lambda m: shapes.NewArgsEx(m.child(), key=m.child()),
    lambda m: shapes.Registered(m.child()),
    linkable(lambda m: make_attributes(m, shapes.ListSub(m.children(3)), 2)),
    linkable(lambda m: make_attributes(m, make_dict(m, shapes.DictSub), 2)),
    linkable(lambda m: make_attributes(m, shapes.SetSub(m.hashable_members()), 2)),
    linkable(lambda m: make_attributes(m, shapes.FrozenSetSub(m.hashable_members()), 2)),
    linkable(lambda m: make_attributes(m, shapes.TupleSub(m.children(3)), 2)),
    linkable(lambda m: make_attributes(m, shapes.StrSub(m.text()), 2)),
    lambda m: shapes.Point(m.child(), m.child()),
    lambda m: make_dict(m, OrderedDict),
    linkable(make_default_dict),
    lambda m: Counter(m.text() for _ in range(m.rng.randrange(5))),
    linkable(lambda m: deque(m.children(3), m.rng.choice((None, 9)))),
    lambda m: SimpleNamespace(first=m.child(), second=m.child()),
    linkable(make_error),
    lambda m: shapes.WithProperty(m.child()),
    lambda m: shapes.WithGetattr(m.child()),
)


def random_graph(rng, size=20):
    """One graph of about `size` inner nodes; some graphs hold objects that only some protocols take."""
    maker = Maker(rng, slots=rng.random() < 0.2, buffers=rng.random() < 0.05)
    return maker.build(1 + rng.randrange(size))


def seeded_graph(seed, size=20):
    return random_graph(random.Random(seed), size)
