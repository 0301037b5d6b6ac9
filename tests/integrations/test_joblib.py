"""joblib's dump, load and hash on cypickle: the same files and hashes."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from records import dicts, records

import cypickle

joblib = pytest.importorskip("joblib", reason="joblib is not installed: see the extra `hosts`")
numpy = pytest.importorskip("numpy", reason="numpy is not installed")
ours = pytest.importorskip("cypickle.integrations.joblib")
pytestmark = pytest.mark.hosts


class Odd:
    def method(self):
        return None


SHARED = numpy.arange(4)
OBJECTS = {
    "dicts": dicts,
    "records": records,
    "array": lambda: numpy.arange(10.0),
    "empty": lambda: numpy.empty((0, 3)),
    "fortran": lambda: numpy.asfortranarray(numpy.ones((3, 4))),
    "slice": lambda: numpy.arange(20)[::2],
    "objects": lambda: numpy.array([{"a": 1}, None], dtype=object),
    "nested": lambda: {"a": [numpy.arange(n) for n in range(5)], "b": (numpy.float32(1), "x" * 70_000)},
    "shared": lambda: [SHARED, SHARED, {"again": SHARED}],
    "arrays of all dtypes": lambda: [
        numpy.zeros(3, code) for code in numpy.typecodes["AllInteger"] + "?efdgFDGO"
    ],
    "dates": lambda: [
        numpy.zeros(3, "M8[s]"),
        numpy.zeros(2, "m8[ns]"),
        numpy.zeros(2, ">f8"),
        numpy.zeros(2, "S3"),
    ],
    "structures": lambda: [numpy.zeros(2, [("a", "f8"), ("b", "i4")]), numpy.zeros(2, "f8,f8")[::-1]],
    "dtypes": lambda: [
        numpy.dtype(code) for code in ("f8", "i4", ">i4", "U5", "M8[s]", "f4", "f8", "l", "q", "O")
    ],
    "dtype with metadata": lambda: [
        numpy.dtype("f8", metadata={"a": 1}),
        numpy.zeros(1, numpy.dtype("f8", metadata={"a": 1})),
    ],
    "of no dimension": lambda: [
        numpy.array(1.5),
        numpy.zeros((2, 0, 3)),
        numpy.zeros(0),
        numpy.ones((2, 2, 2)).T,
    ],
    "records with arrays": lambda: [
        {"row": numpy.arange(n, n + 4), "value": numpy.float32(n)} for n in range(50)
    ],
    "subclass": lambda: [numpy.zeros(2).view(numpy.recarray)],
    "scalars": lambda: [numpy.int64(1), numpy.dtype("f8"), numpy.bool_(True)],
    "sets": lambda: [{1, 2, 3}, {"b", "a"}, frozenset([1])],
    "mixed keys": lambda: {1: 2, "a": 3, None: 4},
    "functions": lambda: [len, records, Odd().method, [].append],
    "strings": lambda: ["aa", "aa", b"aa", "a" * 2],
    "large": lambda: [bytes(100_000), list(range(3000)), dict.fromkeys(range(2500))],
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("protocol", [None, 2, 3, 4, 5])
@pytest.mark.parametrize("compress", [0, 3])
def test_files_are_the_same(name, protocol, compress, tmp_path):
    obj = OBJECTS[name]()
    if name == "functions":
        obj = obj[:2]
    joblib.dump(obj, tmp_path / "theirs", compress=compress, protocol=protocol)
    ours.dump(obj, tmp_path / "ours", compress=compress, protocol=protocol)
    assert (tmp_path / "theirs").read_bytes() == (tmp_path / "ours").read_bytes()
    assert joblib.hash(ours.load(tmp_path / "ours")) == joblib.hash(joblib.load(tmp_path / "theirs"))


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("hash_name", ["md5", "sha1"])
def test_hashes_are_the_same(name, hash_name):
    obj = OBJECTS[name]()
    assert ours.hash(obj, hash_name) == joblib.hash(obj, hash_name)


def test_memory_mapped_arrays(tmp_path):
    ours.dump({"a": numpy.arange(1000)}, tmp_path / "file")
    back = ours.load(tmp_path / "file", mmap_mode="r")
    assert isinstance(back["a"], numpy.memmap)
    assert ours.hash(back["a"], coerce_mmap=True) == joblib.hash(numpy.arange(1000))
    ours.dump(back, mine := io.BytesIO())
    joblib.dump(back, theirs := io.BytesIO())
    assert mine.getvalue() == theirs.getvalue()


@pytest.mark.parametrize("name", ["Hasher", "NumpyHasher"])
@pytest.mark.parametrize("method", ["save", "memoize", "_batch_setitems"])
def test_a_subclasss_methods_are_called(name, method):
    import joblib.hashing

    obj = [{"b": 1, "a": [2.5, "text"]}, b"bytes", "text"]
    called = []
    for module in (joblib.hashing, ours):
        base = getattr(module, name)
        calls = []

        def logged(self, *args, base=base, calls=calls):
            calls.append(args[0] if method != "_batch_setitems" else "items")
            return getattr(base, method)(self, *args)

        sub = type("Sub", (base,), {method: logged})
        called.append((calls, sub("md5").hash(obj)))
    assert called[0] == called[1]
    assert called[1][0]


def test_what_cannot_be_hashed():
    with pytest.raises(Exception, match="generator") as theirs:
        joblib.hash([(i for i in ())])
    with pytest.raises(type(theirs.value), match="generator"):
        ours.hash([(i for i in ())])


class Unhashed:
    def __init__(self):
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    "make", [lambda: {"k": Unhashed()}, lambda: {"k": 1, "l": [Unhashed()]}, lambda: {1: [{2: Unhashed()}]}]
)
def test_a_dict_whose_items_cannot_be_pickled(make):
    """joblib goes on with the hashes of the items, or says which one it was."""
    found = []
    for module in (joblib, ours):
        try:
            found.append(module.hash(make()))
        except Exception as error:
            found.append(type(error))
    assert found[0] == found[1]


def test_hash_of_joblib_itself_replaced(monkeypatch):
    monkeypatch.setattr("joblib.hashing.hash", ours.hash)
    with pytest.raises(Exception, match="generator"):  # which dill, once imported, cannot pickle either
        ours.hash({"k": (i for i in ())})


def test_parallel_under_install(tmp_path):
    """Its picklers are subclasses of pickle.Pickler that have a dispatch_table, and are given another."""
    program = tmp_path / "program.py"
    program.write_text(
        "import cypickle\n"
        "cypickle.install()\n"
        "from joblib import Parallel, delayed\n"
        "from joblib.externals.loky.backend.reduction import get_loky_pickler\n"
        "assert issubclass(get_loky_pickler(), cypickle.Pickler)\n"
        "if __name__ == '__main__':\n"
        "    print(Parallel(n_jobs=2)(delayed(lambda n: n + 1)(n) for n in range(4)))\n"
    )
    result = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "PYTHONPATH": str(Path(cypickle.__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.stdout == "[1, 2, 3, 4]\n", result.stderr[-3000:]
