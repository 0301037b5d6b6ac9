"""Pickles that older CPythons wrote (data/write_pickles.py), loaded by cypickle and by the running pickle."""

import base64
import json
import pathlib
import pickletools
import sys
import zlib

import pytest

from implementations import C_PICKLE, CYPICKLE
from isomorphism import assert_isomorphic

DATA = pathlib.Path(__file__).parent / "data"
sys.path.insert(0, str(DATA))

import old_shapes  # noqa: E402 - from the folder above

FILES = sorted(DATA.glob("pickles-*.json"))
STORED = {path.stem.removeprefix("pickles-"): json.loads(path.read_text())["pickles"] for path in FILES}
CASES = [(version, name) for version, pickles in STORED.items() for name in pickles]
ENCODINGS = ("ASCII", "latin1", "bytes")

# Where Python 2's str, loaded as text, is not what the same source means on Python 3.
PYTHON2_VALUES = {
    "bytes": ["", "plain", "\x00\xff" * 200],
    "range": [0, 1, 2],
}


def unpack(text):
    return zlib.decompress(base64.b64decode(text))


def attempt(loads, data, encoding):
    """The object, or the error as (class, message)."""
    try:
        return "loaded", loads(data, encoding=encoding)
    except Exception as error:
        return type(error), str(error)


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def stored(request):
    """(version, object name, {protocol: pickle})"""
    version, name = request.param
    return version, name, {int(number): unpack(text) for number, text in STORED[version][name].items()}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_loads_as_the_stdlib_does(stored, encoding):
    for data in stored[2].values():
        (ours, our_value), (theirs, their_value) = (
            attempt(one.loads, data, encoding) for one in (CYPICKLE, C_PICKLE)
        )
        assert ours == theirs
        if ours == "loaded":
            assert_isomorphic(our_value, their_value)
        else:
            assert our_value == their_value


def test_loads_what_was_stored(stored):
    version, name, pickles = stored
    python2 = version.startswith("2.")
    expected = PYTHON2_VALUES[name] if python2 and name in PYTHON2_VALUES else old_shapes.OBJECTS[name]()
    for data in pickles.values():
        value = CYPICKLE.loads(data, encoding="latin1") if python2 else CYPICKLE.loads(data)
        assert_isomorphic(expected, value, ordered=not python2)


@pytest.mark.parametrize("version", [version for version in STORED if version.startswith("3")])
def test_fix_imports_off(version):
    """Names of Python 2 in the pickles of Python 3 are taken as they stand."""
    for name in ("classes", "functions", "exceptions"):
        for protocol, text in STORED[version][name].items():
            outcomes = []
            for one in (CYPICKLE, C_PICKLE):
                try:
                    outcomes.append(("loaded", repr(one.loads(unpack(text), fix_imports=False))))
                except ImportError as error:
                    outcomes.append(("refused", str(error)))
            assert outcomes[0] == outcomes[1]
            assert (outcomes[0][0] == "refused") == (protocol in "012")


def test_every_version_and_protocol_is_there():
    highest = {
        version: max(int(p) for item in pickles.values() for p in item) for version, pickles in STORED.items()
    }
    assert {version for version in highest if version.startswith("2")} == {"2.7", "2.7-cPickle"}
    assert {highest[version] for version in ("2.7", "2.7-cPickle")} == {2}
    assert {version for version in highest if version.startswith("3")} == {f"3.{n}" for n in range(6, 14)}
    assert [highest[f"3.{n}"] for n in range(6, 14)] == [4, 4, 5, 5, 5, 5, 5, 5]


def test_python2_pickles_hold_what_only_python2_writes():
    names = {
        opcode.name
        for pickles in (STORED["2.7"], STORED["2.7-cPickle"])
        for name in ("old", "old_init_args", "ints", "big_ints", "native_str", "unicode")
        for text in pickles[name].values()
        for opcode, _, _ in pickletools.genops(unpack(text))
    }
    assert {"INST", "OBJ", "STRING", "BINSTRING", "SHORT_BINSTRING", "LONG", "INT", "UNICODE"} <= names
