"""Any allocation may fail, and those of loads run the collector, hence user code: the result is right or an error."""

import copyreg
import dataclasses
import datetime
import gc
import io
import itertools
import pickle
import random
import sys
import typing
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import PurePosixPath
from uuid import UUID

import pytest

import cypickle
from graphs import random_graph
from isomorphism import assert_isomorphic
from processes import FREE_THREADED

try:
    import _testcapi
except ImportError:  # not every build has the test modules
    _testcapi = None
if FREE_THREADED:
    _testcapi = None  # 3.13t itself does not survive it: the stdlib's loads() crashes, too

UTC = datetime.timezone.utc  # noqa: UP017
NAMES = [f"n{i:02}" for i in range(21)]


class Mark:
    """A class whose references are counted."""


class Plain:
    def __init__(self, *values):
        self.__dict__.update(zip("abcdefgh", values, strict=False))


class Slotted:
    __slots__ = NAMES

    def __init__(self, *values):
        for name, value in zip(NAMES, values, strict=False):
            setattr(self, name, value)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    first: object
    second: object
    third: object


class Reduced:
    def __init__(self, *values):
        self.values = values

    def __reduce__(self):
        return Reduced, self.values


class Pair(typing.NamedTuple):
    first: object
    second: object


Tall = namedtuple("Tall", NAMES)

KINDS = {
    "plain": lambda i: Plain(Mark, i, f"q{i}", [Mark]),
    "slotted": lambda i: Slotted(*[Mark] * 20, i),
    "frozen": lambda i: Frozen(Mark, i, (Mark, 1)),
    "reduced": lambda i: Reduced(Mark, i, 1.5),
    "namedtuple": lambda i: Pair(Mark, i),
    "tall_namedtuple": lambda i: Tall(*[Mark] * 20, i),
    "dict": lambda i: {"a": Mark, "b": i, "c": (Mark, 1)},
    "dict_of_one": lambda i: {f"a{i}": Mark},
    "set": lambda i: {Mark, i},
    "fraction": lambda i: Fraction(2 * i + 1, 64),
    "counter": lambda i: Counter({"a": i, f"b{i}": 2}),
    "ordered": lambda i: OrderedDict(a=Mark, b=i),
    "default": lambda i: defaultdict(Mark, a=i),
    "deque": lambda i: deque([Mark, i, "x"]),
    "uuid": lambda i: UUID(int=i << 70 | 1),
    "datetime": lambda i: datetime.datetime(2020, 1, 1, i % 24, tzinfo=UTC),
    "timedelta": datetime.timedelta,
    "decimal": lambda i: Decimal(i) / 7,
    "path": lambda i: PurePosixPath(f"/a/b/{i}"),
    "range": lambda i: range(i, 2**40 + i),
    "slice": lambda i: slice(1, i),
    "complex": lambda i: complex(1, i),
    "mixed": lambda i: random_graph(random.Random(f"allocations {i}"), 20),
}


def list_of(kind, count=20):
    items = [KINDS[kind](i) for i in range(count)]
    return [*items, items[0], Mark]


def make_others():
    """Instances of so many classes that loading them leaves nothing known about any other class."""
    others = []
    for i in range(3000):
        cls = type(f"Other{i}", (), {"__module__": __name__})
        globals()[cls.__name__] = cls
        others.append(cls())
    return pickle.dumps(others, 4)


OTHERS = make_others()


@pytest.fixture
def at_each_collection():
    """Takes what is to be called whenever the collector starts, and makes it start as often as it can."""
    calls = []

    def on_collection(phase, info):
        if phase == "start":
            for call in calls:
                call()

    threshold = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.callbacks.append(on_collection)

    def start(call):
        calls.append(call)
        gc.set_threshold(1)

    yield start
    gc.set_threshold(*threshold)
    gc.callbacks.remove(on_collection)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_the_collector_may_load_other_classes(kind, protocol, at_each_collection):
    graph = list_of(kind)
    data = pickle.dumps(graph, protocol)
    for known in (False, True):
        cypickle.loads(data if known else OTHERS)
        at_each_collection(lambda: cypickle.loads(OTHERS))
        loaded = cypickle.loads(data)
        gc.set_threshold(0)
        assert_isomorphic(loaded, graph)


def test_the_collector_may_assign_an_initialiser(at_each_collection):
    def assign():
        made = {}
        exec("def __init__(self, *values): self.values = values", made)
        Reduced.__init__ = made.pop("__init__")

    before = Reduced.__init__
    try:
        data = pickle.dumps([Reduced(i) for i in range(50)], 4)
        assign()
        cypickle.loads(data)
        at_each_collection(assign)
        loaded = [cypickle.loads(data) for _ in range(20)]
    finally:
        Reduced.__init__ = before
    for items in loaded:
        assert [item.values for item in items] == [(i,) for i in range(50)]


@pytest.mark.skipif(_testcapi is None, reason="no _testcapi that can be used")
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mixed"])  # see loads_without_memory()
def test_any_allocation_of_loads_may_fail(kind, known):
    """Each in turn: the result is right or MemoryError is raised, and no reference is lost or left."""
    graph = list_of(kind, 4)
    data = pickle.dumps(graph, 4)
    cypickle.loads(data)
    succeeded = 0
    gc.disable()
    try:
        for start in itertools.count():
            if not known:
                cypickle.loads(OTHERS)
            before = sys.getrefcount(Mark)
            loaded = loads_without_memory(data, start)
            if loaded is not None:
                assert_isomorphic(loaded, graph)
                succeeded += 1
            loaded = None
            gc.collect(0)
            assert sys.getrefcount(Mark) == before, start
            if succeeded > 20:  # some failures are mended: these are more than that
                break
    finally:
        gc.enable()


def loads_without_memory(data, start):
    """What loads() gives where the allocation after `start` others fails; None for MemoryError.

    Python functions that the pickle calls may raise SystemError instead: the interpreter does so by itself.
    """
    _testcapi.set_nomemory(start, start + 1)
    try:
        return cypickle.loads(data)
    except MemoryError:
        return None
    finally:
        _testcapi.remove_mem_hooks()


def without_memory(function, start, failures=1):
    """What a call gives where so many allocations fail after `start` others, or its error."""
    _testcapi.set_nomemory(start, start + failures)
    try:
        return function()
    except Exception as error:
        return error
    finally:
        _testcapi.remove_mem_hooks()


def skip_what_crashes_the_interpreter(kind, protocol):
    if protocol < 4 and kind == "frozen":
        pytest.skip(
            "CPython 3.12 and 3.13 crash where the generator in dataclasses.fields() cannot be allocated"
        )


@pytest.mark.skipif(_testcapi is None, reason="no _testcapi that can be used")
@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_any_allocation_of_dumps_may_fail(kind, protocol):
    """Each in turn: the bytes are right or MemoryError is raised, and no reference is lost or left."""
    if protocol == 0 and kind in ("slotted", "mixed"):
        pytest.skip("slots need protocol 2")
    skip_what_crashes_the_interpreter(kind, protocol)
    graph = list_of(kind, 4)
    expected = cypickle.dumps(graph, protocol)
    succeeded = 0
    gc.disable()
    try:
        for start in itertools.count():
            before = sys.getrefcount(Mark)
            dumped = without_memory(lambda: cypickle.dumps(graph, protocol), start)
            assert dumped == expected or type(dumped) is MemoryError, (start, dumped)
            succeeded += dumped == expected
            dumped = None
            gc.collect(0)
            assert sys.getrefcount(Mark) == before, start
            assert cypickle.dumps(graph, protocol) == expected, start
            if succeeded > 20:
                break
    finally:
        gc.enable()


class Text(str):
    """Its reduce value holds a tuple that nobody else has."""

    __slots__ = ()


@pytest.mark.skipif(_testcapi is None, reason="no _testcapi that can be used")
@pytest.mark.parametrize("count", range(50, 140))
def test_the_memo_owns_nothing_that_is_gone(count):
    """Where it cannot grow, the parts of a reduce value are dropped before it has taken them over."""
    graph = [["".join(["m", str(i)]) for i in range(count)], Text("a"), {Text("b"): Text("c")}]
    expected = cypickle.dumps(graph, 4)
    gc.disable()
    try:
        for start in range(30):
            dumped = without_memory(lambda: cypickle.dumps(graph, 4), start)
            assert dumped == expected or type(dumped) is MemoryError, (start, dumped)
            held = [(i,) for i in range(40)]
            assert [cypickle.dumps(graph, 4) for _ in range(10)] == [expected] * 10
            assert held == [(i,) for i in range(40)]
    finally:
        gc.enable()


class Chunks:
    """A file whose write() cannot fail once it has written."""

    def __init__(self):
        self.chunks = []
        self.write = self.chunks.append


@pytest.mark.skipif(_testcapi is None, reason="no _testcapi that can be used")
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_a_pickler_whose_allocation_has_failed_goes_on(kind, protocol):
    """Its memo holds what was written and no more: nothing, or all where writing was over."""
    skip_what_crashes_the_interpreter(kind, protocol)
    graph = list_of(kind, 4)
    succeeded = 0
    for start in itertools.count():
        file = Chunks()
        pickler = cypickle.Pickler(file, protocol)
        error = without_memory(lambda pickler=pickler: pickler.dump(graph), start)
        assert error is None or type(error) is MemoryError, (start, error)
        dumps = 1 + bool(file.chunks)
        pickler.dump(graph)
        unpickler = cypickle.Unpickler(io.BytesIO(b"".join(file.chunks)))
        for _ in range(dumps):
            assert_isomorphic(unpickler.load(), graph)
        succeeded += error is None
        if succeeded > 20:
            break


@pytest.mark.skipif(_testcapi is None, reason="no _testcapi that can be used")
@pytest.mark.parametrize("protocol", [0, 4])
@pytest.mark.parametrize("made", ["function", "instance"])
def test_any_allocation_of_a_dump_to_a_file_may_fail(made, protocol):
    """With what makes the Pickler: all is written or MemoryError is raised, and no reference is lost or left."""
    graph = list_of("dict", 4)
    expected = cypickle.dumps(graph, protocol)

    def dump(file):
        if made == "function":
            cypickle.dump(graph, file, protocol)
        else:
            cypickle.Pickler(file, protocol).dump(graph)

    succeeded = 0
    for start in itertools.count():
        before = sys.getrefcount(Mark)
        file = Chunks()
        error = without_memory(partial(dump, file), start)
        assert error is None or type(error) is MemoryError, (start, error)
        if error is None:
            assert b"".join(file.chunks) == expected
            succeeded += 1
        error = None
        gc.collect()
        assert sys.getrefcount(Mark) == before, start
        if succeeded > 20:
            break


@pytest.mark.skipif(_testcapi is None, reason="no _testcapi that can be used")
@pytest.mark.parametrize("chunk", [1, 1000])
@pytest.mark.parametrize("made", ["function", "instance"])
def test_any_allocation_of_a_load_from_a_file_may_fail(made, chunk):
    """With what makes the Unpickler; chunk: how often the windows change."""
    graph = [list_of("dict", 4), b"x" * chunk]
    data = b"".join([pickle.dumps(graph, 2), pickle.dumps(graph, 4)])

    def load(file):
        if made == "function":
            return [cypickle.load(file), cypickle.load(file)]
        return [cypickle.Unpickler(file).load(), cypickle.Unpickler(file).load()]

    load(io.BytesIO(data))  # codecs and the like are imported
    succeeded = 0
    for start in itertools.count():
        before = sys.getrefcount(Mark)
        loaded = without_memory(partial(load, io.BytesIO(data)), start)
        if isinstance(loaded, list):
            for item in loaded:
                assert_isomorphic(item, graph)
            item = None
            succeeded += 1
        else:
            assert type(loaded) is MemoryError, (start, loaded)
        loaded = None
        gc.collect()
        assert sys.getrefcount(Mark) == before, start
        if succeeded > 20:
            break


class Refusing:
    def __reduce__(self):
        raise ValueError("refused")


class Classless:
    """Asked for its class by NEWOBJ."""

    @property
    def __class__(self):
        raise AttributeError("no class")

    def __reduce_ex__(self, protocol):
        return copyreg.__newobj__, (Classless,)


class Unreducible:
    def __reduce_ex__(self, protocol):
        raise AttributeError("not reduced")


def failing_dump(make, table, protocol):
    obj = make()
    pickler = cypickle.Pickler(io.BytesIO(), protocol)
    if table:
        pickler.dispatch_table = ChainMap({})
    return lambda: pickler.dump([{1: (obj,)}, {(1, 2): {(3, 4): [obj]}}])


def failing_load(data, Unpickler):
    unpickler = Unpickler(io.BytesIO(data))
    return unpickler.load


FAILING = {
    **{
        f"{cls.__name__}_{table}_{protocol}": (failing_dump, cls, table, protocol)
        for cls in (Refusing, Classless, Unreducible)
        for table in (False, True)
        for protocol in (0, 2, 4)
    },
    **{
        f"{data!r}_{cls.__name__}": (failing_load, data, cls)
        for data in (
            b"I12x\n.",
            b"L12x\n.",
            b"ccollections\nabsent\n.",
            b"\x80\4\x8c\2osh\0\x93.",
            b"P\xff\n.",
            b"}]N.s.",
        )
        for cls in (cypickle.Unpickler, cypickle.ExtensibleUnpickler)
    },
}


@pytest.mark.skipif(_testcapi is None, reason="no _testcapi that can be used")
@pytest.mark.skipif(
    sys.version_info[:2] == (3, 15),
    reason="CPython's: list.append() drops an argument that is a global twice if the list cannot grow",
)
@pytest.mark.parametrize("name", FAILING)
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # generators that cannot be closed
def test_allocations_fail_while_an_error_is_on_its_way(name):
    """Where an `except` clause has caught it, say, and its traceback cannot be made."""
    make, *arguments = FAILING[name]
    for start in range(120):
        for failures in (1, 2, 3):
            outcome = without_memory(make(*arguments), start, failures)
            assert isinstance(outcome, Exception) or outcome is None, (start, failures)
