"""What CPython is told of new objects: the collector of containers, a tracer of references of all."""

import gc
import pickle
import subprocess
import sys
import sysconfig
import weakref

import pytest

import cypickle
from implementations import PROTOCOLS

ATOM = "x" * 20


class Node:
    pass


def tuples_in(value, found):
    """Collect all tuples, in the order in which they are met."""
    if isinstance(value, tuple):
        found.append(value)
    if isinstance(value, (tuple, list)):
        for item in value:
            tuples_in(item, found)
    return found


def graph():
    atoms = (1, 2.5, ATOM, None, b"bytes", 10**30)
    small = [atoms[:n] for n in range(6)]
    return [
        *small,
        tuple(range(1000, 1060)),
        (tuple(small), (small[2], [1])),
        ({},),
        ([],),
        (1, {"a": 1}),
        (Node, 1),
        (Node(), 1),
        ({1},),
        ((), ((), (1000, ()))),
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tuples_are_tracked_as_after_a_collection(protocol):
    """The collector leaves a tuple alone once it has seen that there is nothing in it for it."""
    data = pickle.dumps(graph(), protocol)
    expected = pickle.loads(data)
    for _ in range(5):  # one for each level, as it may come to the outer tuple first
        gc.collect()
    ours = tuples_in(cypickle.loads(data), [])
    for mine, theirs in zip(ours, tuples_in(expected, []), strict=True):
        assert gc.is_tracked(mine) >= gc.is_tracked(theirs)
    for _ in range(5):
        gc.collect()
    for mine, theirs in zip(ours, tuples_in(expected, []), strict=True):
        assert gc.is_tracked(mine) == gc.is_tracked(theirs)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tuples_of_atoms_are_not_tracked(protocol):
    made = cypickle.loads(pickle.dumps([(1, 2.5), ((ATOM,), 3), ([],)], protocol))
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert [gc.is_tracked(item) for item in made] == [False, False, True]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cycles_through_tuples_are_collected(protocol):
    node = Node()
    node.around = ((1, 2), (node, ATOM), [(node,)])
    made = cypickle.loads(cypickle.dumps(node, protocol))
    assert made.around[1][0] is made.around[2][0][0] is made
    alive = weakref.ref(made)
    del made
    gc.collect()
    assert alive() is None


TRACED = """
import cypickle, _testcapi
data = cypickle.dumps([f"text number {i}" for i in range(100)] + list(range(10**6, 10**6 + 50)))
_testcapi.toggle_reftrace_printer(True)
made = cypickle.loads(data)
_testcapi.toggle_reftrace_printer(False)
"""


def test_a_tracer_sees_the_objects():
    """One that is set when the load begins."""
    if not hasattr(pytest.importorskip("_testcapi"), "toggle_reftrace_printer"):
        pytest.skip("nobody traces references before 3.13")
    ran = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True, check=True)
    lines = ran.stdout.splitlines()
    assert lines.count("CREATE str") >= 100
    assert lines.count("CREATE int") >= 50
