"""Nesting: as deep as memory and sys.setrecursionlimit() allow, on a small C stack too, and no crash beyond."""

import os
import pathlib
import subprocess
import sys

import pytest

from deep_worker import SHAPES

WORKER = pathlib.Path(__file__).with_name("deep_worker.py")
DEPTHS = (40_000, 1_000_000)  # small and large budget; both are beyond every version's default limit
SMALL_STACK = 256  # KB
MAIN_THREAD = 0
TIMEOUT = 900


def run_worker(shape, depth, stack):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        [sys.executable, str(WORKER), shape, str(depth), str(stack)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env=environment,
        check=False,
    )


@pytest.mark.parametrize(
    ("shape", "stack"),
    [*((shape, SMALL_STACK) for shape in SHAPES), ("dict", MAIN_THREAD), ("set", MAIN_THREAD)],
)
def test_deep_shape(shape, stack, budget):
    """Refused at the limit in force, pickled and loaded once that is raised, and dropped: by every protocol."""
    run = run_worker(shape, budget(*DEPTHS), stack)
    assert (run.returncode, run.stderr) == (0, "")
    protocols = 4 if shape == "slotted" else 6
    assert run.stdout.split() == ["refused"] * protocols + ["accepted"] * protocols + ["filed", "dropped"]
