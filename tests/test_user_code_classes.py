"""Classes, functions and dictionaries that user code changes in ways which the class's version does not tell; and what
the collector sees of a load. Compared with the running C pickle."""

import codecs
import collections
import copyreg
import dataclasses
import gc
import io
import pickle
import sys

import pytest

import cypickle
from oracle import both

HERE = __name__.encode()


def glob(cls):
    return b"c" + HERE + b"\n" + cls.__name__.encode() + b"\n"


def text(value):
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


class Meta(type):
    pass


class Made(metaclass=Meta):
    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return Made, (self.value,)


class Setting(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, ("set", value))


class OwnDict:
    """Its __dict__ is of a class that stores in a way of its own."""

    def __new__(cls):
        self = super().__new__(cls)
        self.__dict__ = Setting()
        return self

    def __reduce_ex__(self, protocol):
        return copyreg.__newobj__, (type(self),), {"aa": 1, "bb": 2}


class FilledDict(OwnDict):
    def __new__(cls):
        self = super().__new__(cls)
        self.__dict__["z"] = 0
        return self


@dataclasses.dataclass(frozen=True, slots=True)
class Fields:
    first: object
    second: object


class Pair(collections.namedtuple("Pair", "first second")):
    __slots__ = ()


class Slot:
    __slots__ = ("name",)


class Counted:
    alive = 0

    def __init__(self):
        Counted.alive += 1

    def __del__(self):
        Counted.alive -= 1


class Plain:
    pass


class Changing:
    """Changes the instance that it knows when it dies, or is compared."""

    def __del__(self):
        if hasattr(self, "ref"):
            self.ref.xx = "changed"

    def __hash__(self):
        return hash("kkk")

    def __eq__(self, other):
        if hasattr(self, "ref"):
            self.ref.xx = "compared"
        return self is other


def test_a_metaclass_that_gets_a_call_method(monkeypatch, protocol):
    data = pickle.dumps([Made(i) for i in range(3)], protocol)
    cypickle.loads(data)
    monkeypatch.setattr(Meta, "__call__", lambda cls, *args: ("called", args), raising=False)
    expected = pickle.loads(data)
    assert cypickle.loads(data) == expected == [("called", (i,)) for i in range(3)]


@pytest.mark.parametrize("cls", [OwnDict, FilledDict])
def test_a_dictionary_that_stores_in_its_own_way(cls, protocol):
    data = pickle.dumps([cls() for _ in range(3)], protocol)

    def run(implementation, seen):
        for items in (implementation.loads(data), implementation.Unpickler(io.BytesIO(data)).load()):
            seen.extend(dict(vars(item)) for item in items)

    expected, actual = both(run)
    assert actual == expected
    assert ("set", 1) in expected.seen[0].values()
    assert len(expected.seen) == 6


def test_fields_in_another_order(protocol):
    items = [Fields(1, 2), Fields(3, 4)]
    data = pickle.dumps(items, protocol)
    cypickle.loads(data)
    assert cypickle.dumps(items, protocol) == data
    fields = Fields.__dataclass_fields__
    try:
        fields["first"] = fields.pop("first")
        assert cypickle.loads(data) == pickle.loads(data)
        assert cypickle.dumps(items, protocol) == pickle.dumps(items, protocol)
        assert cypickle.loads(data) == [Fields(2, 1), Fields(4, 3)]
    finally:
        fields["second"] = fields.pop("second")


def test_code_that_comes_to_lie_where_the_old_one_was():
    data = pickle.dumps([Pair(1, 2)] * 2, 4)
    function = Pair.__new__
    original = function.__code__
    try:
        for _ in range(50):
            function.__code__ = (lambda _cls, x, y: _tuple_new(_cls, (x, y))).__code__  # noqa: F821 - its globals have that
            assert cypickle.loads(data) == [(1, 2)] * 2
            function.__code__ = (lambda _cls, x, y: _tuple_new(_cls, (y, x))).__code__  # noqa: F821
            assert cypickle.loads(data) == pickle.loads(data) == [(2, 1)] * 2
    finally:
        function.__code__ = original


def test_a_slot_that_is_set_twice_drops_its_first_value():
    value = glob(Counted) + b")R"
    name = b"\x8c\x04name\x94"
    data = b"\x80\x04" + glob(Slot) + b")\x81\x94N}\x94(" + (name + value) * 2 + b"u\x86\x94b."
    for _ in range(5):
        loaded = cypickle.loads(data)
        assert (type(loaded), Counted.alive) == (Slot, 1)
        del loaded
        assert Counted.alive == 0


HEAD = b"\x80\x04" + glob(Plain) + b"q\x0a" + glob(Changing) + b"q\x0b00"
INSTANCE = b"h\x0a)\x81q\x00}q\x01(" + text("xx") + b"K\x01ub"
DYING = b"h\x0b)\x81}(" + text("ref") + b"h\x00" + text("p") + b"h\x00ub"
KEY = text("k")
COMPARED = (
    HEAD
    + b"h\x0b)\x81q\x02}q\x05(h\x02K\x07u\x8fq\x06(h\x02\x90"
    + INSTANCE
    + b"h\x02}("
    + text("ref")
    + b"h\x00ub"
)
UNSETTLED = {
    "setitem_twice": HEAD + INSTANCE + b"}" + KEY + DYING + b"s" + KEY + b"Ns",
    "setitems": HEAD + INSTANCE + b"}(" + KEY + DYING + KEY + b"Nu",
    "memoised": HEAD + INSTANCE + b"}\x94(" + KEY + DYING + KEY + b"Nu",
    "dict": HEAD + INSTANCE + b"(" + KEY + DYING + KEY + b"Nd",
    "attribute": HEAD + INSTANCE + b"h\x0a)\x81}(" + KEY + DYING + KEY + b"Nub",
    "second_state": HEAD + INSTANCE + b"h\x0a)\x81}(" + KEY + DYING + b"ub}(" + KEY + b"Nub",
    "key_setitem": COMPARED + b"h\x05" + text("kkk") + b"K\x08s",
    "key_setitems": COMPARED + b"h\x05(" + text("kkk") + b"K\x08u",
    "key_additems": COMPARED + b"h\x06(" + text("kkk") + b"\x90",
}


@pytest.mark.parametrize("name", UNSETTLED)
def test_a_state_is_as_it_was_before_user_code_ran(name):
    def run(implementation, seen):
        instance, state = implementation.loads(UNSETTLED[name] + b"h\x00h\x01\x86.")
        return vars(instance), state, vars(instance) is state

    for _ in range(3):  # before and after the classes are known
        expected, actual = both(run)
        assert actual == expected
        assert expected.value[0]["xx"] in ("changed", "compared")


def test_a_state_is_as_it_was_before_the_file_was_read():
    """Whose method may find the instance and change it."""
    data = HEAD + INSTANCE + b"B" + (300_000).to_bytes(4, "little") + b"x" * 300_000 + b"h\x00h\x01\x87."

    class Raw(io.RawIOBase):
        def __init__(self):
            self.file = io.BytesIO(data)

        def readable(self):
            return True

        def readinto(self, view):
            for item in gc.get_objects():
                if type(item) is Plain and hasattr(item, "xx"):
                    item.xx = "changed"
            return self.file.readinto(view)

    def run(implementation, seen):
        _, instance, state = implementation.load(io.BufferedReader(Raw()))
        return vars(instance), state

    expected, actual = both(run)
    assert actual == expected
    assert expected.value == ({"xx": "changed"}, {"xx": 1})


def mark_instances():
    """What user code may do to those that it finds."""
    for item in gc.get_objects():
        if type(item) is Plain and hasattr(item, "xx"):
            item.xx = "changed"


def test_a_state_is_as_it_was_before_a_codec_ran():
    """bytearray is written in C, and asks a codec that is not."""

    def encode(text, errors="strict"):
        mark_instances()
        return text.encode("latin-1"), len(text)

    def search(name):
        return codecs.CodecInfo(encode, None, name=name) if name == "changing" else None

    def run(implementation, seen):
        instance, made, state = implementation.loads(data)
        return vars(instance), made, state

    call = b"h\x05(" + text("abc") + text("changing") + b"tR"
    data = HEAD + b"cbuiltins\nbytearray\nq\x050" + INSTANCE + call + b"h\x01\x87."
    codecs.register(search)
    try:
        expected, actual = both(run)
    finally:
        codecs.unregister(search)
    assert actual == expected
    assert expected.value == ({"xx": "changed"}, bytearray(b"abc"), {"xx": 1})


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_state_is_as_it_was_before_the_collector_ran(kind, on_collections, tmp_path):
    """As it may whenever a file that runs no user code itself is read."""
    path = tmp_path / "data"
    frame = HEAD[2:] + INSTANCE
    data = b"\x80\x05\x95" + len(frame).to_bytes(8, "little") + frame
    data += b"\x96" + (300_000).to_bytes(8, "little") + b"z" * 300_000
    rest = b"h\x00h\x01\x87."
    data += b"\x95" + len(rest).to_bytes(8, "little") + rest
    path.write_bytes(data)

    def run(implementation, seen):
        with io.BytesIO(data) if kind == "memory" else path.open("rb") as file:
            gc.collect()
            gc.set_threshold(1, 1, 1)
            try:
                _instance, _, state = implementation.load(file)
            finally:
                gc.set_threshold(0)
        seen.append(state)

    on_collections(mark_instances)
    expected, actual = both(run)
    assert actual.seen == expected.seen == ({"xx": 1},)


class Finding:
    def __hash__(self):
        return hash("kkk")

    def __eq__(self, other):
        mark_instances()
        return self is other


def swap_key(container):
    """One plain key less, one that is compared more."""
    if isinstance(container, set):
        container.remove(7)
        container.add(Finding())
    else:
        del container[7]
        container[Finding()] = 1


@pytest.mark.parametrize("kind", ["dict", "set"])
def test_a_plain_key_that_is_swapped_between_two_batches(kind):
    pair = b"N" if kind == "dict" else b""
    store = b"u" if kind == "dict" else b"\x90"
    body = b"".join(b"J" + i.to_bytes(4, "little") + pair for i in range(1000))
    data = HEAD + (b"}q\x05(" if kind == "dict" else b"\x8fq\x05(") + body + store
    swap = glob(swap_key) + b"h\x05\x85R0"
    data += swap + INSTANCE + b"h\x05(" + text("kkk") + pair + text("lll") + pair + store + b"0h\x01\x86."

    def run(implementation, seen):
        instance, state = implementation.loads(data)
        return vars(instance), state

    expected, actual = both(run)
    assert actual == expected
    assert expected.value == ({"xx": "changed"}, {"xx": 1})


@pytest.mark.parametrize("count", [999, 1000, 1001, 2500])
@pytest.mark.parametrize("kind", ["dict", "set"])
def test_many_plain_keys_then_one_that_is_compared(kind, count):
    """Batches of plain keys need not be settled for; one of a class of the user's does, wherever it comes."""
    body = b"".join(b"J" + i.to_bytes(4, "little") + (b"N" if kind == "dict" else b"") for i in range(count))
    store = b"u" if kind == "dict" else b"\x90"
    again = text("kkk") + (b"K\x08" if kind == "dict" else b"")
    first = b"}q\x05(" if kind == "dict" else b"\x8fq\x05("
    for position in ("before", "between"):
        key = b"h\x05(h\x02" + (b"K\x07" if kind == "dict" else b"") + store
        data = HEAD + b"h\x0b)\x81q\x02" + first + body + store + (key if position == "before" else b"")
        data += INSTANCE + b"h\x02}(" + text("ref") + b"h\x00ub" + (key if position == "between" else b"")
        data += b"h\x05(" + again + store + b"h\x00h\x01\x87."

        def run(implementation, seen, data=data):
            many, instance, state = implementation.loads(data)
            return len(many), dict(vars(instance)), state

        expected, actual = both(run)
        assert actual == expected
        assert expected.value == (count + 2, {"xx": "compared"}, {"xx": 1})


@pytest.mark.parametrize("arguments", [("text", 5), ("key",), (1, 2, 3, 4), (1.5,)])
@pytest.mark.parametrize("cls", [ValueError, KeyError])
def test_an_exception_keeps_its_arguments(cls, arguments, protocol):
    errors = [cls(*arguments) for _ in range(4)]
    data = pickle.dumps([errors, [error.args for error in errors]], protocol)

    def run(implementation, seen):
        loaded, args = implementation.loads(data)
        return [error.args is one for error, one in zip(loaded, args, strict=True)]

    expected, actual = both(run)
    assert actual == expected


# ---- the collector


class Watched:
    """Notes what the collector does when it is loaded."""

    seen = []  # noqa: RUF012
    then = None

    def __setstate__(self, state):
        self.seen.append(gc.isenabled())
        if self.then:
            self.then()


@pytest.fixture
def collector():
    """As it was before, afterwards."""
    was = gc.isenabled()
    Watched.seen.clear()
    yield
    Watched.then = None
    (gc.enable if was else gc.disable)()


WAYS = {
    "loads": cypickle.loads,
    "load": lambda data: cypickle.load(io.BytesIO(data)),
    "unpickler": lambda data: cypickle.Unpickler(io.BytesIO(data)).load(),
}


def watched_data():
    items = [Watched() for _ in range(3)]
    for item in items:
        item.x = 1
    return pickle.dumps([[{"a": [1]}, item, (item, 1)] for item in items], 4)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("enabled", [True, False])
def test_user_code_finds_the_collector_as_the_caller_left_it(way, enabled, collector):
    (gc.enable if enabled else gc.disable)()
    WAYS[way](watched_data())
    assert Watched.seen == [enabled] * 3
    assert gc.isenabled() is enabled


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("enabled", [True, False])
def test_user_code_may_turn_the_collector_on_and_off(way, enabled, collector):
    (gc.enable if enabled else gc.disable)()
    Watched.then = staticmethod(gc.disable if enabled else gc.enable)
    WAYS[way](watched_data())
    assert Watched.seen == [enabled, not enabled, not enabled]
    assert gc.isenabled() is not enabled


def noting(*args):
    Watched.seen.append(gc.isenabled())
    return args


class Called:
    def __init__(self, *args):
        self.args = args

    def __reduce__(self):
        return noting, self.args


@pytest.mark.parametrize("way", WAYS)
def test_what_is_called_finds_the_collector_as_the_caller_left_it(way, collector, protocol):
    gc.enable()
    items = [Called(*range(count)) for count in range(6)]
    WAYS[way](pickle.dumps([items, {"a": Called([1])}], protocol))
    assert Watched.seen == [True] * 7


@pytest.mark.parametrize("way", WAYS)
def test_the_collector_is_on_again_after_an_error(way, collector):
    gc.enable()
    for data in (b"\x80\x04](]]", b"\x80\x04](K\x01K\x02h\x05e.", watched_data()[:-1]):
        with pytest.raises((EOFError, pickle.UnpicklingError)):
            WAYS[way](data)
        assert gc.isenabled()


def test_a_file_finds_the_collector_as_the_caller_left_it(collector):
    gc.enable()
    seen = []

    class File(io.BytesIO):
        def readinto(self, view):
            seen.append(gc.isenabled())
            return super().readinto(view)

        def read(self, size=-1):
            seen.append(gc.isenabled())
            return super().read(size)

        def readline(self, size=-1):
            seen.append(gc.isenabled())
            return super().readline(size)

    for protocol in (0, 2, 5):
        cypickle.load(File(pickle.dumps([[i, "x" * i, b"y" * 300_000] for i in range(3)], protocol)))
    assert len(seen) > 3
    assert all(seen)


class Machinery:
    """Changes the class of what is loaded whenever the collector starts."""

    def __init__(self, change):
        self.change = change

    def __call__(self, phase, info):
        if phase == "start":
            self.change()


@pytest.fixture
def on_collections():
    hooks = []

    def start(change):
        hooks.append(Machinery(change))
        gc.callbacks.append(hooks[-1])
        gc.set_threshold(1)

    threshold = gc.get_threshold()
    gc.collect()
    gc.freeze()
    yield start
    gc.set_threshold(*threshold)
    for hook in hooks:
        gc.callbacks.remove(hook)


def test_a_class_that_changes_while_it_is_looked_over(on_collections):
    """Which may run the collector: nothing that was found before holds."""
    data = pickle.dumps([collections.Counter("abca"), Pair(1, 2), Fields(1, 2)], 4)
    counter_init, setstate = collections.Counter.__init__, Fields.__setstate__

    def change():
        collections.Counter.__init__ = lambda self, *args: counter_init(self, *args)
        Pair.__new__ = staticmethod(lambda cls, *args: tuple.__new__(cls, args))
        Fields.__setstate__ = lambda self, state: setstate(self, state)

    new = Pair.__new__
    try:
        on_collections(change)
        for _ in range(30):
            change()
            assert cypickle.loads(data) == [{"a": 2, "b": 1, "c": 1}, (1, 2), Fields(1, 2)]
    finally:
        gc.set_threshold(0)
        collections.Counter.__init__ = counter_init
        Fields.__setstate__ = setstate
        Pair.__new__ = staticmethod(new)


def test_no_object_of_the_loads_own_is_seen_by_others():
    """Among what the collector tracks, when a load has just ended."""
    data = pickle.dumps([{"of its own": [i], "b": i} for i in range(300)])
    loaded = cypickle.loads(data)
    gc.collect()
    known = {id(item) for item in loaded}
    assert not [
        item
        for item in gc.get_objects()
        if type(item) is dict and "of its own" in item and id(item) not in known
    ]
    assert sys.getrefcount(loaded[0]) == sys.getrefcount(loaded[299])
