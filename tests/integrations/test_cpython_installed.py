"""CPython's own tests of what uses pickle, run by `python -m cypickle run`."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cypickle

pytestmark = pytest.mark.cpython_suite

#: Tests that fail because of what cypickle is, not because of what it does.
EXPECTED = {
    "test.test_pickle": {"SizeofTests.test_pickler", "SizeofTests.test_unpickler"},
}
QUICK = [
    "test.test_pickle",
    "test.test_shelve",
    "test.test_copy",
    "test.test_copyreg",
    "test.test_pickletools",
]
SLOW = ["test.test_concurrent_futures", "test.test_multiprocessing_fork", "test.test_multiprocessing_spawn"]


def run(name, tmp_path, seconds):
    paths = [str(Path(cypickle.__file__).parent.parent), os.environ.get("PYTHONPATH")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    package = importlib.util.find_spec(name).submodule_search_locations is not None
    command = ["-m", "test", name.removeprefix("test.")] if package else ["-m", "unittest", name]
    return subprocess.run(
        [sys.executable, "-m", "cypickle", "run", *command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def check(name, tmp_path, seconds):
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is None:
        pytest.skip(f"this CPython comes without {name}")
    result = run(name, tmp_path, seconds)
    output = result.stdout + result.stderr
    failed = set(re.findall(r"^(?:FAIL|ERROR): \w+ \([\w.]*?(\w+\.\w+)\)", output, re.MULTILINE))
    assert failed == EXPECTED.get(name, set()), output[-5000:]
    assert (result.returncode == 0) == (not failed), output[-5000:]
    assert re.search(r"^Ran [1-9]|run=[1-9]", output, re.MULTILINE)


@pytest.mark.parametrize("name", QUICK)
def test_quick(name, tmp_path):
    check(name, tmp_path, 600)


@pytest.mark.parametrize("name", SLOW)
def test_slow(name, tmp_path, pytestconfig):
    if not pytestconfig.getoption("--large") and os.environ.get("CYPICKLE_TESTS") != "large":
        pytest.skip("takes minutes: runs with --large")
    check(name, tmp_path, 3000)
