"""What user code does while loads is at work: files that keep what they are lent, nested loads, finalizers.

And pickles that store at indices, and build objects, in ways of their own. Compared with the running C pickle.
"""

import io
import pickle
import subprocess
import sys

import pytest

import cypickle
from oracle import both, outcome


class Plain:
    pass


class Lending:
    """A file whose readinto() hands the view to `on_view` first, and fails in the way that it is told to."""

    def __init__(self, data, on_view, fail=None):
        self.file = io.BytesIO(data)
        self.on_view, self.fail = on_view, fail

    def read(self, size=-1):
        return self.file.read(size)

    def readline(self):
        return self.file.readline()

    def readinto(self, view):
        self.on_view(view)
        count = self.file.readinto(view)
        return self.fail(count) if self.fail else count


PAYLOADS = {
    "bytes": b"x" * 3_000_000,
    "bytearray": bytearray(b"x" * 3_000_000),
    "texts": ["x" * 3_000_000, "é" * 200_000],
    "several": [b"x" * 200_000, b"y" * 200_000, bytearray(b"z" * 200_000)],
}


FAILURES = {
    "none": None,
    "raises": lambda count: 1 // 0,
    "short": lambda count: count - 1,
    "negative": lambda count: -1,
    "text": lambda count: "text",
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("payload", ["bytes", "bytearray", "several"])
def test_a_view_cannot_be_made_again_of_memory_taken_back(payload, failure):
    owners = []

    def keep_owner(view):
        assert_harmless(owners)  # those of the calls before
        owners.append(view.obj)

    file = Lending(pickle.dumps(PAYLOADS[payload], 5), keep_owner, FAILURES[failure])
    result = outcome(cypickle.Unpickler(file).load)
    assert result.value == PAYLOADS[payload] if failure == "none" else result.error
    assert_harmless(owners, lent_for_good=failure == "raises")  # the traceback holds the view
    assert owners


def assert_harmless(owners, lent_for_good=False):
    for owner in owners:
        try:
            view = memoryview(owner)
        except (BufferError, TypeError):  # TypeError: there is no owner
            continue
        assert lent_for_good
        view[:] = b"?" * len(view)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_view_that_is_kept_is_not_the_loaded_object(payload):
    views = []
    loaded = cypickle.load(Lending(pickle.dumps(PAYLOADS[payload], 5), views.append))
    again = [memoryview(view.obj) for view in views if view.obj is not None]
    for view in views + again:
        view[:] = b"?" * len(view)
    assert loaded == PAYLOADS[payload]


RECURSION = """
import io, sys
import cypickle

# A global that is the pickle at hand, and each load() of it asks for another.
HEAD = b"c__main__\\n"
NESTED = HEAD + b"again\\n" + HEAD + b"DATA\\n\\x85R."

def load(data):
    return cypickle.load(io.BytesIO(data))

def by_unpickler(data):
    return cypickle.Unpickler(io.BytesIO(data)).load()

for again in (cypickle.loads, load, by_unpickler):
    DATA = NESTED
    try:
        cypickle.loads(DATA)
    except RecursionError:
        print("refused", flush=True)
print(cypickle.loads(b"N."))
"""

IN_DATA = """
import cypickle

heads, length = [], 2
for _ in range({depth}):
    heads.append(b"ccypickle\\nloads\\nB" + length.to_bytes(4, "little"))
    length += len(heads[-1]) + 3
try:
    print(cypickle.loads(b"".join(reversed(heads)) + b"N." + b"\\x85R." * {depth}))
except RecursionError:
    print("refused")
"""


def printed(script):
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.split()


def test_endless_nested_loads_are_refused():
    assert printed(RECURSION) == ["refused"] * 3 + ["None"]


@pytest.mark.parametrize(
    ("depth", "expected"), [(100, ["None"]), (3000, ["None", "refused"]), (60_000, ["refused"])]
)
def test_pickles_nested_in_data_are_loaded_or_refused(depth, expected):
    """Each pickle holds the next one: the heads, outermost first, then the tails."""
    (answer,) = printed(IN_DATA.format(depth=depth))
    assert answer in expected


UNPICKLERS = []


class Clears:
    """Clears the memo of the running Unpickler when it dies."""

    def __del__(self):
        if UNPICKLERS:
            UNPICKLERS[0].memo.clear()


class Assigns:
    """Assigns a memo to the running Unpickler when it dies."""

    def __del__(self):
        if UNPICKLERS:
            UNPICKLERS[0].memo = {i: str(i) for i in range(5)}


def put(index):
    return b"r" + index.to_bytes(4, "little")


def get(index):
    return b"j" + index.to_bytes(4, "little")


def instance(name):
    return b"c" + __name__.encode() + b"\n" + name + b"\n)\x81"


def replaced(name, index, last):
    """An instance stored at index, before the array of the memo gets that far, then replaced and dropped."""
    filled = b"".join(b"N" + put(i) + b"0" for i in range(index))
    return b"\x80\x02" + instance(name) + put(index) + b"0" + filled + b"N" + last + b"."


@pytest.mark.parametrize("index", [33, 64, 100, 4000])
@pytest.mark.parametrize("last", ["put", "memoize"])
def test_finalizers_of_a_sparse_entry_may_clear_the_memo(index, last):
    """Where the memo counts what is sparse, MEMOIZE goes to the index after it, and nothing is dropped."""
    data = replaced(b"Clears", index, put(index) if last == "put" else b"\x94")
    UNPICKLERS[:] = [cypickle.Unpickler(io.BytesIO(data))]
    try:
        assert UNPICKLERS[0].load() is None
        assert UNPICKLERS[0].memo.copy() == {} or last == "memoize"
    finally:
        UNPICKLERS.clear()


@pytest.mark.parametrize("index", [33, 100, 4000])
def test_finalizers_of_a_sparse_entry_may_assign_the_memo(index):
    """Not compared: the C pickle drops what is assigned."""
    UNPICKLERS[:] = [cypickle.Unpickler(io.BytesIO(replaced(b"Assigns", index, put(index))))]
    try:
        assert UNPICKLERS[0].load() is None
        assert UNPICKLERS[0].memo.copy() == {i: str(i) for i in range(5)}
    finally:
        UNPICKLERS.clear()


@pytest.mark.parametrize("cls", [cypickle.Pickler, cypickle.Unpickler])
def test_a_memo_proxy_needs_its_owner(cls):
    proxy = type(cls(io.BytesIO()).memo)
    stranger = {cypickle.Pickler: cypickle.Unpickler, cypickle.Unpickler: cypickle.Pickler}[cls]
    for make in (proxy, lambda *args: proxy.__new__(proxy, *args)):
        for args in [(), (None,), (1,), (stranger(io.BytesIO()),)]:
            with pytest.raises(TypeError):
                make(*args)
    assert proxy(cls(io.BytesIO())).copy() == {}


class BytesSub(bytes):
    pass


class Liar(bytes):
    def __len__(self):
        return 1


@pytest.mark.parametrize("sub", [BytesSub, Liar])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_read_may_return_a_subclass_of_bytes(payload, sub, protocol):
    """Not compared: the C pickle of 3.15 crashes."""
    file = io.BytesIO(pickle.dumps(PAYLOADS[payload], protocol))

    class File:
        def read(self, size):
            return sub(file.read(size))

        def readline(self):
            return sub(file.readline())

    assert cypickle.load(File()) == PAYLOADS[payload]


def text(value):
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


STATES = {
    "empty": b"}\x94",
    "empty_marked": b"}\x94(u",
    "one": b"}\x94" + text("zz") + b"K\x07s",
    "one_marked": b"}\x94(" + text("zz") + b"K\x07u",
    "pair": b"N}\x94\x86",
    "pair_marked": b"N}\x94(u\x86",
}


@pytest.mark.parametrize("first", STATES)
@pytest.mark.parametrize(
    "second", [b"}", b"}(u", b"}" + text("aa") + b"K\x01s", b"}(" + text("aa") + b"K\x01u"]
)
def test_a_state_is_not_touched_by_the_next(first, second):
    """The first state, as the memo has it, after a second BUILD of the same object."""
    data = b"\x80\x04" + instance(b"Plain") + STATES[first] + b"b" + second + b"b" + b"h\x00\x86."

    def run(implementation, seen):
        made, state = implementation.loads(data)
        seen.append((vars(made), state, vars(made) is state))
        vars(made)["more"] = 1
        return state

    for _ in range(3):  # before and after the class is known
        expected, actual = both(run)
        assert actual == expected


@pytest.mark.parametrize("index", [31, 32, 33, 40, 100, 5000])
@pytest.mark.parametrize("filler", ["put", "memoize"])
@pytest.mark.parametrize("around", range(-2, 3))
def test_what_is_stored_over_a_sparse_entry(index, filler, around):
    """First far beyond the other indices, then again when they have got there: value and count."""
    store = (lambda i: put(i)) if filler == "put" else (lambda i: b"\x94")
    filled = b"".join(b"N" + store(i) + b"0" for i in range(index + around))
    for last in (b"K\x08" + put(index) + b"0", b"K\x08\x940", b"K\x08\x940K\x09\x940", b""):
        for tail in (b"K\x05\x94", get(index), get(index + 1), get(index + around)):
            data = b"\x80\x04K\x07" + put(index) + b"0" + filled + last + tail + b"."

            def run(implementation, seen, data=data):
                unpickler = implementation.Unpickler(io.BytesIO(data))
                result = outcome(unpickler.load)
                seen.append(unpickler.memo.copy())
                return result

            expected, actual = both(run)
            assert actual.value == expected.value, data
            # Some versions leave sparse entries out of the copy.
            assert expected.seen[0].items() <= actual.seen[0].items(), data
