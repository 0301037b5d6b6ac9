"""Load broken pickles with the running pickle and with cypickle, and print where they disagree.

    python hostile_worker.py INPUTS.json PROGRESS START

Runs in a process of its own: before each load the file PROGRESS says which input and which side is next, so
that a crash has a name. Prints one line of JSON for each disagreement.
"""

import contextlib
import io
import json
import pickle
import signal
import sys
import warnings

import cypickle
import shapes
from hostile_rules import excused
from isomorphism import assert_isomorphic
from oracle import normal
from processes import limit_memory

MEMORY = 1 << 30
SECONDS = 10  # for one load; then the process is ended, which reads like a crash
BUILTINS = {"int", "float", "complex", "bytes", "str", "bytearray", "object"}
ALLOWED = {
    "builtins": BUILTINS,
    "__builtin__": BUILTINS,
    "collections": {"OrderedDict", "defaultdict", "deque", "Counter"},
    "datetime": {"datetime", "date", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "fractions": {"Fraction"},
    "copy_reg": {"_reconstructor"},
    "copyreg": {"_reconstructor", "__newobj__"},
    "_codecs": {"encode"},
    "shapes": {name for name, value in vars(shapes).items() if isinstance(value, type)},
}


def restricted_class(base):
    """A subclass of an Unpickler that finds only what does no harm."""

    class Restricted(base):
        def find_class(self, module, name):
            if name not in ALLOWED.get(module, ()):
                raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
            return super().find_class(module, name)

    return Restricted


def restricted(base):
    """loads() by such a class."""
    cls = restricted_class(base)
    return lambda data: cls(io.BytesIO(data)).load()


def names_nothing(data):
    """Without these bytes, no pickle can name a global, and the plain functions may run."""
    return not any(code in data for code in (b"c", b"i", b"\x93", b"\x82", b"\x83", b"\x84"))


def outcome(load, data):
    """(class of the error or None, its message, the object)"""
    try:
        return None, "", load(data)
    except Exception as error:
        return type(error).__name__, normal(str(error)), None


def disagreement(theirs, ours):
    """What differs between two outcomes, or None."""
    if excused(theirs[:2], ours[:2]):
        return None
    if theirs[:2] != ours[:2]:
        return f"stdlib {theirs[0] or 'loads'}: {theirs[1]} | cypickle {ours[0] or 'loads'}: {ours[1]}"
    if theirs[0] is None:
        try:
            assert_isomorphic(theirs[2], ours[2])
        except AssertionError as error:
            return f"loads another object: {error}"
    return None


def main():
    inputs, progress_path, start = sys.argv[1], sys.argv[2], int(sys.argv[3])
    limit_memory(MEMORY)
    warnings.simplefilter("ignore")
    with open(inputs) as file:
        batch = [bytes.fromhex(text) for text in json.load(file)]
    pairs = {"restricted": (restricted(pickle.Unpickler), restricted(cypickle.Unpickler))}
    pairs["plain"] = (pickle.loads, cypickle.loads)
    with open(progress_path, "r+b", buffering=0) as progress:

        def next_is(index, side):
            progress.seek(0)
            progress.write(f"{index} {side:6}\n".encode())
            if hasattr(signal, "alarm"):
                signal.alarm(SECONDS)

        for index in range(start, len(batch)):
            data = batch[index]
            for way in ("restricted", "plain") if names_nothing(data) else ("restricted",):
                next_is(index, "theirs")
                with contextlib.redirect_stdout(sys.stderr):
                    theirs = outcome(pairs[way][0], data)
                next_is(index, "ours")
                ours = outcome(pairs[way][1], data)
                difference = disagreement(theirs, ours)
                if difference is not None:
                    print(json.dumps([index, way, difference]), flush=True)
        next_is(len(batch), "done")


if __name__ == "__main__":
    main()
