"""What user code does while dumps is at work: files, hooks, profilers, collectors, finalizers and metaclasses.

Compared with the running C pickle where that survives; elsewhere the result is right, or it is an error.
"""

import collections
import datetime
import io
import pickle
import subprocess
import sys

import pytest

import cypickle
import shapes
from cypickle import _emitter
from oracle import Table, both, outcome

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
    for (
        expected,
        actual,
    ) in results:  # not the notes: which part was under way depends on where the frame ended
        assert (actual.error, actual.message) == (expected.error, expected.message)


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


@scenario
def getstate_assigns_the_class(implementation, seen, protocol):
    armed = []  # not an attribute of the class: the plan would expire

    class Before(Plain):
        def __getstate__(self):
            if armed:
                self.__class__ = Plain
            return {"a": 1}

    Before.__qualname__ = "Before"
    globals()["Before"] = Before
    for _ in range(4):
        seen.append(implementation.dumps(Before(), protocol))
    armed.append(True)
    return implementation.dumps(Before(), protocol)


def test_getstate_that_assigns_the_class_is_refused():
    for protocol in range(2, 6):
        result = outcome(getstate_assigns_the_class, cypickle, [], protocol)
        assert result.error is pickle.PicklingError


@pytest.mark.parametrize("name", SCENARIOS)
def test_behaves_as_the_stdlib(name):
    expected, actual = both(SCENARIOS[name])
    assert actual == expected
