"""Where it failed: notes on the errors of dumps, as 3.14 words them, and of loads, which no pickle has had."""

import io
import pickle
import pickletools
import threading

import pytest

import cypickle
from implementations import PROTOCOLS, OneByOne
from oracle import HAS_PATH_NOTES

HERE = __name__


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("first", "second")


class Listed(list):
    pass


class Keyed(dict):
    pass


class BadReduce:
    def __reduce__(self):
        return 5


class BadGetState:
    def __getstate__(self):
        raise ZeroDivisionError("state")


class Reduced:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def slotted(**values):
    made = Slotted()
    for name, value in values.items():
        setattr(made, name, value)
    return made


LOCK = threading.Lock()
DUMPS = {
    "list": (lambda: [1, [2, LOCK]], ["list item 1", "list item 1"]),
    "tuple": (lambda: (LOCK,), ["tuple item 0"]),
    "long_tuple": (lambda: (1, 2, 3, 4, LOCK), ["tuple item 4"]),
    "dict": (lambda: {"a": {5: LOCK}}, ["dict item 5", "dict item 'a'"]),
    "many": (lambda: {"a": [*range(2500), LOCK]}, ["list item 2500", "dict item 'a'"]),
    "set": (lambda: {LOCK}, ["set element"]),
    "instance": (
        lambda: [Plain(a=1, b=[LOCK])],
        ["list item 0", "dict item 'b'", f"{HERE}.Plain state", f"{HERE}.Plain object", "list item 0"],
    ),
    "slots": (
        lambda: slotted(first=1, second=LOCK),
        ["dict item 'second'", "tuple item 1", f"{HERE}.Slotted state", f"{HERE}.Slotted object"],
    ),
    "list_items": (
        lambda: Listed([1, LOCK]),
        [f"{HERE}.Listed item 1", f"{HERE}.Listed object"],
    ),
    "dict_items": (
        lambda: Keyed(a=1, b=LOCK),
        [f"{HERE}.Keyed item 'b'", f"{HERE}.Keyed object"],
    ),
    "reduce_arguments": (
        lambda: Reduced(Plain, (LOCK,)),
        ["tuple item 0", f"{HERE}.Reduced reconstructor arguments", f"{HERE}.Reduced object"],
    ),
    "reduce_function": (
        lambda: Reduced(lambda: None, ()),
        [f"{HERE}.Reduced reconstructor", f"{HERE}.Reduced object"],
    ),
    "reduce_state": (
        lambda: [Reduced(Plain, (), [LOCK])],
        ["list item 0", f"{HERE}.Reduced state", f"{HERE}.Reduced object", "list item 0"],
    ),
    "malformed": (lambda: {"k": BadReduce()}, [f"{HERE}.BadReduce object", "dict item 'k'"]),
    "hook": (lambda: ({"k": BadGetState()},), ["dict item 'k'", "tuple item 0"]),
    "root": (lambda: LOCK, []),
}


def notes_of(function, *args):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        function(*args)
    return list(getattr(caught.value, "__notes__", []))


@pytest.mark.parametrize("name", DUMPS)
def test_dumps_says_where(name):
    make, parts = DUMPS[name]
    expected = [f"when serializing {part}" for part in parts]
    assert notes_of(cypickle.dumps, make(), 4) == expected
    assert notes_of(cypickle.Pickler(io.BytesIO(), 4).dump, make()) == expected
    if HAS_PATH_NOTES:
        assert notes_of(pickle.dumps, make(), 4) == expected


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_dumps_says_where_by_every_protocol(protocol):
    notes = notes_of(cypickle.dumps, ["a", {"k": (1, BadGetState())}], protocol)
    assert notes == [f"when serializing {part}" for part in ("tuple item 1", "dict item 'k'", "list item 1")]


# ---- loads -----------------------------------------------------------------------------------------


class Refuses:
    """Cannot be loaded: its state is refused."""

    def __getstate__(self):
        return {"kept": 1}

    def __setstate__(self, state):
        raise ValueError("this state is refused")


class SlotsRefuses:
    """The same for what goes into a slot."""

    __slots__ = ("owner",)

    def __setattr__(self, name, value):
        raise ValueError("this slot is refused")


def refuse(*args):
    raise ZeroDivisionError("refused")


class Calls:
    def __init__(self, *args):
        self.args = args

    def __reduce__(self):
        return refuse, self.args


class Unready:
    """Cannot be called."""

    def __init__(self, *args):
        if args != ("while dumping",):
            raise OSError("not ready")

    def __reduce__(self):
        return Unready, (1, "two")


class New:
    def __new__(cls, *args):
        if args != ("while dumping",):
            raise OSError("not now")
        return object.__new__(cls)

    def __getnewargs__(self):
        return (1, 2)


class Extends(list):
    def extend(self, items):
        raise ArithmeticError("full")

    append = extend


class Unhashable:
    def __hash__(self):
        raise TypeError("no hash")


class Hashed:
    __hash__ = object.__hash__

    def __reduce__(self):
        return Unhashable, ()


class SetsItems(dict):
    def __setitem__(self, key, value):
        raise ArithmeticError("read only")


class Missing:
    pass


def extends():
    made = Extends()
    list.extend(made, [1, 2])
    return made


def sets_items():
    made = SetsItems()
    dict.__setitem__(made, "a", 1)
    dict.__setitem__(made, "b", 2)
    return made


def slots_refuse():
    made = SlotsRefuses()
    SlotsRefuses.owner.__set__(made, 5)
    return made


STATE = f"while setting the state of {HERE}.Refuses"
CALL = f"while calling {HERE}.refuse"
# name -> (object whose pickle cannot be loaded, what it was doing, where, opcode, which one of that name)
LOADS = {
    "root": (lambda: Refuses(), STATE, [], "BUILD", 0),
    "list": (lambda: [1, 2, Refuses()], STATE, ["item 2 of a list"], "BUILD", 0),
    "batch": (lambda: [*range(1500), Refuses()], STATE, ["item 1500 of a list"], "BUILD", 0),
    "tuple": (
        lambda: [[], (0, Refuses())],
        STATE,
        ["item 1 of a tuple", "item 1 of a list"],
        "BUILD",
        0,
    ),
    "dict": (
        lambda: {"before": 1, "owner": {7: Refuses()}},
        STATE,
        ["item 7 of a dict", "item 'owner' of a dict"],
        "BUILD",
        0,
    ),
    "key": (
        lambda: {"a": 1, frozenset([Refuses()]): 2},
        STATE,
        ["an element of a frozenset", "a key of a dict"],
        "BUILD",
        0,
    ),
    "set": (lambda: [{Refuses()}], STATE, ["an element of a set", "item 0 of a list"], "BUILD", 0),
    "attribute": (
        lambda: [Plain(a=1, owner=Refuses())],
        STATE,
        ["item 'owner' of a dict", f"the state of {HERE}.Plain", "item 0 of a list"],
        "BUILD",
        0,
    ),
    "slot": (
        lambda: [slotted(first=1, second=(Refuses(),))],
        STATE,
        [
            "item 0 of a tuple",
            "item 'second' of a dict",
            "item 1 of a tuple",
            f"the state of {HERE}.Slotted",
            "item 0 of a list",
        ],
        "BUILD",
        0,
    ),
    "own_slot": (
        lambda: [slots_refuse()],
        f"while setting the state of {HERE}.SlotsRefuses",
        ["item 0 of a list"],
        "BUILD",
        0,
    ),
    "call": (lambda: [1, Calls(1, "a")], CALL, ["item 1 of a list"], "REDUCE", 0),
    "call_of_nothing": (lambda: [1, Calls()], CALL, ["item 1 of a list"], "REDUCE", 0),
    "long_call": (lambda: {"k": Calls(1, 2, 3, 4, 5)}, CALL, ["item 'k' of a dict"], "REDUCE", 0),
    "second_call": (
        lambda: [Reduced(Plain, ()), Calls(1)],
        CALL,
        ["item 1 of a list"],
        "REDUCE",
        1,
    ),
    "argument": (
        lambda: [Calls(5, Refuses())],
        STATE,
        [f"argument 1 of {HERE}.refuse", "item 0 of a list"],
        "BUILD",
        0,
    ),
    "initialiser": (
        lambda: (Unready("while dumping"),),
        f"while calling {HERE}.Unready",
        ["item 0 of a tuple"],
        "REDUCE",
        0,
    ),
    "new": (
        lambda: [New("while dumping")],
        f"while creating {HERE}.New",
        ["item 0 of a list"],
        "NEWOBJ",
        0,
    ),
    "extend": (
        lambda: {"k": [extends()]},
        f"while appending to {HERE}.Extends",
        ["item 0 of a list", "item 'k' of a dict"],
        "APPENDS",
        0,
    ),
    "set_items": (
        lambda: [sets_items()],
        f"while setting items of {HERE}.SetsItems",
        ["item 0 of a list"],
        "SETITEMS",
        0,
    ),
    "add": (lambda: [{Hashed(), 1}], "while adding to a set", ["item 0 of a list"], "ADDITEMS", 0),
    "subclass": (
        lambda: Listed([1, Refuses()]),
        STATE,
        [f"item 1 of {HERE}.Listed"],
        "BUILD",
        0,
    ),
    "state_of_subclass": (
        lambda: [Reduced(Plain, (), {"a": [Refuses()]})],
        STATE,
        ["item 0 of a list", "item 'a' of a dict", f"the state of {HERE}.Plain", "item 0 of a list"],
        "BUILD",
        0,
    ),
}


WAYS = {
    "bytes": cypickle.loads,
    "bytearray": lambda data: cypickle.loads(bytearray(data)),
    "bytes_io": lambda data: cypickle.load(io.BytesIO(data)),
    "buffered": lambda data: cypickle.load(io.BufferedReader(io.BytesIO(data), 16)),
    "one_by_one": lambda data: cypickle.load(OneByOne(data)),
    "unpickler": lambda data: cypickle.Unpickler(io.BytesIO(data)).load(),
}


def place_of(data, name, which):
    """Offset of an opcode, counted from 0 among those of its name."""
    return [pos for opcode, _, pos in pickletools.genops(data) if opcode.name == name][which]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", LOADS)
def test_loads_says_where(name, protocol):
    make, action, path, opcode, which = LOADS[name]
    data = cypickle.dumps(make(), protocol)
    if opcode not in {found.name for found, _, _ in pickletools.genops(data)}:
        pytest.skip("this protocol writes it by other opcodes")
    if name in ("key", "set", "add") and protocol < 4:
        pytest.skip("a set is a call there")
    first = f"{action}, at byte {place_of(data, opcode, which)} ({opcode})"
    whole = [first, *(f"in {part}" for part in path)]
    for way, load in WAYS.items():
        notes = notes_of(load, data)
        if way.startswith("byte") and way != "bytes_io":
            assert notes == whole, way
        else:  # what follows in the file is not looked at: the path ends where that would be needed
            assert notes[0] == first, way
    if protocol >= 4:  # the frame is in memory
        assert notes_of(cypickle.load, io.BytesIO(data)) == whole


@pytest.mark.parametrize("protocol", [0, 1])
def test_loads_says_where_by_old_protocols(protocol):
    data = cypickle.dumps({"k": [1, Refuses()]}, protocol)
    for load in WAYS.values():
        notes = notes_of(load, data)
        assert notes[0] == f"{STATE}, at byte {place_of(data, 'BUILD', 0)} (BUILD)"
    assert notes_of(cypickle.loads, data)[1:] == ["in item 1 of a list", "in item 'k' of a dict"]


BROKEN = {
    "nothing": (b"", ["at byte 0 (end of the data)"]),
    "ends": (b"]K\x01", ["at byte 3 (end of the data)"]),
    "cut_short": (b"](K\x01X\x05\x00\x00\x00abc", ["at byte 4 (BINUNICODE)", "in a list"]),
    "no_opcode": (b"}(X\x01\x00\x00\x00a\xff.", ["at byte 8 (no opcode: 0xff)", "in a dict"]),
    "protocol": (b"\x80\x09.", ["at byte 0 (PROTO)"]),
    "frame": (b"\x80\x04\x95\x08\x00\x00\x00\x00\x00\x00\x00N.", ["at byte 2 (FRAME)"]),
    "no_mark": (b"]K\x01e.", ["at byte 3 (APPENDS)"]),
    "underflow": (b"N\x86.", ["at byte 1 (TUPLE2)"]),
    "memo": (b"Nh\x05.", ["at byte 1 (BINGET)"]),
    "text": (b"(I5\nIx\nt.", ["at byte 4 (INT)", "in item 1 of a tuple"]),
    "utf8": (b"]X\x01\x00\x00\x00\xffa.", ["at byte 1 (BINUNICODE)", "in item 0 of a list"]),
    "utf8_in_a_run": (
        b"\x80\x04](K\x01K\x02\x8c\x02\xff\xffK\x03K\x04K\x05e.",
        ["at byte 8 (SHORT_BINUNICODE)", "in item 2 of a list"],
    ),
    "odd": (b"}(Nu.", ["while setting items of a dict, at byte 3 (SETITEMS)"]),
    "unhashable": (b"]}(]Nue.", ["while setting items of a dict, at byte 5 (SETITEMS)"]),
    "buffers": (b"\x80\x05\x97.", ["at byte 2 (NEXT_BUFFER)"]),
    "persistent": (
        b"]K\x01Qa.",
        ["while resolving a persistent id, at byte 3 (BINPERSID)", "in item 0 of a list"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_pickles_say_where(name):
    data, expected = BROKEN[name]
    assert notes_of(cypickle.loads, data) == expected
    for way, load in WAYS.items():
        assert notes_of(load, data)[0] == expected[0], way


def test_a_missing_class_is_named():
    for protocol in PROTOCOLS:
        data = cypickle.dumps([1, Missing], protocol).replace(b"Missing", b"Mislaid")
        opcode = "STACK_GLOBAL" if protocol >= 4 else "GLOBAL"
        notes = notes_of(cypickle.loads, data)
        assert notes == [
            f"while finding {HERE}.Mislaid, at byte {place_of(data, opcode, 0)} ({opcode})",
            "in item 1 of a list",
        ]


def test_offsets_count_from_where_the_load_began():
    first, second = pickle.dumps([1] * 50, 4), pickle.dumps([2, Refuses()], 4)
    for make in (io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data)), OneByOne):
        unpickler = cypickle.Unpickler(make(first + second))
        unpickler.load()
        assert notes_of(unpickler.load)[0] == f"{STATE}, at byte {place_of(second, 'BUILD', 0)} (BUILD)"


def test_large_values_and_several_frames():
    items = [b"x" * 200_000, "y" * 200_000, [str(i) * 10 for i in range(20_000)], {"k": Refuses()}]
    data = pickle.dumps(items, 4)
    for load in WAYS.values():
        notes = notes_of(load, data)
        assert notes[0] == f"{STATE}, at byte {place_of(data, 'BUILD', 0)} (BUILD)"


def test_a_failing_load_inside_another():
    """Each adds its own notes, the inner one first."""

    class Unpickler(cypickle.Unpickler):
        def persistent_load(self, pid):
            return cypickle.loads(b"](K\x01\xff")

    with pytest.raises(pickle.UnpicklingError) as caught:
        Unpickler(io.BytesIO(b"}K\x05K\x07Qs.")).load()
    assert caught.value.__notes__ == [
        "at byte 4 (no opcode: 0xff)",
        "in a list",
        "while resolving a persistent id, at byte 5 (BINPERSID)",
    ]


def test_keys_are_asked_nothing():
    """Naming a key runs no code of its class, and large ones are cut."""
    for key, text in (
        ("k" * 500, f"{'k' * 100!r}..."),
        (10**5000, "of a large int key"),
        (Plain, "of a key of type type"),
        (None, "None"),
    ):
        assert f"in item {text} of a dict" in notes_of(cypickle.loads, pickle.dumps({key: Refuses()}, 4))


def test_errors_that_take_no_notes():
    """An exception that refuses notes comes through as it is."""

    class Unpickler(cypickle.Unpickler):
        def find_class(self, module, name):
            error = KeyError(name)
            error.__notes__ = 5
            raise error

    with pytest.raises(KeyError) as caught:
        Unpickler(io.BytesIO(b"cmodule\nname\n.")).load()
    assert caught.value.__notes__ == 5


def test_deep_and_long_paths_are_cut():
    depth = 1000
    data = b"]" * depth + b"\xff" + b"a" * depth + b"."
    notes = notes_of(cypickle.loads, data.replace(b"\xff", b"X\x01\x00\x00\x00\xff"))
    assert notes[0] == f"at byte {depth} (BINUNICODE)"
    assert notes[1:] == ["in item 0 of a list"] * 100
