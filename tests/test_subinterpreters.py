"""Beside the main interpreter: each has its own classes and registries, and may end, and harms no other.

The compiled core belongs to the main interpreter (on 3.11 to the first that imports it); others get the standard
library's functions, which are theirs.
"""

import _thread
import textwrap

import pytest

from processes import run_python
from subinterpreters import KINDS, MODULE

TELLS = hasattr(_thread, "_is_main_interpreter")
pytestmark = pytest.mark.skipif(MODULE is None, reason="this build has no module for subinterpreters")

INSIDE = """
import copyreg, pickle, sys, types
import cypickle

module = types.ModuleType("only_here")
sys.modules["only_here"] = module
module.__dict__["__name__"] = "only_here"
exec('''
class Plain:
    def __init__(self):
        self.a, self.b = [1], {2: (3, None)}

class Registered:
    pass

def reduce_registered(obj):
    return str, ("reduced here",)
''', module.__dict__)
copyreg.pickle(module.Registered, module.reduce_registered)
copyreg.add_extension("only_here", "Plain", 77)
graph = [module.Plain(), module.Registered(), module.Plain, {1.5, "text"}, b"bytes"]
for protocol in range(6):
    data = cypickle.dumps(graph, protocol)
    assert data == pickle.dumps(graph, protocol)
    loaded = cypickle.loads(data)
    assert type(loaded[0]) is module.Plain and loaded[0].b == {2: (3, None)}
    assert loaded[1] == "reduced here" and loaded[2] is module.Plain
assert cypickle.DEFAULT_PROTOCOL == pickle.DEFAULT_PROTOCOL
assert set(cypickle.__all__) <= set(dir(cypickle))
cypickle.ExtensiblePickler, cypickle.ExtensibleUnpickler
with cypickle.installed() as report:
    pickle.dumps(1)
assert report == ((), ()) or "cypickle._emitter" in sys.modules
"""

OUTSIDE = """
import copyreg, pickle, sys
import cypickle

class Plain:
    def __init__(self):
        self.a = [1, "a"]

def works():
    graph = [Plain(), {1: Plain}, 1j]
    for protocol in range(6):
        data = cypickle.dumps(graph, protocol)
        assert data == pickle.dumps(graph, protocol)
        assert cypickle.loads(data)[0].a == [1, "a"]
    assert "only_here" not in sys.modules and 77 not in copyreg._inverted_registry

works()
"""


def run_program(*parts):
    """What they print, one after the other."""
    code = "from subinterpreters import create, destroy, run\nINSIDE = " + repr(INSIDE)
    code += "\n" + "\n".join(textwrap.dedent(part) for part in parts)
    run = run_python("-X", "faulthandler", "-c", code, seconds=120)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_a_subinterpreter_beside_the_main_one(kind):
    steps = f"""
        for _ in range(3):
            other = create({kind!r})
            run(other, INSIDE)
            works()
            run(other, "cypickle.loads(cypickle.dumps(graph))")
            destroy(other)
            works()
    """
    run_program(OUTSIDE, steps)


@pytest.mark.parametrize("kind", KINDS)
def test_a_subinterpreter_that_imports_first(kind):
    """It does not take the core from the main interpreter, which has it after the other's end, too."""
    before = f"other = create({kind!r})\nrun(other, INSIDE)"
    after = "destroy(other)\nworks()\nprint('cypickle._emitter' in sys.modules)"
    expected = "True\n" if TELLS else "False\n"
    assert run_program(before, OUTSIDE, after) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_threads_in_many_interpreters(kind):
    """Each runs in a thread of its own, while the main one goes on."""
    steps = f"""
        import threading
        failures = []

        def live():
            try:
                other = create({kind!r})
                run(other, INSIDE)
                destroy(other)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=live) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            works()
        for thread in threads:
            thread.join()
        assert failures == [], failures
    """
    run_program(OUTSIDE, steps)


@pytest.mark.skipif(not TELLS, reason="this version does not tell which interpreter is the main one")
def test_what_needs_the_core_says_so():
    """Such modules are refused at once: another attempt in the main interpreter succeeds."""
    inside = textwrap.dedent("""
        import cypickle
        try:
            import cypickle.integrations.cloudpickle
        except ImportError as error:
            assert error.name == "cypickle._emitter" and "only the main interpreter" in str(error)
        else:
            assert False
    """)
    run_program(f"other = create('legacy')\nrun(other, {inside!r})\nimport cypickle._emitter\ndestroy(other)")


@pytest.mark.skipif(not TELLS, reason="this version does not tell which interpreter is the main one")
def test_a_version_that_does_not_tell():
    """3.12.0: the interpreter itself refuses the core to those with a GIL of their own."""
    inside = "import _thread, pickle; del _thread._is_main_interpreter; import cypickle"
    inside += "; assert cypickle.dumps is pickle.dumps"
    run_program(
        f"other = create('isolated')\nrun(other, {inside!r})\nimport cypickle._emitter\ndestroy(other)"
    )
