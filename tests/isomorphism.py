"""Are two object graphs the same: types, values, sharing and cycles? Iterative, so depth is no matter."""

import array
import copyreg
import enum
import functools
import operator
import pickle
import re
import struct
import time as time_module
import types
from collections import OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath

BY_IDENTITY = (type, types.FunctionType, types.ModuleType, enum.Enum)
BOUND = (types.BuiltinFunctionType, types.MethodType)
BY_EQUALITY = (int, str, bytes, bool, type(None), type(...), type(NotImplemented))
BY_REPR = (
    *(range, slice, date, datetime, time, timedelta, timezone, Fraction, Decimal),
    *(array.array, re.Pattern, operator.itemgetter, time_module.struct_time),
    *(types.GenericAlias, types.UnionType),
)
ITERATORS = tuple(type(iter(empty)) for empty in ([], (), ""))
MISSING = object()


def bits(value):
    """A float as its eight bytes, which tells -0.0 from 0.0; a nan has no payload in the text protocol."""
    return struct.pack("<d", value) if value == value else b"nan"


def canonical(item, depth=0):
    """A key that orders the members of a set alike on both sides."""
    kind = type(item).__qualname__
    if isinstance(item, tuple):
        return (kind, "", tuple(canonical(member, depth + 1) for member in item))
    if isinstance(item, frozenset):
        if depth > 3:
            return (kind, "", ())
        return (kind, "", tuple(sorted((canonical(member, depth + 1) for member in item), key=repr)))
    if hasattr(item, "tag"):
        return (kind, repr(item.tag), ())
    if type(item).__repr__ is object.__repr__:
        return (kind, "", ())
    return (kind, repr(item), ())


def members(item):
    return sorted(item, key=lambda member: repr(canonical(member)))


def shown(value):
    """repr, also of a value that a broken pickle has put out of its range."""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__}: {error}>"


def leaf_difference(a, b):
    """What tells two leaves apart, None when nothing does, MISSING when they are not leaves."""
    kind = type(a)
    if isinstance(a, BY_IDENTITY):
        same = a is b
    elif isinstance(a, BOUND) or kind in BY_EQUALITY:
        same = a == b
    elif kind is float:
        same = bits(a) == bits(b)
    elif kind is complex:
        same = bits(a.real) == bits(b.real) and bits(a.imag) == bits(b.imag)
    elif kind in BY_REPR or isinstance(a, PurePath):
        same = shown(a) == shown(b)
    else:
        return MISSING
    return None if same else f"{shown(a)} != {shown(b)}"


def state(item, ordered=True):
    """Dictionary and slots as a list of (label, value), in order."""
    found = [(f".{name}", value) for name, value in getattr(item, "__dict__", {}).items()]
    if not ordered:
        found.sort(key=lambda entry: entry[0])
    for name in copyreg._slotnames(type(item)):
        value = getattr(item, name, MISSING)
        if value is not MISSING:
            found.append((f".{name}", value))
    return found


def base_value(item):
    """The value that a subclass of an immutable or buffer type carries beside its state."""
    for base in (bytearray, bytes, str, int):
        if isinstance(item, base):
            return base(item) if base is not str else str.__str__(item)
    if isinstance(item, float):
        return bits(item)
    if isinstance(item, complex):
        return bits(item.real) + bits(item.imag)
    if isinstance(item, deque):
        return item.maxlen
    return None


def children(item, ordered=True):
    """Everything that an inner node holds, as a list of (label, value) in a defined order."""
    if isinstance(item, dict):
        found = []
        entries = item.items() if ordered else [(key, item[key]) for key in members(item)]
        for index, (key, value) in enumerate(entries):
            found += [(f" key {index}", key), (f"[{index}]", value)]
        if isinstance(item, defaultdict):
            found.append((" default_factory", item.default_factory))
        own = [] if type(item) is OrderedDict else state(item, ordered)
        return found + own
    if isinstance(item, (list, tuple, deque)):
        return [(f"[{index}]", value) for index, value in enumerate(item)] + state(item, ordered)
    if isinstance(item, (set, frozenset)):
        return [(f"{{{index}}}", value) for index, value in enumerate(members(item))] + state(item, ordered)
    if isinstance(item, OSError):
        return [(" args", item.args), (" filename", item.filename), *state(item, ordered)]
    if isinstance(item, BaseException):
        return [(" args", item.args), *state(item, ordered)]
    if isinstance(item, functools.partial):
        return [
            (" function", item.func),
            (" arguments", item.args),
            (" keywords", item.keywords),
            *state(item, ordered),
        ]
    if isinstance(item, ITERATORS):
        return [(" reduced", item.__reduce__())]
    return state(item, ordered)


def may_be_shared_freely(item):
    """Empty tuples and frozensets are singletons; exception arguments are made anew on each read."""
    return type(item) in (tuple, frozenset) and not item


def path_text(path):
    parts = []
    while path is not None:
        path, label = path
        parts.append(label)
    return "root" + "".join(reversed(parts))


def buffer_difference(a, b):
    """A PickleBuffer loads as bytes or bytearray."""
    with a.raw() as view:
        expected = bytes if view.readonly else bytearray
        if type(b) is not expected or bytes(view) != bytes(b):
            return f"{expected.__name__} of {view.nbytes} bytes expected, got {b!r}"
    return None


def assert_isomorphic(a, b, *, ordered=True):
    """Fail with the path of the first difference in type, value, sharing or cycle between two graphs.

    ordered: whether dictionaries and attributes must come in the same order.
    """
    forward, backward, alive = {}, {}, []
    stack = [(a, b, None)]
    while stack:
        left, right, path = stack.pop()
        if type(left) is pickle.PickleBuffer:
            difference = buffer_difference(left, right)
            assert difference is None, f"{path_text(path)}: {difference}"
            continue
        assert type(left) is type(right), f"{path_text(path)}: {type(left)} became {type(right)}"
        difference = leaf_difference(left, right)
        if difference is None:
            continue
        assert difference is MISSING, f"{path_text(path)}: {difference}"
        if not may_be_shared_freely(left):
            known, back = forward.get(id(left), MISSING), backward.get(id(right), MISSING)
            assert (known is MISSING) == (back is MISSING), f"{path_text(path)}: sharing differs"
            if known is not MISSING:
                assert known is right, f"{path_text(path)}: leads to another object"
                assert back is left, f"{path_text(path)}: two objects became one"
                continue
            forward[id(left)], backward[id(right)] = right, left
            alive.append((left, right))
        assert base_value(left) == base_value(right), f"{path_text(path)}: {left!r} != {right!r}"
        ours, theirs = children(left, ordered), children(right, ordered)
        names = [label for label, _ in ours], [label for label, _ in theirs]
        assert names[0] == names[1], f"{path_text(path)}: parts {names[0][:9]} and {names[1][:9]}"
        for (label, one), (_, other) in zip(reversed(ours), reversed(theirs), strict=True):
            stack.append((one, other, (path, label)))
