"""What has been reported against CPython's pickle, rebuilt: one test for each report, named in its docstring."""

import gc
import io
import pickle
import sys
import threading
import weakref

import pytest

import cypickle
from implementations import PROTOCOLS
from processes import run_python

HERE = __name__.encode()
SECONDS = 0.3  # of a stress test with threads
ACCEPTED = (RuntimeError, pickle.PickleError, EOFError)  # that a thread may meet where another one interferes


class Box:
    """Attributes, and a state that may be refused."""


class Current:
    """The Unpickler that runs, for hooks that enter it again."""

    unpickler = None
    errors = ()


def enter_again():
    """load() of the Unpickler under way; keeps what that raises."""
    try:
        Current.unpickler.load()
    except Exception as error:
        Current.errors = (*Current.errors, type(error))


class ReenteringDict(dict):
    def __setitem__(self, key, value):
        enter_again()
        super().__setitem__(key, value)


class ReenteringState:
    """Its attribute dictionary is one that enters the Unpickler again."""

    __slots__ = ("__dict__", "slot")

    def __init__(self):
        self.__dict__ = ReenteringDict()


class ReenteringKey:
    def __hash__(self):
        enter_again()
        return 5


class ReenteringList(list):
    def append(self, item):
        enter_again()
        super().append(item)

    def extend(self, items):
        enter_again()
        super().extend(items)


class ReenteringSet(set):
    def add(self, item):
        enter_again()
        super().add(item)


class ReenteringSetState:
    def __setstate__(self, state):
        enter_again()
        self.state = state


REENTERING = {
    "state": b"\x80\x04c%b\nReenteringState\n)R}(\x8c\x01aK\x01\x8c\x01bK\x02u}\x8c\x04slotK\x03s\x86b.",
    "key": b"\x80\x04}c%b\nReenteringKey\n)RK\x01s.",
    "set_key": b"\x80\x04\x8f(c%b\nReenteringKey\n)R\x90.",
    "frozenset_key": b"\x80\x04(c%b\nReenteringKey\n)R\x91.",
    "items": b"\x80\x04c%b\nReenteringDict\n)\x81(K\x01K\x02K\x03K\x04u.",
    "append": b"\x80\x04c%b\nReenteringList\n)\x81]a.",
    "extend": b"\x80\x04c%b\nReenteringList\n)\x81(]]e.",
    "set_state": b"\x80\x04c%b\nReenteringSetState\n)\x81}(K\x01]ub.",
}


@pytest.mark.parametrize("name", REENTERING)
def test_hooks_of_objects_that_enter_the_unpickler_again(name):
    """python/cpython#143638: BUILD with a mapping whose __setitem__() calls load() of the same Unpickler, which cleared
    the stack below the instance under construction; likewise from __hash__(), append(), extend() and __setstate__().
    """
    data = REENTERING[name] % HERE
    Current.errors = ()
    Current.unpickler = cypickle.Unpickler(io.BytesIO(data + pickle.dumps("next")))
    loaded = Current.unpickler.load()
    assert set(Current.errors) == {RuntimeError}
    assert type(loaded) in (dict, set, frozenset) or type(loaded).__name__.startswith("Reentering")
    assert Current.unpickler.load() == "next"


def test_hooks_of_picklers_and_files_that_enter_them_again():
    """python/cpython#151046: re-entry by the methods that a Pickler or an Unpickler calls of itself and its file."""
    seen = []

    def attempt(call):
        with pytest.raises(RuntimeError):
            call()
        seen.append(call)

    class Pickler(cypickle.Pickler):
        def persistent_id(self, obj):
            attempt(lambda: self.dump([obj]))
            attempt(lambda: self.__init__(io.BytesIO()))

        def reducer_override(self, obj):
            attempt(lambda: self.dump([obj]))
            return NotImplemented

    class Sink:
        def write(self, data):
            attempt(lambda: pickler.dump([1]))

    pickler = Pickler(Sink(), 5)
    pickler.dump([Box(), {"k": Box}])
    assert len(seen) > 10

    class Source(io.BytesIO):
        def enter(self):
            attempt(lambda: unpickler.load())
            attempt(lambda: unpickler.__init__(io.BytesIO(b"N.")))

        def readinto(self, buffer):
            self.enter()
            return super().readinto(buffer)

        def read(self, size=-1):
            self.enter()
            return super().read(size)

        def readline(self):
            self.enter()
            return super().readline()

    seen.clear()
    unpickler = cypickle.Unpickler(
        Source(pickle.dumps(["text", b"x" * 100_000, Box], 4) + pickle.dumps(5, 0))
    )
    assert unpickler.load() == ["text", b"x" * 100_000, Box]
    assert unpickler.load() == 5
    assert len(seen) > 4


LIMITED = """
import io, sys
import cypickle
from processes import limit_memory
limit_memory(1 << 28)
data = bytes.fromhex(sys.argv[1])
for load in (cypickle.loads, lambda data: cypickle.load(io.BytesIO(data))):
    print(load(data))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the address space cannot be limited elsewhere")
@pytest.mark.parametrize("opcode", [b"r\xff\xff\xff\x7f", b"p2147483646\n"])
def test_a_large_memo_index_in_a_few_bytes(opcode):
    """python/cpython#115952: a few bytes with a PUT of a large index made the memo an array of gigabytes."""
    data = b"]" + opcode + b"."
    run = run_python("-c", LIMITED, data.hex(), seconds=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "[]\n[]\n", "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_the_memo_holds_is_collected(protocol):
    """python/cpython#85594: objects in the memo of a Pickler or an Unpickler that refer to it were never collected."""

    class Hooked(cypickle.Pickler):
        pass

    def make():
        box = Box()
        box.pickler = Hooked(io.BytesIO(), protocol)
        box.pickler.kept = box
        box.pickler.reducer_override = lambda obj: (list, ()) if obj is box else NotImplemented
        box.pickler.dump([box])
        box.unpickler = cypickle.Unpickler(io.BytesIO(pickle.dumps([set()], protocol)))
        box.unpickler.memo = {**box.unpickler.memo.copy(), 99: box}
        return weakref.ref(box)

    boxes = [make() for _ in range(5)]
    gc.collect()
    assert [box() for box in boxes] == [None] * 5


DEEP = """
import sys
import cypickle
item = None
for _ in range(100_000):
    item = [item]
sys.setrecursionlimit(200_000)
data = cypickle.dumps(item)
loaded = cypickle.loads(data)
print(cypickle.dumps(loaded) == data)
"""


def test_deep_structures_follow_the_recursion_limit():
    """python/cpython#128590: since 3.12 sys.setrecursionlimit() does not make deep structures picklable."""
    run = run_python("-c", DEEP, seconds=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "True\n", "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("failure", [TypeError, KeyboardInterrupt, MemoryError])
def test_a_pickler_after_a_failed_dump(protocol, failure):
    """python/cpython#125756: what a failed dump() had memoised was referred to by the next, though never written."""

    class Fails:
        def __reduce__(self):
            raise failure("no")

    file = io.BytesIO()
    pickler = cypickle.Pickler(file, protocol)
    shared = "shared by both"
    pickler.dump([shared])
    written = file.tell()
    fresh = "only in the second", Box()
    with pytest.raises(failure):
        pickler.dump([shared, fresh, Fails()])
    file.truncate(written)
    file.seek(written)
    pickler.dump([shared, fresh[0], fresh[1]])
    unpickler = pickle.Unpickler(io.BytesIO(file.getvalue()))
    first, second = unpickler.load(), unpickler.load()
    assert first == [shared]
    assert second[:2] == [shared, fresh[0]]
    assert second[0] is first[0]
    assert type(second[2]) is Box


def test_an_error_of_a_load_says_where():
    """python/cpython#130621: an error while loading does not tell which object of the pickle it is about."""
    data = cypickle.dumps({"first": 1, "second": [Box, Box()]}, 4).replace(b"Box", b"Bax")
    with pytest.raises(AttributeError) as caught:
        cypickle.loads(data)
    action, *path = caught.value.__notes__
    assert action.startswith(f"while finding {__name__}.Bax, at byte {data.index(b'Bax') + 4} (")
    assert path == ["in item 0 of a list", "in item 'second' of a dict"]


# ---- threads: on a build without GIL these crash the stdlib; with it they must hold as well --------------


class Yielding:
    """Pickled by Python code, so that another thread gets a turn."""

    def __reduce__(self):
        return Yielding, ()


def race(*functions):
    """Run each function over and over in two threads; returns the errors that were not expected."""
    unexpected = []
    over = threading.Event()

    def repeat(function):
        while not over.is_set():
            try:
                function()
            except ACCEPTED:
                continue
            except BaseException as error:
                unexpected.append(error)
                return

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=repeat, args=(function,)) for function in functions * 2]
    try:
        for thread in threads:
            thread.start()
        over.wait(SECONDS)
    finally:
        over.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    return unexpected


def test_a_dict_that_another_thread_changes():
    """python/cpython#146452: dumps() of a dict whose keys and values another thread replaces."""
    shared = {str(i): [Yielding()] * 3 for i in range(100)}

    def change():
        for i in range(100):
            shared[str(i)] = [Yielding()]
            shared.pop(str(i * 7 % 100), None)

    assert race(lambda: cypickle.loads(cypickle.dumps(shared)), change) == []


def test_a_list_that_another_thread_changes():
    """python/cpython#146533: dumps() of a list that another thread empties and fills."""
    shared = [Yielding()] * 200

    def change():
        shared.extend([Yielding()] * 50)
        if len(shared) > 300:
            shared.clear()

    assert race(lambda: cypickle.loads(cypickle.dumps(shared)), change) == []


SHARED_STATE = {f"field_{i}": i for i in range(500)}


def shared_state():
    return SHARED_STATE


class Slots:
    __slots__ = tuple(SHARED_STATE)


@pytest.mark.parametrize("kind", ["state", "slots"])
def test_a_state_that_another_thread_changes(kind):
    """python/cpython#157124: BUILD with a dictionary that others hold, while another thread changes it."""
    state = b"c%b\nshared_state\n)R" % HERE
    data = {
        "state": b"\x80\x04c%b\nBox\n)\x81%bb." % (HERE, state),
        "slots": b"\x80\x04c%b\nSlots\n)\x81N%b\x86b." % (HERE, state),
    }[kind]

    def change():
        for name in list(Slots.__slots__)[::3]:
            SHARED_STATE.pop(name, None)
            SHARED_STATE[name] = object()

    assert race(lambda: cypickle.loads(data), change) == []


@pytest.mark.parametrize("kind", ["pickler", "unpickler"])
def test_a_memo_from_a_dict_that_another_thread_changes(kind):
    """python/cpython#157126: assigning a memo from a dictionary while another thread changes that."""
    if kind == "pickler":
        target, shared = cypickle.Pickler(io.BytesIO()), {i: (i, object()) for i in range(500)}
    else:
        target, shared = cypickle.Unpickler(io.BytesIO()), {i: object() for i in range(500)}
    keys = list(shared)

    def assign():
        target.memo = shared

    def change():
        for key in keys:
            shared.pop(key, None)
            shared[key] = (key, object())

    assert race(assign, change) == []


def test_a_memo_that_two_threads_assign():
    """python/cpython#150505: two threads assign the memo of one Unpickler."""
    unpickler = cypickle.Unpickler(io.BytesIO(b""))

    def assign():
        unpickler.memo = dict.fromkeys(range(100), "memoised")
        assert set(unpickler.memo.copy().values()) <= {"memoised"}

    assert race(assign, assign) == []
