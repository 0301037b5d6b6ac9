"""A hook is asked about an object that nothing but the graph holds, and keeps it, or moves it to another place."""

import ast
import collections
import dataclasses
import datetime
import decimal
import fractions
import io
import pathlib
import uuid

import pytest

from oracle import both
from processes import run_python

Point = collections.namedtuple("Point", "x y")


class Plain:
    def __init__(self):
        self.a = 1


class Slots:
    __slots__ = ("a",)

    def __init__(self):
        self.a = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: object = 1
    b: object = 2


class Reduced:
    def __reduce__(self):
        return list, ()


class Stated:
    def __getstate__(self):
        return {"a": 1}


class Both(list):
    pass


MADE = {
    "plain": Plain,
    "slots": Slots,
    "frozen": Frozen,
    "reduced": Reduced,
    "stated": Stated,
    "list": Both,
    "namedtuple": lambda: Point([1], "y"),
    "date": lambda: datetime.date(2020, 1, 2),
    "datetime": lambda: datetime.datetime(2020, 1, 2),
    "timedelta": lambda: datetime.timedelta(5, 6, 7),
    "OrderedDict": lambda: collections.OrderedDict(a=1, b=2),
    "defaultdict": lambda: collections.defaultdict(int, a=1),
    "Counter": lambda: collections.Counter("abca"),
    "deque": lambda: collections.deque([1, 2]),
    "Decimal": lambda: decimal.Decimal("1.25"),
    "UUID": lambda: uuid.UUID(int=2**127 + 5),
    "complex": lambda: complex(float("2.5"), 2),
    "Fraction": lambda: fractions.Fraction(10007, len(MADE)),
    "range": lambda: range(3, len(MADE) + 30),
    "slice": lambda: slice(1, len(MADE) + 1000),
    "path": lambda: pathlib.PurePosixPath("a/b"),
    "syntax": lambda: ast.parse("x").body[0].value,
    "bytearray": lambda: bytearray(b"abc"),
}


def hooked(implementation, seen, make, moves, most, protocol):
    """Dump what make() makes, by a hook that keeps the first so many, and moves them out of where they are met."""
    source = {"k": make(), "l": make()}
    target = []
    kind = type(source["k"])

    class Pickler(implementation.Pickler):
        def reducer_override(self, obj):
            if type(obj) is kind and len(target) < most:
                target.append(obj)
                if moves:
                    for key in source:
                        if source[key] is obj:
                            source[key] = None
            return NotImplemented

    file = io.BytesIO()
    Pickler(file, protocol).dump([make(), make()])  # plans are made
    target.clear()
    Pickler(file, protocol).dump([kind, source, target, make()])
    return file.getvalue()


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("name", MADE)
def test_what_the_hook_has_seen_is_in_the_memo(name, moves, protocol):
    for most in (1, 2):
        theirs, ours = both(hooked, MADE[name], moves, most, protocol)
        assert ours == theirs


RELEARNT = """
import dataclasses, gc, cypickle

@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: object = 1
    b: object = 2

ran = []

class Relearns:
    def __del__(self):
        ran.append(cypickle.dumps(Frozen(3, 4), 5))

fields = dict(Frozen.__dataclass_fields__)
one = Frozen()
expected = cypickle.dumps([one, one], 5)
for _ in range(3):
    Frozen.__dataclass_fields__ = changed = dict(fields)
    for _ in range(2):
        cypickle.dumps(one, 5)
    changed["relearns"] = Relearns()
    del changed
    Frozen.__dataclass_fields__ = dict(fields)
    for _ in range(3):
        assert cypickle.dumps([one, one], 5) == expected
        gc.collect()
print(len(ran))
"""


def test_a_plan_is_learnt_again_while_it_is_replaced():
    """The plan holds the last reference to something whose finalizer dumps an instance of the same class."""
    done = run_python("-X", "dev", "-c", RELEARNT, seconds=60)
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


AT_SHUTDOWN = """
import os, sys, cypickle
class Plain: pass
one = Plain()
one.n = 1
for _ in range(4):
    cypickle.dumps([one, one])
class Last:
    def __del__(self, dumps=cypickle.dumps, one=one, write=os.write, Error=Exception):
        for _ in (1, 2):
            try:
                dumps(one)
            except Error as error:
                write(1, b"refused ")
last = Last()
last.itself = last
sys.last = last
"""


def test_shutdown():
    """The last finalizers run when there is no sys.modules any more."""
    done = run_python("-c", AT_SHUTDOWN, seconds=60)
    assert done.returncode == 0, done.stderr
    assert "Fatal" not in done.stderr
