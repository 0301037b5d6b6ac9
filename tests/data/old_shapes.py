"""The objects that write_pickles.py stores and test_old_pickles.py loads. Runs on CPython 2.7 and 3.x.

OBJECTS[name]() makes the object; the stored pickles name the classes here as `old_shapes.X`.
"""

import array
import collections
import datetime
import decimal
import fractions
import uuid


class Old:
    """An old-style class on Python 2: pickled by INST and OBJ."""

    def __init__(self, **values):
        self.__dict__.update(values)


class OldWithInitArgs:
    def __init__(self, value):
        self.value = value

    def __getinitargs__(self):
        return (self.value,)


class New(object):
    def __init__(self, **values):
        self.__dict__.update(values)


class Slotted(object):
    __slots__ = ("left", "right")


class WithState(object):
    def __init__(self, payload=None):
        self.payload = payload

    def __getstate__(self):
        return ("state", self.payload)

    def __setstate__(self, state):
        self.payload = state[1]


class Reduced(object):
    def __init__(self, *payload):
        self.payload = payload
        self.extra = None

    def __reduce__(self):
        return Reduced, self.payload, {"extra": self.extra}


class NewArgs(object):
    def __new__(cls, payload=None):
        self = object.__new__(cls)
        self.payload = payload
        return self

    def __getnewargs__(self):
        return (self.payload,)


class ListSub(list):
    pass


class DictSub(dict):
    pass


class IntSub(int):
    pass


class Outer(object):
    class Inner(object):
        pass


class Failure(Exception):
    pass


Point = collections.namedtuple("Point", ["x", "y"])


def function():
    return None


def with_values(item, **values):
    for name in values:
        setattr(item, name, values[name])
    return item


def recursive_list():
    item = [1]
    item.append(item)
    return item


def recursive_dict():
    item = {}
    item["self"] = item
    return item


def recursive_tuple():
    inner = []
    item = (inner, 1)
    inner.append(item)
    return item


def recursive_new():
    item = New(name="n")
    item.self = item
    item.holder = [item]
    return item


def recursive_old():
    item = Old(name="n")
    item.self = item
    return item


def recursive_set():
    item = New(name="n")
    item.members = frozenset([item])
    return item


def shared():
    part = ["part"]
    return [part, part, (part, {"k": part})]


OBJECTS = {
    "none": lambda: None,
    "booleans": lambda: [True, False],
    "ints": lambda: [0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -(2**31)],
    "big_ints": lambda: [2**63, -(2**63) - 1, 2**200, -(2**2040)],
    "floats": lambda: [0.0, -0.0, 1.5, 1e300, float("inf"), float("-inf"), 0.1],
    "complex": lambda: [1j, complex(-0.5, 2)],
    "native_str": lambda: ["", "ascii", "line\nfeed\\", "x" * 300],
    "native_str_high": lambda: "caf\xe9",
    "unicode": lambda: [
        b"".decode(),
        b"caf\xc3\xa9 \xe2\x82\xac".decode("utf-8"),
        b"\xf0\x9f\x98\x80".decode("utf-8"),
    ],
    "unicode_escapes": lambda: b"\\ \n \r \x00 \x1a".decode() * 2,
    "unicode_long": lambda: b"\xc3\xa9".decode("utf-8") * 300,
    "bytes": lambda: [b"", b"plain", b"\x00\xff" * 200],
    "bytearray": lambda: bytearray(b"\x00\x80\xff"),
    "empty": lambda: [(), [], {}],
    "tuples": lambda: [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "nested": lambda: {"a": [1, {"b": (2, [3])}], "c": None},
    "long_list": lambda: list(range(1001)),
    "long_dict": lambda: dict((i, -i) for i in range(1001)),  # noqa: C402 - one order on every version
    "sets": lambda: [set([1, 2]), frozenset([3]), frozenset()],  # noqa: C405
    "shared": shared,
    "recursive_list": recursive_list,
    "recursive_dict": recursive_dict,
    "recursive_tuple": recursive_tuple,
    "recursive_new": recursive_new,
    "recursive_old": recursive_old,
    "recursive_set": recursive_set,
    "old": lambda: Old(a=1, b=[2]),
    "old_empty": Old,
    "old_init_args": lambda: OldWithInitArgs(5),
    "new": lambda: New(a=1, b=[2], c=New(d="e")),
    "slotted": lambda: with_values(Slotted(), left=1, right=2),
    "with_state": lambda: WithState([1]),
    "reduced": lambda: with_values(Reduced(1, 2), extra=3),
    "new_args": lambda: NewArgs("n"),
    "list_sub": lambda: with_values(ListSub([1, 2]), extra=3),
    "dict_sub": lambda: with_values(DictSub(a=1), extra=3),
    "int_sub": lambda: with_values(IntSub(7), extra=3),
    "named_tuple": lambda: Point(1, [2]),
    "failure": lambda: with_values(Failure("why", 1), extra=2),
    "class_nested": lambda: Outer.Inner,
    "nested_instance": lambda: with_values(Outer.Inner(), a=1),
    "classes": lambda: [New, Outer, int, dict, object, type(None)],
    "functions": lambda: [function, len, range],
    "exceptions": lambda: [ValueError, KeyError("k"), EnvironmentError],
    "datetime": lambda: datetime.datetime(2010, 2, 28, 1, 2, 3, 999),
    "dates": lambda: [datetime.date(1999, 12, 31), datetime.date(1, 1, 1)],
    "times": lambda: [datetime.time(23, 59, 59), datetime.timedelta(-1, 2, 3)],
    "decimal": lambda: [decimal.Decimal("1.50"), decimal.Decimal("-Infinity")],
    "fraction": lambda: fractions.Fraction(-3, 7),
    "uuid": lambda: uuid.UUID(int=0x12345678123456781234567812345678),
    "ordered_dict": lambda: collections.OrderedDict([("b", 1), ("a", 2)]),
    "default_dict": lambda: collections.defaultdict(list, {"a": [1]}),
    "counter": lambda: collections.Counter("hello"),
    "deque": lambda: collections.deque([1, 2, 3], 5),
    "array": lambda: array.array("i", [1, -1]),
    "range": lambda: range(3),
}
