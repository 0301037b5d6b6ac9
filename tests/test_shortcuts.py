"""What loads() leaves out is there when somebody asks for it, and user code sees no difference."""

import ast
import collections
import dataclasses
import datetime
import decimal
import fractions
import gc
import io
import pickle
import pickletools
import typing
import uuid

import pytest

import cypickle
from isomorphism import assert_isomorphic
from oracle import outcome
from test_leaks import assert_stable

UTC = datetime.timezone.utc  # noqa: UP017


@dataclasses.dataclass
class Record:
    ident: int
    name: str
    tags: list


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenRecord:
    ident: int
    name: str
    tags: list


class Slots:
    __slots__ = ("ident", "__private", "name")  # noqa: RUF023

    def __init__(self, ident=0, name="", private=None):
        self.ident = ident
        self.name = name
        if private is not None:
            self.__private = private


class SlotsBelow(Slots):
    __slots__ = ("more",)


class Checked:
    """Its setattr() is not object's."""

    __slots__ = ("ident", "name")

    def __setattr__(self, name, value):
        object.__setattr__(self, name, ("checked", value))


class Overridden(Slots):
    """One of the slots is hidden behind a property."""

    __slots__ = ()

    @property
    def ident(self):
        return 5

    @ident.setter
    def ident(self, value):
        self.name = ("by property", value)


class Borrowed:
    """Has a slot descriptor that belongs to another class."""

    __slots__ = ("name",)
    ident = Slots.ident


class Point(typing.NamedTuple):
    x: int
    y: float
    label: str


class Wide(typing.NamedTuple):
    a: int
    b: int
    c: list
    d: str
    e: int = 5


class Below(collections.namedtuple("Below", "x y")):
    """With a __dict__, and the __new__ of its base."""


class OwnNew(collections.namedtuple("OwnNew", "x y")):
    __slots__ = ()

    def __new__(cls, x, y):
        return tuple.__new__(cls, (y, x))


class Initialised:
    def __init__(self, ident, name="none"):
        self.ident = ident
        self.name = name

    def __reduce__(self):
        return type(self), (self.ident, self.name)


class Returning:
    """__init__() must return None."""

    def __init__(self, ident):
        object.__setattr__(self, "ident", ident)

    def __reduce__(self):
        return Returning, (1,)


class OwnSetState:
    def __init__(self, ident):
        self.ident = ident

    def __getstate__(self):
        return (self.ident, "x")

    def __setstate__(self, state):
        self.ident, self.seen = state[0], len(vars(self))


class OwnUUID(uuid.UUID):
    __slots__ = ("extra",)


def look(*args):
    """User code: everything that was left out has to be built before it runs."""
    return len(args)


class Looking:
    def __reduce__(self):
        return look, (1, "two")


def node():
    return ast.parse("def f(a, b=1):\n    return a + b[0]\n")


OBJECTS = {
    "records": lambda: [Record(i, f"name {i}", [i, "tag"]) for i in range(4)],
    "frozen": lambda: [FrozenRecord(i, f"name {i}", [i]) for i in range(4)],
    "slots": lambda: [
        *(Slots(i, f"name {i}", [i]) for i in range(3)),
        Slots(9, "no private one"),
        Slots(1, "", 2),
    ],
    "slots_below": lambda: [SlotsBelow(i, f"name {i}") for i in range(3)],
    "points": lambda: [Point(i, i / 7, f"label {i}") for i in range(3)],
    "wide": lambda: [Wide(i, 2, [i], "d") for i in range(3)],
    "below": lambda: [Below(i, f"y {i}") for i in range(3)],
    "own_new": lambda: [OwnNew(i, f"y {i}") for i in range(3)],
    "datetimes": lambda: [datetime.datetime(2000 + i, 2, 3, 4, 5, 6, 789) for i in range(3)],
    "aware": lambda: [
        datetime.datetime(2000 + i, 2, 3, 4, 5, 6, 789, tzinfo=UTC, fold=i % 2) for i in range(3)
    ],
    "dates": lambda: [datetime.date(2000 + i, 2, 29 - i) for i in range(3)],
    "times": lambda: [
        *(datetime.time(4, 5, 6, i, fold=i % 2) for i in range(3)),
        datetime.time(1, tzinfo=UTC),
    ],
    "timedeltas": lambda: [*(datetime.timedelta(-i, 5, 6) for i in range(3)), datetime.timedelta.max],
    "complex": lambda: [complex(i, 0.5) for i in range(3)],
    "ranges": lambda: [
        range(3),
        range(9, 1, -2),
        range(5, 5),
        range(2**70),
        range(-(2**63), 2**63 - 1, 2**62),
    ],
    "slices": lambda: [slice(1, 2, 3), slice(None), slice("a", [1], None)],
    "decimals": lambda: [decimal.Decimal(i) / 3 for i in range(3)],
    "fractions": lambda: [*(fractions.Fraction(-i, 7) for i in range(3)), fractions.Fraction(2**80, 3)],
    "uuids": lambda: [*(uuid.UUID(int=i << 100) for i in range(3)), OwnUUID(int=7)],
    "safe_uuid": lambda: [uuid.UUID(int=1, is_safe=uuid.SafeUUID.safe)],
    "initialised": lambda: [Initialised(i, f"name {i}") for i in range(3)],
    "own_setstate": lambda: [OwnSetState(i) for i in range(3)],
    "dicts": lambda: [{"id": i, "name": f"name {i}", "tags": [i]} for i in range(40)],
    "nested_dicts": lambda: [{"a": {"b": {"c": i}}, "d": {}, "e": {1: 2, "x": ()}} for i in range(40)],
    "counters": lambda: [
        *(collections.Counter(f"words {i}") for i in range(3)),
        collections.Counter({(1,): 2}),
    ],
    "ordered": lambda: [collections.OrderedDict(a=1, b=i) for i in range(3)],
    "defaults": lambda: [collections.defaultdict(list, a=[i]) for i in range(3)],
    "deques": lambda: [collections.deque([i, "x"], 5) for i in range(3)],
    "tree": node,
    "texts": lambda: ["", "é", "éa", "Ж и", "日本語", "a😀", "\ud800x", "x" * 40, "ascii"],
    "with_code": lambda: [(Record(i, "a", []), Slots(i, "b"), Looking()) for i in range(40)],
    "mixed": lambda: [
        Record(1, "a", [Point(1, 2.0, "p"), Slots(1, "s")]),
        {"r": FrozenRecord(2, "f", [range(5)])},
    ],
    "short_tuples": lambda: [(i, (f"text {i}", (i / 7,), ()), (i, i + 1, [i])) for i in range(3)],
}


def asking_for_all(data):
    """The same pickle as a tuple: its value, and then everything that is in the memo."""
    count = sum(
        opcode.name in ("MEMOIZE", "BINPUT", "LONG_BINPUT") for opcode, _, _ in pickletools.genops(data)
    )
    gets = b"".join(b"j" + index.to_bytes(4, "little") for index in range(count))
    return data[:2] + b"(" + data[2:-1] + gets + b"t."


def unframed(obj, protocol):
    """pickle.dumps() without frames: only the pure Python version can be told so."""
    file = io.BytesIO()
    pickler = pickle._Pickler(file, protocol)
    pickler.framer.start_framing = lambda: None
    pickler.dump(obj)
    return file.getvalue()


def by_loads(module, data):
    return module.loads(data)


def by_bytearray(module, data):
    return module.loads(bytearray(data))


def by_file(module, data):
    return module.load(io.BytesIO(data))


def by_unpickler(module, data):
    return module.Unpickler(io.BytesIO(data)).load()


WAYS = [by_loads, by_bytearray, by_file, by_unpickler]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", OBJECTS)
def test_everything_in_the_memo_is_real(name, protocol, way):
    data = asking_for_all(unframed(OBJECTS[name](), protocol))
    assert_isomorphic(way(pickle, data), way(cypickle, data))


HASHABLE = ["points", "below", "datetimes", "aware", "dates", "times", "timedeltas", "complex"]


@pytest.mark.parametrize("name", HASHABLE)
def test_what_keeps_its_hash_has_not_got_one_yet(name):
    objects = OBJECTS[name]()
    loaded = cypickle.loads(pickle.dumps(objects))
    assert [hash(obj) for obj in loaded] == [hash(obj) for obj in objects]
    assert set(loaded) == set(objects)


@pytest.mark.parametrize("name", OBJECTS)
def test_the_memo_of_an_unpickler_is_real(name):
    data = pickle.dumps(OBJECTS[name]())
    memos = []
    for module in (pickle, cypickle):
        unpickler = module.Unpickler(io.BytesIO(data))
        unpickler.load()
        memos.append(unpickler.memo.copy())
    assert_isomorphic(*memos)


@pytest.mark.parametrize("name", OBJECTS)
def test_nothing_leaks(name):
    data = asking_for_all(unframed(OBJECTS[name](), 4))
    short = data[: len(data) * 2 // 3]

    def run():
        cypickle.loads(data)
        outcome(cypickle.loads, short)
        outcome(cypickle.load, io.BytesIO(short))

    assert_stable(run)


def glob(cls):
    return f"c{cls.__module__}\n{cls.__qualname__}\n".encode()


def same(data):
    """Both sides agree; the value of ours."""
    ours, theirs = outcome(cypickle.loads, data), outcome(pickle.loads, data)
    assert (ours.error, ours.message) == (theirs.error, theirs.message)
    if ours.error is None:
        assert_isomorphic(theirs.value, ours.value)
    return ours.value


SLOT_STATE = b"N}\x94(\x8c\x05ident\x94K\x01\x8c\x04name\x94K\x02u\x86\x94b"
STREAMS = {
    "checked": b"\x80\x04" + glob(Checked) + b"\x94)\x81\x94" + SLOT_STATE + b".",
    "overridden": b"\x80\x04" + glob(Overridden) + b"\x94)\x81\x94" + SLOT_STATE + b".",
    "borrowed": b"\x80\x04" + glob(Borrowed) + b"\x94)\x81\x94" + SLOT_STATE + b".",
    "twice": b"\x80\x04(" + glob(Slots) + b"\x94)\x81\x94" + SLOT_STATE + SLOT_STATE + b"h\x02h\x05t.",
    "unknown_slot": b"\x80\x04"
    + glob(Slots)
    + b"\x94)\x81\x94N}\x94(\x8c\x05ident\x94K\x01\x8c\x02xx\x94K\x02u\x86\x94b.",
    "same_slot_twice": b"\x80\x04("
    + glob(Slots)
    + b"\x94)\x81\x94N}\x94(\x8c\x04name\x94K\x01\x8c\x04name\x94K\x02u\x86\x94bh\x02h\x05t.",
    "odd_slots": b"\x80\x04" + glob(Slots) + b"\x94)\x81\x94N}\x94(\x8c\x05ident\x94u\x86\x94b.",
    "not_a_name": b"\x80\x04" + glob(Slots) + b"\x94)\x81\x94N}\x94(K\x01K\x02K\x03K\x04u\x86\x94b.",
    "no_build": b"\x80\x04(" + glob(Slots) + b"\x94)\x81\x94N}\x94(\x8c\x05ident\x94K\x01u\x86\x94t.",
    "open_state": b"\x80\x04(" + glob(Slots) + b"\x94)\x81\x94N}\x94(\x8c\x05ident\x94h\x02u\x86\x94bh\x02t.",
    "put_over_state": b"\x80\x04(" + glob(Slots) + b"\x94)\x81\x94" + SLOT_STATE + b"]q\x02h\x05h\x02t.",
    "fields_short": b"\x80\x04" + glob(FrozenRecord) + b"\x94)\x81\x94]\x94(K\x01K\x02eb0N.",
    "fields_long": b"\x80\x04(" + glob(FrozenRecord) + b"\x94)\x81\x94]\x94(K\x01K\x02K\x03K\x04ebh\x02t.",
    "fields_twice": b"\x80\x04("
    + glob(FrozenRecord)
    + b"\x94)\x81\x94]\x94(K\x01K\x02K\x03eb]\x94(K\x04K\x05K\x06ebh\x02h\x03t.",
    "fields_open": b"\x80\x04(" + glob(FrozenRecord) + b"\x94)\x81\x94]\x94(K\x01K\x02h\x02ebh\x02t.",
    "fields_dict": b"\x80\x04" + glob(FrozenRecord) + b"\x94)\x81\x94}\x94(K\x01K\x02K\x03K\x04ub0N.",
    "dict_in_itself": b"\x80\x04}\x94(\x8c\x01a\x94h\x00\x8c\x01b\x94K\x01u.",
    "dict_odd": b"\x80\x04}\x94(\x8c\x01a\x94u.",
    "dict_unhashable": b"\x80\x04}\x94(]\x94K\x01u.",
    "dict_popped": b"\x80\x04(}\x94(\x8c\x01a\x941h\x00t.",
    "dict_twice_same_key": b"\x80\x04}\x94(\x8c\x01a\x94K\x01h\x01K\x02u.",
    "dict_two_batches": b"\x80\x04}\x94(\x8c\x01a\x94K\x01u(\x8c\x01b\x94K\x02u.",
    "point_short": b"\x80\x04" + glob(Point) + b"\x94K\x01K\x02\x86\x94\x81\x94.",
    "point_long": b"\x80\x04" + glob(Point) + b"\x94(K\x01K\x02K\x03K\x04t\x94\x81\x94.",
    "point_default": b"\x80\x04(" + glob(Wide) + b"\x94(K\x01K\x02K\x03K\x04t\x94\x81\x94h\x01t.",
    "point_in_its_arguments": b"\x80\x04("
    + glob(Point)
    + b"\x94K\x01]\x94K\x03\x87\x94\x81\x94h\x01h\x02ah\x02t.",
    "date_bad_month": b"\x80\x04" + glob(datetime.date) + b"\x94C\x04\x07\xd0\x0d\x01\x94\x85\x94R\x94.",
    "date_short": b"\x80\x04" + glob(datetime.date) + b"\x94C\x03\x07\xd0\x01\x94\x85\x94R\x94.",
    "datetime_text": b"\x80\x04" + glob(datetime.datetime) + b"\x94\x8c\x03abc\x94\x85\x94R\x94.",
    "datetime_tz_int": b"\x80\x04(K\x05\x94"
    + glob(datetime.datetime)
    + b"\x94C\x0a\x07\xd0\x01\x01\x01\x01\x01\x01\x01\x01\x94h\x00\x86\x94R\x94t.",
    "datetime_tz_none": b"\x80\x04(N\x94"
    + glob(datetime.datetime)
    + b"\x94h\x01C\x0a\x07\xd0\x01\x01\x01\x01\x01\x01\x01\x01\x94h\x00\x86\x94R\x94t.",
    "timedelta_large": b"\x80\x04" + glob(datetime.timedelta) + b"\x94J\xff\xff\xff\x7fK\x00K\x00\x87\x94R.",
    "timedelta_odd": b"\x80\x04" + glob(datetime.timedelta) + b"\x94K\x01J\x00\x00\x10\x00K\x00\x87\x94R.",
    "range_zero_step": b"\x80\x04" + glob(range) + b"\x94K\x01K\x02K\x00\x87\x94R.",
    "range_float": b"\x80\x04" + glob(range) + b"\x94K\x01G\x00\x00\x00\x00\x00\x00\x00\x00K\x01\x87\x94R.",
    "fraction_not_lowest": b"\x80\x04" + glob(fractions.Fraction) + b"\x94K\x04K\x06\x86\x94R.",
    "fraction_by_zero": b"\x80\x04" + glob(fractions.Fraction) + b"\x94K\x04K\x00\x86\x94R.",
    "fraction_of_bool": b"\x80\x04" + glob(fractions.Fraction) + b"\x94\x88K\x02\x86\x94R.",
    "complex_of_ints": b"\x80\x04" + glob(complex) + b"\x94K\x01K\x02\x86\x94R.",
    "call_of_an_int": b"\x80\x04" + glob(look) + b"\x940K\x01\x94K\x02\x85\x94R.",
    "no_arguments_wanted": b"\x80\x04" + glob(Initialised) + b"\x94h\x00)R.",
    "put_over_text": b"\x80\x04("
    + glob(decimal.Decimal)
    + b"\x94h\x01\x8c\x011\x94\x85\x94R\x94\x8c\x012q\x01h\x02t.",
    "put_over_argument": b"\x80\x04(\x8c\x04abcd\x94"
    + glob(Initialised)
    + b"\x94h\x01h\x00K\x05\x86\x94R\x94\x8c\x01zq\x000h\x02t.",
    "uuid_odd_state": b"\x80\x04" + glob(uuid.UUID) + b"\x94)\x81\x94}\x94\x8c\x04what\x94K\x01sb.",
}


@pytest.mark.parametrize("name", STREAMS)
def test_unusual_streams(name):
    for prefix in (
        b"",
        pickle.dumps([OBJECTS[key]() for key in ("slots", "points", "datetimes")])[:-1] + b"0",
    ):
        same(prefix + STREAMS[name])
        same(prefix + STREAMS[name].replace(b"\x94", b""))


@pytest.mark.parametrize("name", STREAMS)
def test_unusual_streams_cut_short(name):
    for end in range(len(STREAMS[name])):
        same(STREAMS[name][:end])
        same(STREAMS[name][:end] + b".")


def test_init_must_return_none(monkeypatch):
    data = pickle.dumps([Returning(1), Returning(1)])
    cypickle.loads(data)
    monkeypatch.setattr(Returning, "__init__", lambda self, ident: ident)
    assert outcome(cypickle.loads, data).message == "__init__() should return None, not 'int'"
    assert outcome(pickle.loads, data).error is TypeError


def change_new(monkeypatch):
    monkeypatch.setattr(Point, "__new__", lambda cls, *args: tuple.__new__(cls, args[::-1]))


def change_code_of_new(monkeypatch):
    function = vars(Point)["__new__"].__func__
    old = function.__code__
    function.__code__ = (lambda _cls, x, y, label: (_cls, label)).__code__
    return lambda: setattr(function, "__code__", old)


def delete_slot(monkeypatch):
    monkeypatch.delattr(Slots, "name")


def hide_slot(monkeypatch):
    monkeypatch.setattr(Slots, "name", property(lambda self: "hidden", lambda self, value: None))


def set_attributes(monkeypatch):
    monkeypatch.setattr(Slots, "__setattr__", lambda self, name, value: None, raising=False)


def set_state(monkeypatch):
    monkeypatch.setattr(FrozenRecord, "__setstate__", lambda self, state: None)


def add_field(monkeypatch):
    monkeypatch.setitem(FrozenRecord.__dataclass_fields__, "more", Record.__dataclass_fields__["ident"])


def change_init(monkeypatch):
    monkeypatch.setattr(Initialised, "__init__", lambda self, *args: setattr(self, "args", args))


def make_fractions_loud(monkeypatch):
    monkeypatch.setattr(fractions.Fraction, "__new__", lambda cls, *args: ("fraction", args))


@pytest.mark.parametrize(
    "change",
    [
        *(change_new, change_code_of_new, delete_slot, hide_slot, set_attributes, set_state, add_field),
        *(change_init, make_fractions_loud),
    ],
)
@pytest.mark.parametrize("name", ["points", "slots", "frozen", "initialised", "fractions"])
def test_a_class_that_has_changed(name, change, monkeypatch):
    data = pickle.dumps(OBJECTS[name]())
    cypickle.loads(data)
    undo = change(monkeypatch)
    try:
        ours, theirs = outcome(cypickle.loads, data), outcome(pickle.loads, data)
        assert (ours.error, ours.message) == (theirs.error, theirs.message)
        if ours.error is None:
            assert [type(item) for item in ours.value] == [type(item) for item in theirs.value]
            assert list(map(contents, ours.value)) == list(map(contents, theirs.value))
    finally:
        if undo is not None:
            undo()


def contents(item):
    names = ["ident", "name", "tags", "args", "x"]
    return [getattr(item, name, "no such") for name in names], list(item) if isinstance(item, tuple) else None


def finder(module):
    """An Unpickler that finds other things than are asked for."""

    class Finder(module.Unpickler):
        def find_class(self, module_name, name):
            return {"Point": Below, "date": look, "Slots": SlotsBelow, "FrozenRecord": Record}.get(name, look)

    return Finder


@pytest.mark.parametrize("name", ["points", "dates", "slots", "frozen", "ranges", "uuids"])
def test_find_class_decides(name):
    data = pickle.dumps(OBJECTS[name]())
    results = [outcome(finder(module)(io.BytesIO(data)).load) for module in (pickle, cypickle)]
    assert results[0].error == results[1].error
    if results[0].error is None:
        assert_isomorphic(results[0].value, results[1].value)


class Dropping:
    """Its finalizer loads other classes while a slot of another object is filled or a dictionary is made."""

    def __del__(self):
        cypickle.loads(pickle.dumps([Slots(1, "n"), Point(1, 2.0, "x"), {"a": 1, "b": 2}]))
        gc.collect()


def test_finalizers_between():
    state = glob(Dropping) + b")\x81\x8c\x04name\x94K\x02"
    data = b"\x80\x04" + glob(Slots) + b"\x94)\x81\x94N}\x94(\x8c\x04name\x94" + state + b"u\x86\x94b."
    assert same(data).name == 2
    pair = b"}\x94(\x8c\x01a\x94" + glob(Dropping) + b")\x81h\x01K\x02u."
    assert same(b"\x80\x04" + pair) == {"a": 2}


def test_dictionaries_of_one_shape_are_apart():
    loaded = cypickle.loads(pickle.dumps([{"id": i, "name": str(i), "tags": (i, [i])} for i in range(100)]))
    loaded[50]["id"] = "changed"
    del loaded[51]["name"]
    loaded[52]["more"] = 1
    assert loaded[99] == {"id": 99, "name": "99", "tags": (99, [99])}
    assert sorted(loaded[51]) == ["id", "tags"]
    assert list(loaded[52]) == ["id", "name", "tags", "more"]
    cyclic = [{"me": None, "n": i} for i in range(60)]
    for item in cyclic:
        item["me"] = [item]
    loaded = cypickle.loads(pickle.dumps(cyclic))
    assert all(item["me"][0] is item for item in loaded)
    assert all(gc.is_tracked(item) for item in loaded)


class Kept:
    """Keeps the tuple of its arguments."""

    def __init__(self, *values):
        self.values = values

    def __reduce__(self):
        return Kept, self.values


VALUES = {
    "float": lambda: float("1.5"),
    "nan": lambda: float("nan"),
    "int": lambda: int("123456"),
    "large": lambda: int("1" * 30),
    "str": lambda: "".join(["te", "xt"]),
    "bytes": lambda: bytes([65, 66]),
    "tuple": lambda: (int("123456"), "x"),
}


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("value", VALUES)
def test_arguments_are_those_of_the_tuple_in_the_memo(value, count, protocol):
    graph = []
    for _ in range(3):
        item = Kept(*(VALUES[value]() for _ in range(count)))
        graph += [item, item.values]
    data = pickle.dumps(graph, protocol)

    def shared(implementation):
        items = implementation.loads(data)
        return [[a is b for a, b in zip(items[i].values, items[i + 1], strict=True)] for i in (0, 2, 4)]

    assert shared(cypickle) == shared(pickle)


@pytest.mark.parametrize("text", ["dd", "a longer key " * 3])
def test_equal_keys_that_were_apart_stay_apart(text, protocol):
    apart = [{"".join(text): i, "q": [i]} for i in range(3)]
    data = pickle.dumps(apart, protocol)
    for _ in range(3):
        assert (
            pickle.dumps(cypickle.loads(data), protocol) == data == pickle.dumps(pickle.loads(data), protocol)
        )
