"""The stdlib as oracle: the same call on cypickle and on the running C pickle, and what comes of it."""

import re
import sys
from dataclasses import dataclass, replace
from io import BytesIO

from implementations import C_PICKLE, CYPICKLE, PROTOCOLS

HAS_PATH_NOTES = sys.version_info >= (3, 14)  # from there on the stdlib's own errors carry notes
MODULE_NAME = re.compile(r"\b(?:_pickle|cypickle(?:\._\w+)?)\.")
POSITION = re.compile(
    r"\bat byte \d+"
)  # in the first note of our errors of loads, which the stdlib's have not
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def normal(text):
    """A message without what must differ: the module's name and addresses."""
    return ADDRESS.sub("0x", MODULE_NAME.sub("", text))


@dataclass(frozen=True)
class Outcome:
    """What a call did: the value that it returned, or the error that it raised; what was seen on the way."""

    value: object = None
    error: type | None = None
    message: str = ""
    notes: tuple = ()
    seen: tuple = ()


def outcome(function, *args, **kwargs):
    """Call, and return an Outcome."""
    try:
        value = function(*args, **kwargs)
    except Exception as error:
        notes = tuple(normal(note) for note in getattr(error, "__notes__", ()))
        if not HAS_PATH_NOTES or any(POSITION.search(note) for note in notes):
            notes = ()
        return Outcome(error=type(error), message=normal(str(error)), notes=notes)
    return Outcome(value=value)


def dump_bytes(implementation, obj, protocol, **options):
    """What a fresh Pickler writes, also when it fails half way: returns (bytes, Outcome of dump)."""
    file = BytesIO()
    result = outcome(implementation.Pickler(file, protocol, **options).dump, obj)
    return file.getvalue(), result


def both(scenario, *args):
    """Run `scenario(implementation, seen, *args)` on the oracle and on cypickle: returns the two Outcomes.

    `seen` is a list of the run's own, to log calls into.
    """
    results = []
    for implementation in (C_PICKLE, CYPICKLE):
        seen = []
        result = outcome(scenario, implementation, seen, *args)
        results.append(replace(result, seen=tuple(seen)))
    return tuple(results)


def dump_outcomes(make, **options):
    """dumps(make()) for every protocol: a list of (protocol, oracle's Outcome, cypickle's Outcome)."""
    return [
        (
            protocol,
            outcome(C_PICKLE.dumps, make(), protocol, **options),
            outcome(CYPICKLE.dumps, make(), protocol, **options),
        )
        for protocol in PROTOCOLS
    ]


class Table(dict):
    """Named cases; a case is added once."""

    def add(self, name, value):
        if name in self:
            raise KeyError(f"two cases are named {name}")
        self[name] = value

    def case(self, function):
        """Decorator: the function is the case, under its own name."""
        self.add(function.__name__, function)
        return function

    def scenario(self, run):
        """Decorator: `run(implementation, seen, protocol)` becomes one case for each protocol."""

        def at(protocol):
            return lambda implementation, seen: run(implementation, seen, protocol)

        for protocol in PROTOCOLS:
            self.add(f"{run.__name__}_p{protocol}", at(protocol))
        return run


def to_file(implementation, obj, protocol):
    """What a Pickler writes to a file."""
    file = BytesIO()
    implementation.Pickler(file, protocol).dump(obj)
    return file.getvalue()
