"""Hostile data cost no more than their size: memory before an error, and time."""

import contextlib
import io
import json
import pickle
import time
import tracemalloc
from pathlib import Path

import pytest

import cypickle
import hostile
from hostile_worker import names_nothing
from implementations import OneByOne

MOST_MEMORY = 64 << 20  # bytes
SMALL_INPUT = 1024  # bytes
CLAIMS = {
    1: (b"\xff",),
    4: (b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x00\x00\x00\x40"),
    8: (b"\xff" * 7 + b"\x7f", b"\xff" * 8, bytes(7) + b"\x80", bytes(4) + b"\x01\x00\x00\x00"),
}
COUNTED = {
    1: (b"\x8c", b"C", b"U", b"\x8a"),
    4: (b"X", b"B", b"T", b"\x8b"),
    8: (b"\x8d", b"\x8e", b"\x96", b"\x95"),
}
INDEXED = [b"Nr%b.", b"Nr%bj%b.", b"](Nr%b0e."]
DECIMALS = [
    b"Np2147483647\n.",
    b"Np9223372036854775807\n.",
    b"g2147483647\n.",
    b"Np99999999\n0Np199999999\n0.",
]


WAYS = {
    "loads": cypickle.loads,
    "bytes_io": lambda data: cypickle.load(io.BytesIO(data)),
    "peek": lambda data: cypickle.load(io.BufferedReader(io.BytesIO(data), 64)),
    "plain_file": lambda data: cypickle.load(OneByOne(data)),
}


def claims():
    """Pickles of some bytes that claim to be long."""
    found = [*DECIMALS]
    for width, codes in COUNTED.items():
        for code in codes:
            for claim in CLAIMS[width]:
                found += [
                    code + claim,
                    code + claim + b"abc.",
                    b"\x80\x04](" + code + claim + b"a" * 900 + b"e.",
                ]
    for claim in CLAIMS[4]:
        found += [data.replace(b"%b", claim) for data in INDEXED]
    for filler in (b"(", b"]", b"(]", b"}(", b"N\x94", b"]\x94(", b")", b"2", b"\x80\x04"):
        found.append(b"N" + filler * (SMALL_INPUT // len(filler) - 2) + b".")
    found.append(b"L" + b"9" * 1000 + b"\n.")
    found.append(b"F" + b"9" * 1000 + b"\n.")
    return found


def peak_of(load, data):
    """Bytes allocated at most while loading."""
    tracemalloc.clear_traces()
    before = tracemalloc.get_traced_memory()[0]
    with contextlib.suppress(Exception):
        load(data)
    return tracemalloc.get_traced_memory()[1] - before


@pytest.fixture
def traced():
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("way", WAYS)
def test_small_inputs_allocate_little(way, traced):
    """Whatever lengths, frame sizes and memo indices a kilobyte claims."""
    batch = [*claims(), *hostile.programs(300, 7)]
    batch += [data for _, (data, _) in hostile.HAND_WRITTEN.items() if len(data) < SMALL_INPUT]
    assert len(batch) > 400
    for data in batch:
        if names_nothing(data):
            assert len(data) <= SMALL_INPUT
            assert peak_of(WAYS[way], data) < MOST_MEMORY, data


def test_memory_is_measured(traced):
    """The measure sees what loads allocates."""
    assert peak_of(cypickle.loads, pickle.dumps(b"a" * 1_000_000)) > 900_000


# name -> (head, part, tail): the part is repeated
PATTERNS = {
    "marks": (b"", b"(", b"0."),
    "marks_popped": (b"N", b"(1", b"."),
    "lists": (b"", b"]", b"."),
    "nested_lists": (b"]", b"(]", b"."),
    "memoised": (b"", b"N\x94", b"."),
    "sparse_memo": (b"N", b"r\xff\xff\xff\x7f", b"."),
    "numbered_memo": (b"N", b"p5\np1000000\n", b"."),
    "fetched": (b"N\x94", b"h\x00", b"."),
    "duplicated": (b"N", b"2", b"."),
    "appended_one_by_one": (b"]", b"Na", b"."),
    "batches": (b"]", b"(NNe", b"."),
    "empty_batches": (b"]", b"(e", b"."),
    "items_one_by_one": (b"}", b"K\x01Ns", b"."),
    "pairs": (b"}(", b"X\x01\x00\x00\x00aN", b"u."),
    "tuples": (b"N", b"\x85", b"."),
    "frames": (b"\x80\x04N", b"\x95\x01\x00\x00\x00\x00\x00\x00\x00N", b"."),
    "protocols": (b"N", b"\x80\x04", b"."),
    "texts": (b"(", b"I5\n", b"t."),
    "instances": (b"ctest_bounds\nPlain\n\x94(", b"h\x00)\x81}\x94(X\x01\x00\x00\x00aNub", b"t."),
    "states_fetched": (b"ctest_bounds\nPlain\n\x940(", b"h\x00)\x81}q\x01(X\x01\x00\x00\x00aNubh\x01", b"t."),
    "calls_between": (
        b"ctest_bounds\nPlain\nq\x000ctest_bounds\nnothing\nq\x010(",
        b"h\x00)\x81\x94}\x94(X\x01\x00\x00\x00aNubh\x01)R",
        b"t.",
    ),
    "failing_late": (b"](", b"](", b"\xff"),
    "failing_early": (b"](X\x01\x00\x00\x00\xff", b"](e", b"e."),
}


class Plain:
    pass


def nothing():
    return None


def seconds(load, data):
    best = 60.0
    for _ in range(3):
        start = time.process_time()
        with contextlib.suppress(Exception):
            load(data)
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize("name", PATTERNS)
def test_time_is_linear(name):
    """Eight times the input takes about eight times as long: far less than the square of that."""
    head, part, tail = PATTERNS[name]
    for load in (cypickle.loads, lambda data: cypickle.load(io.BytesIO(data))):
        for _ in range(3):  # a busy machine gets another try
            short, long = (seconds(load, head + part * count + tail) for count in (5_000, 40_000))
            if long < 24 * short + 0.02:
                break
        assert long < 24 * short + 0.02, (short, long)


def test_every_program_of_the_corpus_ends_soon():
    """Each stored input of the fuzzer, a thousand times over in one list, in some seconds at most."""
    stored = json.loads((Path(__file__).parent / "fuzz" / "corpus.json").read_text())
    for name, text in stored.items():
        data = bytes.fromhex(text)
        if names_nothing(data):
            assert seconds(cypickle.loads, b"(" + data[:-1] * 1000 + b".") < 5, name


@pytest.mark.parametrize("opcode", [b"I%b\n.", b"L%bL\n."])
def test_digits_are_limited_as_the_interpreter_limits_them(opcode):
    data = opcode % (b"9" * 100_000)
    with pytest.raises(ValueError) as ours:  # noqa: PT011
        cypickle.loads(data)
    with pytest.raises(ValueError) as theirs:  # noqa: PT011
        pickle.loads(data)
    assert str(ours.value) == str(theirs.value)
