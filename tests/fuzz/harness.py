"""Fuzzing: any bytes loaded in every way, and what they load dumped again and compared with the stdlib's bytes.

    python tests/fuzz/harness.py --seconds 60 [--seed N] [--findings FOLDER]    mutate the corpus, no coverage needed
    python tests/fuzz/harness.py --atheris [libFuzzer's arguments]              the same input function under atheris

atheris is guided by coverage where the core tells it of any: built with CC=clang LDSHARED="clang -shared"
CFLAGS="-fsanitize=address,fuzzer-no-link", run with atheris's asan_with_fuzzer.so as LD_PRELOAD, PYTHONMALLOC=malloc
and ASAN_OPTIONS as in README.  What the stdlib allocates needs -rss_limit_mb=6000 -malloc_limit_mb=100000.

Inputs are kept as text in hex: corpus.json beside this file, and one file in regressions/ for each finding.  A
finding of ours is written to FOLDER before it is run, so that what ends the process has a name.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import pickle
import random
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import cypickle  # noqa: E402
from hostile import mutated  # noqa: E402
from hostile_worker import disagreement, names_nothing, restricted, restricted_class  # noqa: E402
from implementations import OneByOne  # noqa: E402
from isomorphism import assert_isomorphic  # noqa: E402
from oracle import normal  # noqa: E402
from processes import limit_memory  # noqa: E402

MEMORY = 1 << 30
MOST_LOADED = 20_000  # bytes of a dump that is still looked at
ERRORS = (Exception,)


FILES = (io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data), 16), OneByOne)


def tolerant(base):
    """An Unpickler that finds only what does no harm; persistent ids stand for themselves."""

    class Tolerant(restricted_class(base)):
        def persistent_load(self, pid):
            return pid

    return Tolerant


OURS, THEIRS = tolerant(cypickle.Unpickler), tolerant(pickle.Unpickler)


def outcome(load, data):
    """(class of the error or None, its message, the object)"""
    try:
        return None, "", load(data)
    except ERRORS as error:
        return type(error).__name__, normal(str(error)), None


def check_loads(data):
    """Load the data in every way, with the same answer: returns what it is, in a list, or an empty list.

    The stdlib is asked only where files of different kinds get different answers: there are such with it, too.
    """
    results = [outcome(lambda data, make=make: OURS(make(data)).load(), data) for make in FILES]
    if len({result[:2] for result in results}) > 1:
        for make, ours in zip(FILES, results, strict=True):
            theirs = outcome(lambda data, make=make: THEIRS(make(data)).load(), data)
            difference = disagreement(theirs, ours)
            assert difference is None, difference
    if names_nothing(data) and b"P" not in data and b"Q" not in data:
        frozen, changing = outcome(cypickle.loads, data), outcome(cypickle.loads, bytearray(data))
        assert frozen[:2] == changing[:2], (frozen, changing)
        if frozen[0] is None:
            assert_isomorphic(frozen[2], changing[2])
    return [results[0][2]] if results[0][0] is None else []


def check_dumps(obj):
    """What has been loaded is dumped as the stdlib dumps it, and survives that."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        theirs = outcome(lambda obj, p=protocol: pickle.dumps(obj, p), obj)
        ours = outcome(lambda obj, p=protocol: cypickle.dumps(obj, p), obj)
        if "RecursionError" in (theirs[0], ours[0]):
            continue
        assert theirs[:2] == ours[:2], (protocol, theirs[:2], ours[:2])
        assert theirs[2] == ours[2], (protocol, theirs[2], ours[2])
        if ours[0] is None and len(ours[2]) < MOST_LOADED:
            again = outcome(restricted(cypickle.Unpickler), ours[2])
            expected = outcome(restricted(pickle.Unpickler), ours[2])
            assert again[:2] == expected[:2], (protocol, again[:2], expected[:2])
            if again[0] is None:
                assert_isomorphic(expected[2], again[2])


def TestOneInput(data):
    """One input: raises where anything is not as it must be."""
    for obj in check_loads(bytes(data)):
        check_dumps(obj)


def stored(folder=HERE):
    """All stored inputs: corpus and regressions, by name."""
    found = {
        name: bytes.fromhex(text) for name, text in json.loads((folder / "corpus.json").read_text()).items()
    }
    for path in sorted((folder / "regressions").glob("*.txt")):
        found[path.stem] = bytes.fromhex(path.read_text())
    return found


def run(seconds, seed, findings):
    """Mutate stored inputs for so long; returns (executions, findings)."""
    rng = random.Random(seed)
    pool = list(stored().values())
    under_way = Path(findings) / "under-way.txt"
    executions = found = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = rng.choice(pool)
        for _ in range(rng.choice((1, 1, 2, 4))):
            data = mutated(rng, data, rng.choice(pool))
        under_way.write_text(data.hex())
        executions += 1
        try:
            with contextlib.redirect_stdout(None):
                TestOneInput(data)
        except Exception as error:
            found += 1
            name = hashlib.sha256(data).hexdigest()[:12]
            (Path(findings) / f"{name}.txt").write_text(data.hex())
            print(f"{name}: {type(error).__name__}: {str(error)[:300]}", flush=True)
        else:
            if rng.random() < 0.002 and 0 < len(data) < 2000:
                pool.append(data)
    under_way.unlink(missing_ok=True)
    return executions, found


def run_atheris(arguments):
    """Hand the input function to atheris, which is an extra to install, with the stored inputs as its corpus."""
    import atheris

    with tempfile.TemporaryDirectory() as folder:
        for name, data in stored().items():
            (Path(folder) / name).write_bytes(data)
        atheris.Setup([sys.argv[0], *arguments, folder], TestOneInput)
        atheris.Fuzz()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--findings", default=None, help="folder for inputs that fail (default: a new one)")
    parser.add_argument("--atheris", action="store_true")
    options, rest = parser.parse_known_args()
    warnings.simplefilter("ignore")
    if options.atheris:
        run_atheris(rest)
        return 0
    limit_memory(MEMORY)
    findings = options.findings or tempfile.mkdtemp(prefix="cypickle-fuzz-")
    os.makedirs(findings, exist_ok=True)
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    began = time.monotonic()
    executions, found = run(options.seconds, seed, findings)
    took = time.monotonic() - began
    print(f"seed {seed}: {executions} inputs in {took:.0f} s, {found} findings, in {findings}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
