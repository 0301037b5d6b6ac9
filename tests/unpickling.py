"""Loading by ExtensibleUnpickler and by pickle._Unpickler, and what Python code sees of it."""

import contextlib
import io
import pickle
import tempfile

import cypickle
from isomorphism import assert_isomorphic
from oracle import normal

PURE, OURS = pickle._Unpickler, cypickle.ExtensibleUnpickler
ATOMS = (int, str, float, bytes, bool, type(None))


class Plain:
    def __init__(self, value):
        self.value = value


class Slotted:
    __slots__ = ("a",)


class WithSetState(Plain):
    def __setstate__(self, state):
        self.value = state["value"]


class Reduced:
    def __reduce__(self):
        return Plain, ([1],), {"value": 2}


class Items(list):
    pass


class EqualsNothing:
    """A key in the place of "key", which tells `asked` that it is compared."""

    asked = None

    def __hash__(self):
        return hash("key")

    def __eq__(self, other):
        EqualsNothing.asked()
        return False


def graph():
    shared = [1, "shared"]
    slotted = Slotted()
    slotted.a = 5
    return [
        [None, True, False, 0, 255, 65535, 65536, -1, 2**31, 2**63, -(2**64), 1.5],
        ["text", "t\xe4xt", "\ud800", "x" * 300, b"bytes", b"y" * 300, bytearray(b"array"), "line\nbreak"],
        [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {1, 2}, frozenset([3])],
        {"key": ["value"], 2: {}, (1, 2): 3, None: 4, 1.5: 5},
        [shared, shared],
        [Plain([1]), Plain({}), WithSetState(1), Reduced(), Plain, len, slotted],
        Items([1, 2]),
        list(range(1001)),
        dict.fromkeys(range(1001)),
        ["z" * 70_000, b"z" * 70_000],
        complex(1, 2),
    ]


def graphs(protocols=range(pickle.HIGHEST_PROTOCOL + 1)):
    for protocol in protocols:
        made = graph()
        if protocol < 2:
            made[5].pop()  # slots
        yield pickle.dumps(made, protocol)


def shown(item):
    return (
        repr(item) if isinstance(item, ATOMS) and len(repr(item)) < 50 else (type(item).__name__, size(item))
    )


def size(item):
    return len(item) if isinstance(item, (list, tuple, dict, set, frozenset, str, bytes)) else None


def ends(stack):
    return len(stack), [shown(item) for item in stack[:2]], [shown(item) for item in stack[-4:]]


def seen(unpickler, file):
    """What Python code can see of a load under way."""
    frame = unpickler._unframer.current_frame
    memo = unpickler.memo
    return (
        ends(unpickler.stack),
        [ends(stack) for stack in unpickler.metastack],
        (len(memo), shown(memo.get(len(memo) - 1)), shown(memo.get(0))),
        (file.tell(), frame and frame.tell(), unpickler.proto, unpickler.append == unpickler.stack.append),
    )


def outcome(cls, data, make=io.BytesIO, **options):
    """(the object or None, the error, where the file stands, what is left of the load)"""
    file = make(data)
    unpickler = cls(file, **options)
    try:
        return unpickler.load(), None, file.tell(), seen(unpickler, file)
    except RecursionError:
        return None, RecursionError, None, None
    except Exception as error:
        left = seen(unpickler, file) if "stack" in vars(unpickler) else None
        return None, (type(error), normal(str(error))), file.tell(), left


def same(change, data, make=io.BytesIO, **options):
    """What `change` makes of both classes loads the same, and makes the same calls."""
    outcomes = []
    for base in (PURE, OURS):
        log = []
        outcomes.append((outcome(change(base, log), data, make, **options), log))
    (theirs, their_log), (ours, our_log) = outcomes
    if theirs[1] and theirs[1][0] is MemoryError:
        assert ours[1][0] in (
            MemoryError,
            EOFError,
            pickle.UnpicklingError,
        )  # not allocated before it is there
        return our_log
    assert ours[1:] == theirs[1:]
    assert our_log == their_log
    with contextlib.suppress(RecursionError):
        assert_isomorphic(theirs[0], ours[0])
    return our_log


def unchanged(base, log):
    return base


class Wrapper:
    """As joblib's: what follows it in the file is the array, outside of frames."""

    def __init__(self, nbytes):
        self.nbytes = nbytes


def with_raw_data(protocol):
    class Writer(cypickle.ExtensiblePickler):
        def save(self, obj):
            if type(obj) is bytes:
                super().save(Wrapper(len(obj)))
                self.framer.commit_frame(force=True)
                self._file_write(obj)
            else:
                super().save(obj)

    file = io.BytesIO()
    Writer(file, protocol).dump([Plain(1), b"raw" * 5000, {"a": b"more\n", "b": (Plain(2), b"")}, b"."])
    return file.getvalue()


def reads_raw_data(base, log):
    class Sub(base):
        dispatch = base.dispatch.copy()

        def __init__(self, file):
            base.__init__(self, file)
            self.file_handle = file

        def load_build(self):
            base.load_build(self)
            if isinstance(self.stack[-1], Wrapper):
                log.append(seen(self, self.file_handle))
                wrapper = self.stack.pop()
                self.stack.append(self.file_handle.read(wrapper.nbytes))

        dispatch[pickle.BUILD[0]] = load_build

    return Sub


OPENED = []


def close_files():
    while OPENED:
        OPENED.pop().close()


def buffered(data, cls=io.BufferedReader):
    """A file of the system."""
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
    OPENED.append(file)
    file.write(data)
    file.seek(0)
    OPENED.append(cls(file, 128))
    return OPENED[-1]


class Odd:
    """A file of a class of its own, which tells what it is asked."""

    def __init__(self, data):
        self.file = io.BytesIO(data)
        self.calls = []
        self.tell = self.file.tell

    def read(self, n):
        self.calls.append(n)
        return self.file.read(n)

    def readline(self):
        self.calls.append("line")
        return self.file.readline()


def written(data):
    """A BytesIO that has room for more."""
    file = io.BytesIO()
    for byte in data:
        file.write(bytes([byte]))
    file.seek(0)
    return file


FILES = {
    "memory": io.BytesIO,
    "written": written,
    "subclass": type("Sub", (io.BytesIO,), {}),
    "system": buffered,
    "seekable": lambda data: buffered(data, io.BufferedRandom),
    "over memory": lambda data: io.BufferedReader(io.BytesIO(data), 64),
    "odd": Odd,
}
