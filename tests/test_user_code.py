"""What user code does while dumps is at work: files, hooks, profilers, collectors, finalizers and metaclasses.

Compared with the running C pickle where that survives; elsewhere the result is right, or it is an error.
"""

import collections
import contextlib
import datetime
import gc
import io
import pickle
import subprocess
import sys
import types

import pytest

import cypickle
import shapes
from corpus import CORPUS
from cypickle import _emitter
from oracle import Table, both, outcome
from test_leaks import assert_stable, frozen  # noqa: F401

SCENARIOS = Table()
scenario = SCENARIOS.scenario


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Refusing:
    def write(self, data):
        raise OSError("no room")


def slotted():
    made = shapes.Slotted()
    made.left, made.right = "l" * 20, [1, "r"]
    return made


WRITTEN = {
    "slotted": slotted,
    "plain": lambda: Plain(left="l" * 20, right=[1, "r"]),
    "record": lambda: shapes.Record(1, "name"),
    "point": lambda: shapes.Point("x" * 10, 2),
    "date": lambda: datetime.date(2020, 1, 2),
    "dict": lambda: {"left": "l" * 20, "right": (1, "r")},
}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("number", range(2, 6))
def test_write_may_fail_anywhere_in_an_object(name, number):
    """The first write comes at the edge of a frame, or when the buffer is full: both lie within the sweep."""

    def dump(implementation, seen, padding):
        item = WRITTEN[name]()
        implementation.Pickler(Refusing(), number).dump([b"x" * padding, item, item, "z" * 70_000])

    for _ in range(3):  # by the reducer, then by the plan
        cypickle.dumps(WRITTEN[name](), number)
    results = [both(dump, padding) for padding in range(65_536 - 180, 65_536 + 20)]  # run all: none may crash
    assert {actual.message for _, actual in results} == {"no room"}
    for expected, actual in results:
        assert actual == expected


RECURSION = """
import copyreg, io
import cypickle

class Reduced:
    pass

for reducer in (cypickle.dumps, lambda obj: cypickle.Pickler(io.BytesIO()).dump(obj)):
    copyreg.pickle(Reduced, reducer)
    try:
        cypickle.dumps([Reduced()])
    except RecursionError:
        print("refused", flush=True)
print(cypickle.dumps(None, 0))
"""


def test_endless_recursion_by_a_reducer_is_refused():
    run = subprocess.run([sys.executable, "-c", RECURSION], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == ["refused"] * 2 + ["b'N.'"]


def loaded_after(on_call, obj, protocol):
    """What loads gives back of the dump of obj, whose calls of Python functions start with on_call(); or None."""
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, arg: on_call() if event == "call" else None)
    try:
        dumped = cypickle.dumps(obj, protocol)
    except RuntimeError as error:
        assert str(error) == "list changed size during iteration"  # noqa: PT017
        return None
    finally:
        sys.setprofile(before)
    return pickle.loads(dumped)


LEAVES = {
    "bytes": (lambda: b"A" * 5000, 2),
    "bytearray": (lambda: bytearray(b"A" * 5000), 4),
    "set": (lambda: {b"A" * 5000}, 2),
    "complex": (lambda: complex(2, 3), 4),
}


@pytest.mark.parametrize("name", LEAVES)
def test_a_profiler_may_drop_what_is_reduced_in_python(name):
    make, protocol = LEAVES[name]
    for _ in range(5):
        data = [make() for _ in range(3)]
        assert loaded_after(data.clear, data, protocol) in (None, [make()], [make()] * 3)


@pytest.mark.parametrize("depth", range(20, 70))
def test_a_profiler_may_drop_what_is_at_the_limit_of_nesting(depth):
    """The nesting policy is asked, in Python, before the level that reaches the limit is opened."""
    inner = data = [[bytearray(3), 1, 2]]
    for _ in range(depth):
        data = [data]
    loaded = loaded_after(inner.clear, data, 4)
    for _ in range(depth if loaded else 0):
        (loaded,) = loaded
    assert loaded in (None, [], [[bytearray(3), 1, 2]])


class EqualHash:
    """A key for a dispatch table that shares the hash of a class, and is asked whether it equals that."""

    def __init__(self, cls, on_equal):
        self.cls, self.on_equal = cls, on_equal

    def __hash__(self):
        return hash(self.cls)

    def __eq__(self, other):
        self.on_equal()
        return False


@scenario
def dispatch_table_compares(implementation, seen, protocol):
    for _ in range(3):
        implementation.dumps([Plain(), Plain()], protocol)
    data = [Plain(x=1), Plain(x=2), Plain(x=3)]
    file = io.BytesIO()
    pickler = implementation.Pickler(file, protocol)
    pickler.dispatch_table = {EqualHash(Plain, lambda: (seen.append("asked"), data.clear())): None}
    pickler.dump(data)
    return file.getvalue()


@scenario
def metaclass_gets_a_hash(implementation, seen, protocol):
    def hash_of(cls):
        data.clear()
        return type.__hash__(cls)

    meta = type("Meta", (type,), {})
    cls = globals()["Hashing"] = meta("Hashing", (), {"__module__": __name__})
    for _ in range(3):
        implementation.dumps([cls(), cls()], protocol)
    data = [cls(), cls(), cls()]
    for made in data:
        made.x = 1
    del made
    meta.__hash__ = hash_of
    return implementation.dumps(data, protocol)


class Wraps:
    def __init__(self, text):
        self.text = text

    def __reduce__(self):
        return bytes, (pickle.PickleBuffer(self.text),)


@pytest.mark.parametrize("size", [3, 300, 100_000])
@pytest.mark.parametrize("length", [1, 2])
def test_the_buffer_callback_may_drop_the_buffer(size, length):
    """What takes its address afterwards is no reference to it."""

    def run(implementation, seen):
        dropped = [pickle.PickleBuffer(b"a" * size), 1][:length]
        data = [dropped, Wraps(b"b" * size), Wraps(b"c" * size)]
        return implementation.dumps(data, 5, buffer_callback=lambda buffer: dropped.clear() or True)

    expected, actual = both(run)
    assert actual == expected
    assert actual.error or pickle.loads(actual.value) == [[b"a" * size], b"b" * size, b"c" * size]


class Assigns:
    """Assigns a memo when it dies."""

    def __init__(self, pickler, memo):
        self.pickler, self.new = pickler, memo

    def __del__(self):
        self.pickler.memo = self.new


@pytest.mark.parametrize("change", ["assign", "proxy", "clear_memo", "clear"])
def test_finalizers_of_the_old_memo_may_assign_another(change):
    objects = [[i] for i in range(3000)]
    new = {id(obj): (i + 5, obj) for i, obj in enumerate(objects)}
    file = io.BytesIO()
    pickler, other = cypickle.Pickler(file, 4), cypickle.Pickler(io.BytesIO(), 4)
    other.dump(objects[7])
    pickler.memo = {1: (0, Assigns(pickler, new))}
    if change in ("assign", "proxy"):
        pickler.memo = {1: (7, objects[5])} if change == "assign" else other.memo
    else:
        pickler.clear_memo() if change == "clear_memo" else pickler.memo.clear()
    assert pickler.memo.copy() == new  # the last to assign wins
    pickler.dump((objects[5], objects[2999]))
    assert file.getvalue().endswith(b"h\x0aj\xbc\x0b\x00\x00\x86\x94.")


CALLS = {
    "configure": (print, 4, True, None),
    "get_hook": (),
    "set_hook": (print, False),
    "seal": (),
}


@pytest.mark.parametrize("name", CALLS)
def test_internal_functions_refuse_none(name):
    with pytest.raises(TypeError):
        getattr(_emitter, name)(None, *CALLS[name])


@contextlib.contextmanager
def collecting(on_start, after):
    """A collection, which calls on_start, comes when so many more containers have been made."""
    threshold = gc.get_threshold()

    def callback(phase, info):
        if phase == "start":
            on_start()

    gc.collect()
    gc.set_threshold(gc.get_count()[0] + after, 1000, 1000)
    gc.callbacks.append(callback)
    try:
        yield
    finally:
        gc.callbacks.remove(callback)
        gc.set_threshold(*threshold)


CLEARED = {
    "big_int_keys": lambda: {(1 << 100) + i: bytearray(b"x" * 1000) for i in range(20)},
    "str_keys": lambda: {f"k{i}": bytearray(b"x" * 1000) for i in range(20)},
    "wide_str_keys": lambda: {f"é\n{i}": [i] for i in range(20)},
    "values": lambda: {i / 3: (i, [i], {1 << 100 + i}) for i in range(20)},
    "set": lambda: {(1 << 100) + i for i in range(20)},
    "list": lambda: [[(1 << 100) + i, bytes([i])] for i in range(20)],
    "instances": lambda: [shapes.Record((1 << 100) + i, "name") for i in range(20)],
}


@pytest.mark.parametrize("name", CLEARED)
def test_the_collector_may_clear_a_container(name, protocol):
    whole = CLEARED[name]()
    for after in range(1, 60):
        data = CLEARED[name]()
        with collecting(data.clear, after):
            result = outcome(cypickle.dumps, data, protocol)
        if result.error is None:
            loaded = pickle.loads(result.value)
            assert loaded in (whole, type(whole)()) or loaded == whole[: len(loaded)]
        else:
            assert (result.error, "changed size" in result.message) == (RuntimeError, True)


def test_the_collector_may_drop_a_function_that_is_not_found():
    for after in range(1, 80):
        data = [Plain(x=1) for _ in range(30)]
        data.append(types.FunctionType(outcome.__code__, {}, "nowhere"))
        with collecting(data.clear, after):
            result = outcome(cypickle.dumps, data, 4)
        assert result.error in (None, AttributeError, pickle.PicklingError)


def test_the_collector_may_clear_the_memo_that_is_copied():
    for after in (1, 20, 300, 500, 3000):
        pickler = cypickle.Pickler(io.BytesIO(), 4)
        pickler.dump([[i] for i in range(2000)])
        with collecting(pickler.clear_memo, after):
            items = pickler.memo.copy()
        assert all(key == id(obj) for key, (_, obj) in items.items())
        assert [index for index, _ in items.values()] == list(range(len(items)))
        assert [obj for _, obj in items.values()][1:] == [[i] for i in range(len(items) - 1)]


Pair = collections.namedtuple("Pair", "a b")


class Liar(tuple):
    """Says of its items what is not so."""

    def __getitem__(self, index):
        return None

    def __len__(self):
        return 77


class Returns:
    def __init__(self, reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def __newobj__(cls, *args):
    return cls.__new__(cls, *args)


@scenario
def reducers_return_tuples_of_other_classes(implementation, seen, protocol):
    for kind in (lambda items: Pair(*items), Liar, shapes.TupleSub):
        for args in [(b"x", "ascii"), (Returns, 1), (Plain, 1), (1, 2)]:
            for function in (str, __newobj__):
                for reduced in ((function, kind(args)), kind((function, args))):
                    seen.append(outcome(implementation.dumps, [Returns(reduced)], protocol))


@pytest.mark.parametrize("cls", [collections.OrderedDict, shapes.DictSub, collections.Counter])
def test_an_instance_of_a_subclass_of_dict_may_be_the_memo(cls, protocol):
    def run(implementation, seen):
        shared = [1]
        file = io.BytesIO()
        pickler = implementation.Pickler(file, protocol)
        pickler.memo = cls({id(shared): (3, shared)})
        pickler.dump([shared])
        return file.getvalue(), sorted(index for index, _ in pickler.memo.copy().values())

    expected, actual = both(run)
    assert actual == expected
    assert actual.error is None


@scenario
def getstate_assigns_the_class(implementation, seen, protocol):
    class Before(Plain):
        armed = False

        def __getstate__(self):
            if self.armed:
                self.__class__ = Plain
            return {"a": 1}

    Before.__qualname__ = "Before"
    globals()["Before"] = Before
    for _ in range(4):
        seen.append(implementation.dumps(Before(), protocol))
    Before.armed = True
    return implementation.dumps(Before(), protocol)


def test_getstate_that_assigns_the_class_is_refused():
    for protocol in range(2, 6):
        result = outcome(getstate_assigns_the_class, cypickle, [], protocol)
        assert result.error is pickle.PicklingError


@pytest.mark.parametrize("memo", [{}, {1: (300, "one")}])
def test_assigning_the_memo_leaves_nothing(memo):
    pickler = cypickle.Pickler(io.BytesIO())

    def run():
        pickler.memo = memo
        pickler.memo = {}
        pickler.memo = pickler.memo

    assert_stable(run)


@pytest.mark.parametrize("index", [0, 255, 256, 2**31, 2**32 - 1, 2**32, 2**40, 2**62])
def test_an_assigned_index_is_written_or_refused(index, protocol):
    def run(implementation, seen, binary):
        shared = [1]
        file = io.BytesIO()
        pickler = implementation.Pickler(file, protocol)
        pickler.memo = {id(shared): (index, shared)}
        pickler.bin = binary
        pickler.dump([shared])
        return file.getvalue()

    for binary in (0, 1):
        expected, actual = both(run, binary)
        assert actual == expected
        assert actual.error is (pickle.PicklingError if index >= 2**32 and binary else None)


@pytest.mark.parametrize("binary", [0, 1, 2])
def test_bin_may_differ_from_the_protocol(binary, protocol):
    """Each object of the corpus, then all together that can be written."""

    def run(implementation, seen, obj):
        file = io.BytesIO()
        pickler = implementation.Pickler(file, protocol)
        pickler.bin = binary
        pickler.dump(obj)
        return file.getvalue()

    written = []
    for name, make in CORPUS.items():
        item = make()
        expected, actual = both(run, item)
        assert actual == expected, name
        if actual.error is None:
            written.append(item)
    expected, actual = both(run, [written, {"again": written[::-1]}])
    assert actual == expected


@pytest.mark.parametrize("name", SCENARIOS)
def test_behaves_as_the_stdlib(name):
    expected, actual = both(SCENARIOS[name])
    assert actual == expected
