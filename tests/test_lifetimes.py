"""User code that drops, changes or reads under way what the core has at hand: the result is right, or an error is."""

import collections
import datetime
import io
import pickle

import pytest

import cypickle
from oracle import outcome


class Writer:
    """A file that calls `on_write` before it keeps what it is given."""

    def __init__(self, on_write):
        self.parts = []
        self.on_write = on_write

    def write(self, data):
        self.on_write()
        self.parts.append(bytes(data))

    @property
    def value(self):
        return b"".join(self.parts)


class SlotBase:
    __slots__ = ("x",)


class Redeclared(SlotBase):
    __slots__ = ("x", "y")


class Lazy:
    __slots__ = ("cache", "child", "late")

    def __init__(self):
        self.cache = "orig"
        self.child = Filler(self)


class Filler:
    """Changes one slot of its owner and fills another when it is reduced."""

    def __init__(self, owner):
        self.owner = owner

    def __reduce__(self):
        self.owner.late = 7
        self.owner.cache = "changed"
        return int, ()


class Pair(collections.namedtuple("Pair", "a b")):
    """A namedtuple with a __dict__."""


class Mover:
    def __init__(self, source, target):
        self.source, self.target = source, target

    def __reduce__(self):
        self.target[0], self.source[0] = self.source[0], None
        return int, ()


class Failing:
    def __reduce__(self):
        raise ValueError("no")


def lazy():
    return Lazy()


def moved_tuple():
    source, target = [None], [None]
    source[0] = (Mover(source, target), 1)
    return [source, target]


def moved_object():
    source, target = [None], [None]
    source[0] = Mover(source, target)
    return [source, target]


def redeclared():
    obj = Redeclared()
    obj.x, obj.y = 1, 2
    return [obj]


def pair_with_state():
    pair = Pair(1, "two")
    pair.more = [3]
    return [pair, pair]


@pytest.mark.parametrize("make", [lazy, moved_tuple, moved_object, redeclared, pair_with_state])
@pytest.mark.parametrize("protocol", range(2, 6))
def test_plans_write_what_the_reducer_would(make, protocol):
    for _ in range(3):  # by the reducer, then by the plan
        assert cypickle.dumps(make(), protocol) == pickle.dumps(make(), protocol)


@pytest.mark.parametrize("make", [lambda: b"x" * 200_000, lambda: "x" * 200_000, lambda: "é" * 200_000])
def test_write_may_drop_a_large_leaf(make, protocol):
    data = [make() for _ in range(3)]
    file = Writer(data.clear)
    result = outcome(cypickle.Pickler(file, protocol).dump, data)
    if result.error is None:
        assert {*cypickle.loads(file.value)} == {make()}
    else:
        assert result.message == "list changed size during iteration"


@pytest.mark.parametrize("make", [lambda: b"x" * 100_000, lambda: "x" * 100_000, lambda: bytearray(100_000)])
@pytest.mark.parametrize("keep", [True, False])
def test_write_may_give_a_large_leaf_another_reference(make, keep):
    def dumped(module):
        data = [make(), None]

        def move():
            if data[1] is None:
                data[1] = data[0]
                data[0] = data[0] if keep else None

        file = Writer(move)
        module.Pickler(file, 5).dump(data)
        return file.value

    assert dumped(cypickle) == dumped(pickle)


def test_write_may_empty_a_dict_at_a_frame_edge():
    for length in range(40, 60):
        data = {f"key{i}": "v" * length + str(i) for i in range(5000)}
        with pytest.raises(RuntimeError, match="changed size"):
            cypickle.Pickler(Writer(data.clear), 5).dump(data)


def test_a_larger_memo_may_follow_a_smaller_one():
    pickler = cypickle.Pickler(io.BytesIO(), 4)
    objects = [[i] for i in range(5000)]
    pickler.memo = {1: (5, objects[0])}
    pickler.memo = {id(obj): (i + 7, obj) for i, obj in enumerate(objects)}
    assert pickler.memo.copy()[id(objects[10])] == (17, objects[10])


def test_the_memo_may_be_read_under_way():
    class Reader(cypickle.Pickler):
        def reducer_override(self, obj):
            sizes.append(len(self.memo.copy()))
            return NotImplemented

    sizes = []
    dates = [datetime.date(2020, 1, day) for day in range(1, 10)]
    cypickle.dumps(dates)
    file = io.BytesIO()
    Reader(file, 5).dump(dates)
    assert sizes == sorted(sizes)
    assert len(sizes) >= len(dates)
    assert file.getvalue() == cypickle.dumps(dates, 5)


class Assigning:
    """Assigns a memo when it dies."""

    def __del__(self):
        PICKLERS[0].memo = {id(obj): (i, obj) for i, obj in enumerate([[i] for i in range(600)])}


class MakesAssigning:
    def __reduce__(self):
        return list, (Assigning(),)


PICKLERS = []


def test_finalizers_may_assign_the_memo():
    pickler = cypickle.Pickler(io.BytesIO(), 4)
    PICKLERS[:] = [pickler]
    for _ in range(5):
        with pytest.raises(ValueError, match="no"):
            pickler.dump([*(MakesAssigning() for _ in range(100)), Failing()])
        assert isinstance(pickler.memo.copy(), dict)
    PICKLERS.clear()


class Attributes:
    pass


class Loads:
    """Loads other classes when it dies, which take the places of the plan at hand."""

    def __del__(self):
        for data in LOADS:
            cypickle.loads(data)


LOADS = []


def test_finalizers_may_load_while_attributes_are_stored():
    def text(value):
        return b"\x8c" + bytes([len(value)]) + value.encode()

    def instance(name, *items):
        head = text(__name__) + text(name) + b"\x93)\x81"
        return head + b"}(" + b"".join(items) + b"ub" if items else head

    names = [f"x{i}" for i in range(20)]
    for i in range(600):
        cls = type("Other", (), {"__module__": __name__, "__qualname__": f"Other{i}"})
        globals()[f"Other{i}"] = cls
        for name in names:
            setattr(cls(), name, 1)
        LOADS.append(b"\x80\x04" + instance(f"Other{i}", text("x0"), b"K\x01", text("aa"), b"K\x01") + b".")
    state = (text("aa"), instance("Loads"), text("aa"), b"K\x02", text("bb"), b"K\x03")
    data = b"\x80\x04" + instance("Attributes", *state) + b"."
    try:
        for _ in range(5):
            assert vars(cypickle.loads(data)) == {"aa": 2, "bb": 3}
    finally:
        LOADS.clear()
        for i in range(600):
            del globals()[f"Other{i}"]
