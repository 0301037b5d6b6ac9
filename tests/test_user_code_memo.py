"""Pickler.memo and Pickler.bin as user code assigns them; and collections that take away what dumps has at hand."""

import collections
import contextlib
import gc
import io
import pickle
import types

import pytest

import cypickle
import shapes
from corpus import CORPUS
from oracle import both, outcome
from test_leaks import assert_stable, frozen  # noqa: F401


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


def test_bin_may_differ_from_the_protocol(protocol):
    """Each object of the corpus, then all together that can be written."""
    binary = 0 if protocol else 1

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
        data = [shapes.Tagged(1) for _ in range(30)]
        data.append(types.FunctionType(outcome.__code__, {}, "nowhere"))
        with collecting(data.clear, after):
            result = outcome(cypickle.dumps, data, 4)
        # RuntimeError: from 3.15 on a list may not change.
        assert result.error in (None, AttributeError, pickle.PicklingError, RuntimeError)


def test_the_collector_may_clear_the_memo_that_is_copied():
    for after in (1, 20, 300, 500, 3000):
        pickler = cypickle.Pickler(io.BytesIO(), 4)
        pickler.dump([[i] for i in range(2000)])
        with collecting(pickler.clear_memo, after):
            items = pickler.memo.copy()
        assert all(key == id(obj) for key, (_, obj) in items.items())
        assert [index for index, _ in items.values()] == list(range(len(items)))
        assert [obj for _, obj in items.values()][1:] == [[i] for i in range(len(items) - 1)]
