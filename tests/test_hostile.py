"""Broken pickles: any byte string gives what the running pickle gives, object or error; nothing crashes."""

import json
import os
import pathlib
import pickle
import pickletools
import subprocess
import sys
import tempfile

import pytest

import hostile
from hostile_rules import excused
from isomorphism import assert_isomorphic

WORKER = pathlib.Path(__file__).with_name("hostile_worker.py")
TIMEOUT = 300
MOST_CRASHES = 5  # of cypickle, after which the rest of a batch is left


def run_worker(inputs, progress, start):
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    environment["PYTHONPATH"] = os.pathsep.join([str(WORKER.parent), *filter(None, sys.path)])
    return subprocess.run(
        [sys.executable, str(WORKER), inputs, progress, str(start)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env=environment,
        check=False,
    )


def compare_all(batch):
    """Run the batch in processes of its own; return the list of failures, a crash of cypickle among them."""
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        inputs, progress = os.path.join(folder, "inputs.json"), os.path.join(folder, "progress")
        pathlib.Path(inputs).write_text(json.dumps([data.hex() for data in batch]))
        start = crashes = 0
        while start < len(batch) and crashes < MOST_CRASHES:
            pathlib.Path(progress).write_text(f"{start} start\n")
            done = run_worker(inputs, progress, start)
            for line in done.stdout.splitlines():
                index, way, difference = json.loads(line)
                failures.append(f"{batch[index]!r} ({way}): {difference}")
            index, side = pathlib.Path(progress).read_text().split()[:2]
            if side == "done":
                assert done.returncode == 0, done.stderr
                break
            assert side in ("ours", "theirs"), done.stderr
            if side == "ours":
                failures.append(
                    f"{batch[int(index)]!r}: cypickle ended the process ({done.returncode}): {done.stderr}"
                )
            crashes += side == "ours"
            start = int(index) + 1
    return failures


def assert_agreement(batch):
    failures = compare_all(batch)
    shown = "\n".join(failure[:600] for failure in failures[:25])
    assert not failures, f"{len(failures)} of {len(batch)} differ:\n{shown}"


def test_every_opcode_has_a_pickle():
    """One hand-written pickle each, which really holds that opcode."""
    assert set(hostile.HAND_WRITTEN) == {opcode.name for opcode in pickletools.opcodes}
    for name, (data, _) in hostile.HAND_WRITTEN.items():
        assert name in {opcode.name for opcode, _, _ in pickletools.genops(data)}


@pytest.mark.parametrize("name", hostile.HAND_WRITTEN)
def test_hand_written(name, cy):
    data, expected = hostile.HAND_WRITTEN[name]
    outcomes = []
    for loads in (pickle.loads, cy.loads):
        try:
            outcomes.append((None, loads(data)))
        except Exception as error:
            outcomes.append((type(error), str(error)))
    (their_error, theirs), (our_error, ours) = outcomes
    assert our_error is their_error
    if our_error is not None:
        assert ours == theirs
        return
    assert_isomorphic(theirs, ours)
    if expected is not None:
        assert type(ours) is type(expected)
        assert ours == expected


def test_prefixes():
    batch = hostile.prefixes()
    assert len(batch) > 5000
    assert_agreement(batch)


def test_single_opcodes():
    assert_agreement(hostile.single_opcodes())


@pytest.mark.parametrize("seed", range(4))
def test_mutations(seed, budget):
    assert_agreement(hostile.mutations(budget(6000, 100000), seed))


@pytest.mark.parametrize("seed", range(2))
def test_programs(seed, budget):
    assert_agreement(hostile.programs(budget(8000, 100000), seed))


def test_claimed_sizes():
    """Lengths and memo indices far beyond the input: an error at once, not an allocation."""
    batch = []
    for code in (b"T", b"X", b"B"):
        batch += [code + claim + b"abc." for claim in (b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\xff" * 4)]
    for code in (b"\x8d", b"\x8e", b"\x96", b"\x95"):
        claims = (b"\xff" * 7 + b"\x7f", b"\xff" * 8, bytes(7) + b"\x80", b"\x00" * 5 + b"\x01\x00\x00")
        batch += [b"\x80\x05" + code + claim + b"abc." for claim in claims]
    batch += [b"\x8b\xff\xff\xff\x7fabc.", b"\x8b\xff\xff\xff\xffabc.", b"\x8b\x00\x00\x00\x80abc."]
    batch += [
        b"Nr\xff\xff\xff\xff.",
        b"Np4294967296\n.",
        b"Np-1\n.",
        b"Nj\xff\xff\xff\xff.",
        b"g99999999999999999999\n.",
    ]
    assert_agreement(batch)


def test_sparse_memo_index(cy):
    """An index of the memo does not size an array."""
    data = b"]r\x00\x00\x00\x7f0j\x00\x00\x00\x7f."
    assert cy.loads(data) == []


def test_excuses_are_narrow():
    """The table excuses a difference in error only where it says so."""
    assert excused(("MemoryError", ""), (None, ""))
    assert not excused(("UnpicklingError", "a"), ("UnpicklingError", "b"))
    assert not excused(("ValueError", "a"), ("TypeError", "a"))
