"""Nesting: as deep as memory and sys.setrecursionlimit() allow, on a small C stack too, and no crash beyond."""

import pathlib
import subprocess
import sys

import pytest

from deep_worker import SHAPES
from processes import run_python

WORKER = pathlib.Path(__file__).with_name("deep_worker.py")
DEPTHS = (70_000, 1_000_000)  # small and large budget; both are beyond every version's default limit
SMALL_STACK = (
    256 if sys.version_info[:2] != (3, 13) else 8192
)  # KB; 3.13 itself crashes when it drops nested lists on 256
MAIN_THREAD = 0
TIMEOUT = 900


def run_worker(shape, depth, stack):
    return run_python(str(WORKER), shape, str(depth), str(stack), seconds=TIMEOUT)


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


NESTED_BY_HOOKS = """
import io, sys, threading
import cypickle

class Dumps:
    def __reduce__(self):
        return cypickle.loads, (cypickle.dumps(self),)

class Dumper:
    def __reduce__(self):
        cypickle.Pickler(io.BytesIO()).dump([self])

class Both:
    def __reduce__(self):
        cypickle.loads(LOADS)

def load_again(data):
    return cypickle.loads(data)

def dump_again():
    return cypickle.dumps(Both())

HEAD = b"c__main__\\n"
DATA = HEAD + b"load_again\\n" + HEAD + b"DATA\\n\\x85R."
LOADS = HEAD + b"dump_again\\n)R."

def check():
    for attempt in (
        lambda: cypickle.dumps(Dumps()),
        lambda: cypickle.dumps(Dumper()),
        lambda: cypickle.loads(DATA),
        dump_again,
    ):
        try:
            attempt()
        except RecursionError:
            print("refused", flush=True)
    print(cypickle.loads(cypickle.dumps([])))

sys.setrecursionlimit(100_000)
threading.stack_size({stack} << 10)
thread = threading.Thread(target=check)
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="how much stack is left is known on Linux only")
@pytest.mark.parametrize("stack", [SMALL_STACK, 1024, 16384])
def test_hooks_that_start_dumps_and_loads_for_ever(stack):
    """RecursionError comes before the thread's C stack is used up."""
    script = NESTED_BY_HOOKS.replace("{stack}", str(stack))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == ["refused"] * 4 + ["[]"]
