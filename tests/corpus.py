"""Named objects: every type, every edge of size, batch, frame and memo. CORPUS[name]() makes one anew.

SMALL names those whose pickles are short enough to be cut and mutated byte by byte.
"""

import array
import collections
import datetime
import decimal
import fractions
import functools
import itertools
import operator
import pathlib
import re
import sys
import threading
import time
import types
import uuid
from pickle import PickleBuffer

import shapes

CORPUS = {}
SMALL = []


def named(function=None, *, small=False):
    def register(function):
        CORPUS[function.__name__] = function
        if small:
            SMALL.append(function.__name__)
        return function

    return register if function is None else register(function)


def add(name, make, *, small=False):
    assert name not in CORPUS, name
    CORPUS[name] = make
    if small:
        SMALL.append(name)


# Atoms

for _name, _value in {
    "none": None,
    "true": True,
    "false": False,
    "ellipsis": ...,
    "not_implemented": NotImplemented,
    "type_none": type(None),
    "type_ellipsis": type(...),
    "type_not_implemented": type(NotImplemented),
    "empty_tuple": (),
    "empty_frozenset": frozenset(),
}.items():
    add(_name, lambda value=_value: value, small=True)

for _bits in (7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 2039, 2040, 2047, 2048, 5000):
    add(
        f"ints_{_bits}",
        lambda n=_bits: [s * (2**n + d) for d in (-1, 0, 1) for s in (1, -1)],
        small=_bits < 100,
    )

add("ints_small", lambda: list(range(-260, 261)))
add("floats", lambda: [0.0, -0.0, 1.5, -1e300, 5e-324, float("inf"), float("-inf"), float("nan")], small=True)
add("floats_repr", lambda: [0.1, 1e16, 1e22, 1 / 3, 123456789.123456789, 1e-7])
add("complexes", lambda: [0j, complex("nan"), complex(-0.0, -0.0), complex("inf")], small=True)

for _length in (0, 1, 255, 256, 257, 65531, 65532, 65533, 65535, 65536, 65537):
    add(f"bytes_{_length}", lambda n=_length: b"\xfe" * n, small=_length < 2)
    add(f"bytearray_{_length}", lambda n=_length: bytearray(b"\x00\xff" * n)[:n], small=_length < 2)
    add(f"str_ascii_{_length}", lambda n=_length: "a" * n, small=_length < 2)
    add(f"str_latin_{_length}", lambda n=_length: "\xe9" * n)
    add(f"str_wide_{_length}", lambda n=_length: "\u20ac" * n)
    add(f"str_astral_{_length}", lambda n=_length: "\U0001f600" * n)

add("str_utf8_255", lambda: ["\xe9" * 127 + "a", "\xe9" * 128, "\u20ac" * 85, "\u20ac" * 85 + "a"])
add("str_surrogates", lambda: ["\ud800", "\udfff\ud800", "a\udc80b", "\U0010ffff\udcff"], small=True)
add(
    "str_escapes",
    lambda: ["\\", "\n", "\r", "\x00", "\x1a", "\\u0041", "a\nb\\c", "\\\\n", "\x85\u2028"],
    small=True,
)
add("str_every_latin", lambda: "".join(map(chr, range(256))))
add("bytes_every", lambda: bytes(range(256)))
add("str_equal_not_same", lambda: ["".join(["ab", str(i % 2)]) for i in range(6)], small=True)
add("str_shared", lambda: [s := "".join(["sha", "red"]), s, {s: s}], small=True)


# Containers at the edges of a batch

for _count in (0, 1, 2, 3, 4, 999, 1000, 1001, 1999, 2000, 2001, 3001):
    add(f"list_{_count}", lambda n=_count: list(range(n)), small=_count < 5)
    add(f"tuple_{_count}", lambda n=_count: tuple(range(n)), small=_count < 5)
    add(f"dict_{_count}", lambda n=_count: {f"k{i}": i for i in range(n)}, small=_count < 3)
    add(f"set_{_count}", lambda n=_count: set(range(n)), small=_count < 3)
    add(f"frozenset_{_count}", lambda n=_count: frozenset(range(n)))
    add(f"list_of_lists_{_count}", lambda n=_count: [[i] for i in range(n)])
    add(f"list_subclass_{_count}", lambda n=_count: shapes.ListSub(range(n)))
    add(f"dict_subclass_{_count}", lambda n=_count: shapes.DictSub((i, str(i)) for i in range(n)))
    add(f"deque_{_count}", lambda n=_count: collections.deque(range(n)))

add("dict_int_keys", lambda: {i: -i for i in range(70)})
add("dict_mixed_keys", lambda: {1: 1, "1": 2, (1, "x"): 3, None: 4, 1.5: 5, b"b": 6, (): 7}, small=True)
add("records", lambda: [{"id": i, "name": f"n{i}", "tags": ["a", "b"]} for i in range(300)])
add("frozenset_nested", lambda: frozenset([frozenset([1]), frozenset(), (1, frozenset([2]))]), small=True)


# Memo edges

add("memo_300", lambda: (parts := [[] for _ in range(300)], list(parts)))
add("memo_70000", lambda: (parts := [[] for _ in range(70000)], parts[250:260], parts[65530:65545]))
add("memo_strings_300", lambda: (parts := [f"s{i}" for i in range(300)], parts[::-1]))


@named
def strs_repeated():
    """Runs of strs that have been met, of all kinds, over batches and frames; here and there another object."""
    words = [f"{mark}{n}" * (1 + n % 40) for n in range(80) for mark in ("a", "\xe9", "\u20ac", "")]
    items = [words[n * n % (10 + n // 60)] for n in range(18000)]
    items[2000:2003] = ["".join(["a", "0"]), b"a", words[319]]
    items[7000:7001] = [words, None, words]
    return items


# Frames


@named
def frame_many_small():
    return [f"string number {i:06d}" for i in range(9000)]


@named
def frame_large_inside():
    return [b"a" * 100, b"b" * 70000, "c" * 70000, b"d", bytearray(70000), "e" * 65536, [b"f" * 65535]]


@named
def frame_first_large():
    return b"x" * 200000


for _filler in range(65536 - 24, 65536 + 6):
    add(f"frame_edge_{_filler}", lambda n=_filler: ["x" * 1000] * 3 + [b"y" * (n - 1019), "after", 1, 2.0])
add("frame_exact_run", lambda: [b"z" * n for n in range(60000, 65540, 701)])


# Nesting and sharing


def nest(depth, wrap):
    item = None
    for _ in range(depth):
        item = wrap(item)
    return item


add("nested_lists", lambda: nest(90, lambda x: [x]))
add("nested_tuples", lambda: nest(90, lambda x: (x,)))
add("nested_dicts", lambda: nest(90, lambda x: {"a": x}))
add("nested_frozensets", lambda: nest(60, lambda x: frozenset([x])))
add("nested_instances", lambda: nest(60, lambda x: shapes.Record(1, "r", [], x)))
add("nested_reduced", lambda: nest(40, shapes.Reduced))
add("nested_mixed", lambda: nest(25, lambda x: [{"k": (shapes.Frozen(1, x),)}]))
add("shared_tuple", lambda: [t := (1, [2]), t, (t, t)], small=True)
add("shared_empty", lambda: [[], (), {}, set(), [()], ((),)], small=True)
add("shared_in_tuple4", lambda: (x := [1], x, (x, 2, 3, x), (x, 2, 3, 4, 5)), small=True)
add("shared_open_tuple", lambda: [t := (x := [], {"k": x}, x), t, x])


@named(small=True)
def recursive_list():
    item = []
    item.append(item)
    return item


@named(small=True)
def recursive_dict():
    item = {}
    item[1] = item
    return item


@named(small=True)
def recursive_tuple():
    inner = []
    item = (inner, 1)
    inner.append(item)
    return item


@named(small=True)
def recursive_tuple_seen_from_list():
    inner = []
    inner.append((inner, 1, 2, 3))
    return inner


@named
def recursive_tuples_all_sizes():
    result = []
    for size in range(1, 6):
        inner = []
        item = (inner,) * size
        inner.append(item)
        result += [item, item]
    return result


@named
def recursive_tuple_through_open_tuples():
    inner = {"strings": ["s", "t"]}
    item = ((inner, [inner["strings"]]), "u")
    inner["back"] = item
    return (item, inner)


@named(small=True)
def recursive_instance():
    item = shapes.Plain()
    item.self = item
    return item


@named(small=True)
def recursive_set():
    member = shapes.Tagged(1)
    member.owner = {member}
    return member.owner


@named(small=True)
def recursive_frozenset():
    member = shapes.Tagged(1)
    member.owner = frozenset([member])
    return member.owner


@named
def recursive_frozenset_from_member():
    member = shapes.Tagged(1)
    member.owner = frozenset([member, (member, frozenset([2]))])
    return member


@named
def recursive_reduce():
    inner = []
    inner.append(shapes.Reduced(inner))
    return inner[0]


@named
def recursive_reduce_state():
    item = shapes.ReducedState([1])
    item.link = (item, [item])
    return item


@named
def recursive_subclasses():
    result = []
    for cls in (shapes.ListSub, shapes.DictSub, shapes.SetSub, shapes.FrozenSetSub, shapes.TupleSub):
        item = cls()
        item.link = [item]
        result.append(item)
    return result


@named
def recursive_list_subclass():
    item = shapes.ListSub()
    item.link = item
    return [item, item]


@named
def recursive_default_dict():
    item = collections.defaultdict(list)
    item["self"] = item
    return item


@named
def recursive_deque():
    item = collections.deque()
    item.append(item)
    return item


# Instances


def attributes(item, **values):
    for name, value in values.items():
        setattr(item, name, value)
    return item


def instances():
    """One factory for each shape that every protocol takes."""
    s = shapes
    return {
        "plain_empty": s.Plain,
        "plain": lambda: attributes(s.Plain(), a=1, b=[2], c="x"),
        "plain_many": lambda: attributes(s.Plain(), **{f"a{i}": i for i in range(40)}),
        "plain_not_identifier": lambda: attributes(s.Plain(), **{"not an identifier": 1, "": 2}),
        "record": lambda: s.Record(1, "one", [1, 2]),
        "frozen": lambda: s.Frozen(1, (2,)),
        "slotted_state": lambda: s.SlottedState(1, "x"),
        "with_state": lambda: s.WithState([1]),
        "dict_state": lambda: s.DictState(7),
        "false_state": s.FalseState,
        "reduced": lambda: s.Reduced(1, [2]),
        "reduced_empty": s.Reduced,
        "reduced_state": lambda: s.ReducedState(3),
        "reduced_setter": lambda: s.ReducedSetter([1]),
        "by_name": lambda: s.THE_NAMED,
        "new_args": lambda: s.NewArgs([1]),
        "registered": lambda: s.Registered("r"),
        "list_sub": lambda: attributes(s.ListSub([1, 2]), extra=[3]),
        "dict_sub": lambda: attributes(s.DictSub(a=1), extra=2),
        "set_sub": lambda: attributes(s.SetSub([1]), extra=2),
        "frozenset_sub": lambda: attributes(s.FrozenSetSub([1]), extra=2),
        "tuple_sub": lambda: attributes(s.TupleSub([1, 2]), extra=3),
        "str_sub": lambda: attributes(s.StrSub("text"), extra=3),
        "bytes_sub": lambda: attributes(s.BytesSub(b"bytes"), extra=3),
        "bytearray_sub": lambda: attributes(s.ByteArraySub(b"bytes"), extra=3),
        "int_sub": lambda: attributes(s.IntSub(5), extra=3),
        "float_sub": lambda: attributes(s.FloatSub(0.5), extra=3),
        "complex_sub": lambda: attributes(s.ComplexSub(0.5, 1), extra=3),
        "named_tuple": lambda: s.Point(1, [2]),
        "enum_member": lambda: [s.Color.RED, s.Color.GREEN, s.Color.RED],
        "int_enum_member": lambda: [s.Level.LOW, s.Level.HIGH],
        "flag_member": lambda: s.Mode.READ | s.Mode.WRITE,
        "nested_instance": s.Outer.Inner,
        "innermost_instance": lambda: attributes(s.Outer.Inner.Innermost(), x=1),
        "non_ascii_class": s.Größe,
        "with_getattr": lambda: s.WithGetattr(1),
        "with_property": lambda: s.WithProperty(1),
        "error": lambda: attributes(s.ShapeError("text", 1), extra=2),
        "os_error": lambda: OSError(2, "No such file", "name"),
        "unicode_error": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        "with_meta": s.WithMeta,
        "many_alike": lambda: [attributes(s.Plain(), a=i, b=[i], c=str(i)) for i in range(500)],
        "many_records": lambda: [s.Record(i, f"r{i}") for i in range(500)],
        "reduced_items": lambda: attributes(s.ReducedItems(), list=[1, 2, 3], dict={"a": 1}),
        "reduced_items_batches": lambda: attributes(s.ReducedItems(), list=list(range(2001)), dict={}),
        "reduced_dict_batches": lambda: attributes(
            s.ReducedItems(), list=[], dict=dict.fromkeys(range(2001))
        ),
        "one_item": lambda: attributes(s.ReducedItems(), list=[1], dict={"a": 1}),
    }


MANY = ("plain_many", "many_alike", "many_records", "reduced_items_batches", "reduced_dict_batches")
for _name, _make in instances().items():
    add(_name, _make, small=_name not in MANY)

# From protocol 2 on (slots), or with bytes that depend on the protocol.
add("slotted", lambda: attributes(shapes.Slotted(), left=1, right=[2]), small=True)
add("slotted_empty", shapes.Slotted)
add("slotted_and_dict", lambda: attributes(shapes.SlottedAndDict(), left=1, other=3), small=True)
add("slotted_record", lambda: shapes.SlottedRecord(1, "p"), small=True)
add("slotted_list", lambda: attributes(shapes.SlottedListSub([1]), extra=2), small=True)
add("new_args_ex", lambda: shapes.NewArgsEx([1], key="k"), small=True)


# Globals

GLOBALS = {
    "builtin_function": len,
    "builtin_method": "".join,
    "builtin_class_method": bytes.fromhex,
    "builtin_type": int,
    "python2_range": range,
    "python2_zip": zip,
    "python2_reduce": functools.reduce,
    "python2_filterfalse": itertools.filterfalse,
    "renamed_exception": FileNotFoundError,
    "renamed_oserror": OSError,
    "renamed_import_error": ModuleNotFoundError,
    "function": shapes.function,
    "class": shapes.Plain,
    "class_with_meta": shapes.WithMeta,
    "metaclass": shapes.Meta,
    "class_nested": shapes.Outer.Inner,
    "class_innermost": shapes.Outer.Inner.Innermost,
    "class_non_ascii": shapes.Größe,
    "function_nested": shapes.Outer.Inner.method,
    "function_static": shapes.Outer.Inner.static,
    "method_bound_to_class": shapes.Outer.Inner.create,
    "type_type": type,
    "object_type": object,
    "module_function_c": operator.itemgetter,
    "method_descriptor": str.join,
    "slot_wrapper": int.__add__,
}
for _name, _value in GLOBALS.items():
    add(f"global_{_name}", lambda value=_value: value, small=True)
add("globals_repeated", lambda: [shapes.Plain, shapes.Outer.Inner, shapes.Plain, len, len], small=True)


# The standard library


def library():
    dt = datetime
    zone = dt.timezone(dt.timedelta(hours=-3, minutes=-30), "here")
    return {
        "datetime": lambda: dt.datetime(2024, 2, 29, 1, 2, 3, 4),
        "datetime_fold": lambda: dt.datetime(2024, 2, 29, 1, 2, 3, 4, fold=1),
        "datetime_utc": lambda: dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc),
        "datetime_zone": lambda: [dt.datetime(9999, 12, 31, tzinfo=zone)] * 2,
        "date": lambda: dt.date(2024, 2, 29),
        "dates": lambda: [dt.date(2024, 1, d) for d in range(1, 29)],
        "time": lambda: dt.time(23, 59, 59, 999999),
        "time_fold": lambda: dt.time(1, fold=1),
        "time_utc": lambda: dt.time(1, tzinfo=zone),
        "timedelta": lambda: dt.timedelta(-1, 2, 3),
        "timezone": lambda: zone,
        "decimal": lambda: [decimal.Decimal(v) for v in ("1.50", "NaN", "-Infinity", "1E+999")],
        "fraction": lambda: fractions.Fraction(-3, 7),
        "uuid": lambda: uuid.UUID(int=0x12345678123456781234567812345678),
        "ordered_dict": lambda: collections.OrderedDict(b=1, a=2),
        "default_dict": lambda: collections.defaultdict(list, a=[1]),
        "counter": lambda: collections.Counter("hello"),
        "deque": lambda: collections.deque([1, 2, 3], 5),
        "chain_map": lambda: collections.ChainMap({"a": 1}, {"b": 2}),
        "range": lambda: [range(0), range(1, 10, 3), range(2**70)],
        "slice": lambda: slice(1, None, [2]),
        "partial": lambda: functools.partial(int, base=16),
        "itemgetter": lambda: operator.itemgetter(1, "a"),
        "namespace": lambda: types.SimpleNamespace(a=1, b=[2]),
        "array": lambda: [array.array("i", [1, -1]), array.array("d", [0.5])],
        "path": lambda: pathlib.PurePosixPath("/a/b.c"),
        "pattern": lambda: re.compile("a+", re.IGNORECASE),
        "iterators": lambda: [iter([1, 2]), iter((3,)), iter("s")],
        "struct_sequence": lambda: time.struct_time(range(9)),
        "generic_alias": lambda: [list[int], dict[str, list[int]], int | None],
        "bound_method": lambda: shapes.THE_NAMED.__reduce__,
        "object": object,
    }


for _name, _make in library().items():
    add(f"library_{_name}", _make, small=True)

# Protocol 5 alone
add("buffer_read_only", lambda: PickleBuffer(b"read only"), small=True)
add("buffer_writable", lambda: PickleBuffer(bytearray(b"writable")), small=True)
add("buffer_empty", lambda: [PickleBuffer(b""), PickleBuffer(bytearray())], small=True)
add("buffer_large", lambda: [PickleBuffer(b"l" * 70000), PickleBuffer(bytearray(65536)), 1])
add("buffer_shared", lambda: [b := PickleBuffer(bytearray(b"shared")), b])

# What no protocol takes
add("refused_lambda", lambda: [1, lambda: None])
add("refused_generator", lambda: {"g": (i for i in ())})
add("refused_module", lambda: (sys,))
add("refused_lock", lambda: [threading.Lock()])
add("refused_local_class", lambda: [type("Local", (), {})()])
