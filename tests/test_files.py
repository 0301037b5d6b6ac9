"""Files of every kind, to write to and to read from, with the calls that they get from the stdlib."""

import io
import os
import pickle
import socket
import tempfile

import pytest

from implementations import C_PICKLE, CYPICKLE, PROTOCOLS
from oracle import Table, both, outcome

SCENARIOS = Table()
LARGE = 10_000_000


class Plain:
    pass


def payloads():
    yield "none", None
    yield "numbers", [1, 2.5, 2**70, True]
    yield "texts", ["text", "größe", "\udc80", b"bytes"]
    yield "nested", {"k": [(1, 2), {3}, frozenset([4])], "again": "k"}
    yield "frames", [f"{index:100}" for index in range(3000)]
    yield "large_bytes", [b"a" * 100_000, "after"]
    yield "large_str", ["a" * 100_000, b"x" * 65535, b"y" * 65536, b"z" * 65537]
    yield "bytearray", [bytearray(b"a" * 200_000), 1]
    yield "global", [Plain, len, Plain]


PAYLOADS = dict(payloads())


class WriteOnly:
    """Has write and nothing else; answers what it is told to."""

    def __init__(self, answer=None):
        self.calls = []
        self.answer = answer

    def write(self, data):
        self.calls.append((type(data).__name__, bytes(data)))
        return self.answer


@pytest.mark.parametrize("name", PAYLOADS)
def test_writes_are_those_of_the_stdlib(name, protocol):
    """The same pieces: frames and large objects each by a write of their own."""
    calls = []
    for implementation in (C_PICKLE, CYPICKLE):
        file = WriteOnly()
        implementation.dump(PAYLOADS[name], file, protocol)
        calls.append(file.calls)
    assert calls[0] == calls[1]
    assert pickle.loads(b"".join(data for _, data in calls[1])) == PAYLOADS[name]


@pytest.mark.parametrize("answer", [None, 0, -1, "junk", 5.5, b"", []])
def test_the_answer_of_write_is_ignored(answer, implementation):
    file = WriteOnly(answer)
    assert implementation.dump([1, "a" * 100_000], file, 4) is None
    assert b"".join(data for _, data in file.calls) == pickle.dumps([1, "a" * 100_000], 4)


@pytest.mark.parametrize("implementation", [C_PICKLE, CYPICKLE], ids=lambda item: item.name)
def test_kept_data_do_not_change(implementation):
    """A file may keep what it was given: later writes leave it alone (the pure one gives views)."""
    kept = []

    class Keeping:
        def write(self, data):
            kept.append(data)

    pickler = implementation.Pickler(Keeping(), 4)
    payload = ["a" * 100_000, bytearray(b"b" * 100_000), "c" * 10]
    pickler.dump(payload)
    pickler.dump([1, 2, 3])
    assert b"".join(bytes(data) for data in kept).startswith(pickle.dumps(payload, 4))


@pytest.mark.parametrize("name", PAYLOADS)
@pytest.mark.parametrize("buffering", [0, 1000, -1])
def test_real_files(name, buffering, implementation, protocol, tmp_path):
    path = tmp_path / "data.pkl"
    with open(path, "wb", buffering=buffering) as file:
        implementation.dump(PAYLOADS[name], file, protocol)
    assert path.read_bytes() == pickle.dumps(PAYLOADS[name], protocol)
    with open(path, "rb", buffering=buffering) as file:
        assert implementation.load(file) == PAYLOADS[name]
        assert file.read() == b""


def test_ten_megabytes(implementation, protocol, tmp_path):
    payload = [b"a" * LARGE if protocol >= 3 else "a" * LARGE, "b"]
    path = tmp_path / "large.pkl"
    with open(path, "wb") as file:
        implementation.dump(payload, file, protocol)
    with open(path, "rb") as file:
        assert implementation.load(file) == payload


def test_sockets(implementation, protocol):
    left, right = socket.socketpair()
    with left, right:
        with left.makefile("wb") as file:
            implementation.dump(PAYLOADS["nested"], file, protocol)
            implementation.dump("second", file, protocol)
        left.shutdown(socket.SHUT_WR)
        with right.makefile("rb") as file:
            assert implementation.load(file) == PAYLOADS["nested"]
            assert implementation.load(file) == "second"
            assert file.read() == b""


def test_pipes(implementation):
    reader, writer = os.pipe()
    with open(writer, "wb") as file:
        implementation.dump("through a pipe", file)
    with open(reader, "rb") as file:
        assert implementation.load(file) == "through a pipe"


def test_temporary_files(implementation):
    with tempfile.TemporaryFile() as file, tempfile.SpooledTemporaryFile() as spooled:
        for each in (file, spooled):
            implementation.dump(PAYLOADS["nested"], each)
            each.seek(0)
            assert implementation.load(each) == PAYLOADS["nested"]


class Reader:
    """read and readline over bytes, and what a subclass adds; logs its calls."""

    def __init__(self, data, log, *, chunk=None):
        self.file = io.BytesIO(data)
        self.log = log
        self.chunk = chunk

    def limit(self, size):
        return size if self.chunk is None else min(size, self.chunk)

    def read(self, size):
        self.log.append(("read", size))
        return self.file.read(size)

    def readline(self):
        self.log.append(("readline",))
        return self.file.readline()


class IntoReader(Reader):
    def readinto(self, buffer):
        self.log.append(("readinto", len(buffer)))
        return self.file.readinto(buffer)


class PeekReader(Reader):
    def peek(self, size):
        self.log.append(("peek", size))
        at = self.file.tell()
        data = self.file.read(self.limit(size))
        self.file.seek(at)
        return data


class BothReader(PeekReader, IntoReader):
    pass


class LongPeekReader(PeekReader):
    def peek(self, size):
        return super().peek(size + 10_000)


READERS = [Reader, IntoReader, PeekReader, BothReader, LongPeekReader]


@pytest.mark.parametrize("reader", READERS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("name", PAYLOADS)
@pytest.mark.parametrize("chunk", [None, 1, 100])
def test_reads_are_those_of_the_stdlib(reader, name, protocol, chunk):
    """The same calls, with the same sizes, in the same order; and the file stands exactly behind STOP."""
    if chunk and (not issubclass(reader, PeekReader) or (chunk == 1 and len(repr(PAYLOADS[name])) > 10_000)):
        chunk = 7
    data = pickle.dumps(PAYLOADS[name], protocol)
    logs, places = [], []
    for implementation in (C_PICKLE, CYPICKLE):
        log = []
        file = reader(data + b"behind", log, chunk=chunk)
        assert implementation.load(file) == PAYLOADS[name]
        logs.append(log)
        places.append(file.file.tell())
    assert places[1] == places[0] == len(data)
    assert logs[1] == logs[0]


@pytest.mark.parametrize("reader", READERS, ids=lambda cls: cls.__name__)
def test_several_pickles_in_one_file(reader, implementation):
    stream = b"".join(pickle.dumps(item, protocol) for protocol in PROTOCOLS for item in PAYLOADS.values())
    file = reader(stream, [], chunk=1000)
    for _ in PROTOCOLS:
        for item in PAYLOADS.values():
            assert implementation.load(file) == item
    with pytest.raises(EOFError):
        implementation.load(file)


@pytest.mark.parametrize("reader", READERS, ids=lambda cls: cls.__name__)
def test_one_unpickler_reads_what_one_pickler_wrote(reader, implementation, protocol):
    """Both keep their memo from one pickle to the next."""
    file = io.BytesIO()
    pickler = implementation.Pickler(file, protocol)
    for item in PAYLOADS.values():
        pickler.dump(item)
        pickler.dump(item)
    unpickler = implementation.Unpickler(reader(file.getvalue(), []))
    for item in PAYLOADS.values():
        assert unpickler.load() == item
        assert unpickler.load() == item
    with pytest.raises(EOFError):
        unpickler.load()


def test_other_content_between_pickles(implementation, protocol, tmp_path):
    path = tmp_path / "mixed"
    with open(path, "wb") as file:
        file.write(b"header\n")
        implementation.dump(["a", 1], file, protocol)
        file.write(b"middle\n")
        implementation.dump(["b" * 100_000], file, protocol)
        file.write(b"end")
    with open(path, "rb") as file:
        assert file.readline() == b"header\n"
        assert implementation.load(file) == ["a", 1]
        assert file.readline() == b"middle\n"
        assert implementation.load(file) == ["b" * 100_000]
        assert file.read() == b"end"


def junk_reader(name, **methods):
    """A scenario: load a pickle of bytes from a file with these methods instead of its own."""

    def run(implementation, seen, protocol):
        data = pickle.dumps([b"a" * 300_000 if protocol > 2 else "a" * 300_000, 2**5000, "b"], protocol)
        cls = type("Junk", (BothReader,), methods)
        loaded = implementation.load(cls(data, seen))
        return type(loaded), len(loaded[0]) if type(loaded) is list else None

    run.__name__ = f"junk_{name}"
    SCENARIOS.scenario(run)


def without(name):
    return property(lambda self: (_ for _ in ()).throw(AttributeError(name)))


for answer in (None, 5, "text", [], b"", b"\x80", b"." * 400_000, bytearray(b"N."), memoryview(b"N.")):
    title = type(answer).__name__ + (str(len(answer)) if hasattr(answer, "__len__") else "")
    give = lambda self, size=0, answer=answer: answer  # noqa: E731
    junk_reader(f"read_{title}", read=give, peek=without("peek"))
    junk_reader(f"readline_{title}", readline=give)
    junk_reader(f"peek_{title}", peek=give)
for answer in (None, 0, -1, 5, 10**9, 10**30, "5", 1.5):
    junk_reader(f"readinto_{answer!r}", readinto=lambda self, buffer, answer=answer: answer)
for attribute in ("read", "readline", "readinto", "peek"):
    junk_reader(f"{attribute}_is_none", **{attribute: None})
    junk_reader(f"{attribute}_is_int", **{attribute: 5})
    junk_reader(f"{attribute}_is_absent", **{attribute: without(attribute)})
junk_reader(
    "peek_not_implemented", peek=lambda self, size: (_ for _ in ()).throw(NotImplementedError("peek"))
)
junk_reader("peek_os_error", peek=lambda self, size: (_ for _ in ()).throw(OSError("peek")))


@pytest.mark.parametrize("name", SCENARIOS)
def test_junk_files_fail_as_with_the_stdlib(name):
    expected, actual = both(SCENARIOS[name])
    if expected.error is SystemError:  # the stdlib goes on with an exception set
        assert actual.error is TypeError
    else:
        assert actual == expected


@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
def test_short_reads_are_refused_as_by_the_stdlib(chunk, protocol):
    """read(n) may give less only at the end of the file: the stdlib says so, and so do we."""

    class Short(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, chunk) if size > 0 else size)

        def readinto(self, buffer):
            return super().readinto(memoryview(buffer)[:chunk])

    data = pickle.dumps(PAYLOADS["large_bytes"] + PAYLOADS["numbers"], protocol)
    assert outcome(CYPICKLE.load, Short(data)) == outcome(C_PICKLE.load, Short(data))


def test_every_prefix_of_a_file_raises(protocol):
    data = pickle.dumps(PAYLOADS["nested"], protocol)
    for length in range(len(data)):
        for reader in READERS:
            expected = outcome(C_PICKLE.load, reader(data[:length], []))
            assert outcome(CYPICKLE.load, reader(data[:length], [])) == expected
            assert expected.error in (EOFError, pickle.UnpicklingError)
