"""ExtensibleUnpickler and broken pickles: the errors of pickle._Unpickler, nothing left behind."""

import gc
import io
import pickle
import random
import sys
import weakref

import pytest

from hostile import HAND_WRITTEN, mutated
from hostile_worker import restricted_class
from processes import limit_memory
from unpickling import OURS, PURE, Plain, graph, graphs, outcome, reads_raw_data, same, written

MEMORY = 1 << 32


@pytest.fixture(autouse=True)
def _memory():
    """The pure class allocates what a pickle claims to hold, and not every system waits until it is used."""
    before = limit_memory(MEMORY)
    yield
    if before is not None:
        limit_memory(before)


def broken():
    for data in graphs((0, 2, 4, 5)):
        step = max(1, len(data) // 60)
        yield from (data[:end] for end in range(0, len(data), step))
    for data, _ in HAND_WRITTEN.values():
        yield from (data[:end] for end in range(len(data)))


def checked(base, log):
    class Checked(restricted_class(base)):
        def persistent_load(self, pid):
            return pid

    return Checked


def test_prefixes():
    for data in broken():
        same(checked, data)


@pytest.mark.parametrize("seed", range(4))
def test_mutations(seed, budget):
    rng = random.Random(seed)
    whole = [pickle.dumps([graph()[at] for at in rng.sample(range(7), 3)], 2 + seed) for _ in range(20)]
    whole += [data for data, _ in HAND_WRITTEN.values()]
    for _ in range(budget(1500, 50_000)):
        data = mutated(rng, rng.choice(whole), rng.choice(whole))
        same(checked, data, rng.choice([io.BytesIO, written]))


def test_claimed_sizes_allocate_nothing():
    for size in (2**33, 2**40, 2**62):
        for op in (pickle.BYTEARRAY8, pickle.BINBYTES8, pickle.BINUNICODE8, pickle.FRAME):
            with pytest.raises((EOFError, pickle.UnpicklingError, MemoryError, OverflowError)):
                OURS(io.BytesIO(b"\x80\x05" + op + size.to_bytes(8, "little") + b"")).load()


def test_no_garbage_is_left():
    whole = list(graphs())

    def tracked():
        for data in whole:
            OURS(io.BytesIO(data)).load()
            reads_raw_data(OURS, [])
            outcome(OURS, data[: len(data) // 2])
        gc.collect()
        return len(gc.get_objects())

    tracked()
    before = tracked()
    assert tracked() <= before + 5


def test_what_was_loaded_goes_with_its_last_reference(protocol):
    data = pickle.dumps([Plain(1), {"a": Plain(2)}, (Plain(3),)], protocol)
    unpickler = OURS(io.BytesIO(data))
    loaded = unpickler.load()
    alive = [weakref.ref(loaded[0]), weakref.ref(loaded[1]["a"]), weakref.ref(loaded[2][0])]
    whole = weakref.ref(unpickler)
    del loaded, unpickler
    gc.collect()
    assert [item() for item in [*alive, whole]] == [None] * 4


def test_references_of_what_is_loaded(protocol):
    counts = []
    for cls in (PURE, OURS):
        loaded = cls(
            io.BytesIO(pickle.dumps([object, Plain([1.5]), ("t" * 100, 2.5), {"k": 3.5}], protocol))
        ).load()
        gc.collect()
        counts.append([sys.getrefcount(item) for item in [*loaded[1:], loaded[1].value, loaded[2][1]]])
    assert counts[0] == counts[1]
