"""Several threads at once: results or RuntimeError, never a crash.  With a GIL, too, where they interleave less."""

import io
import os
import pathlib
import pickle
import subprocess
import sys
import threading

import pytest

import cypickle
from processes import FREE_THREADED, run_python
from racing import RACES

PROGRAM = pathlib.Path(__file__).with_name("racing.py")
SECONDS = (1.5, 30) if FREE_THREADED else (0.3, 5)  # small and large budget


@pytest.mark.parametrize("name", RACES)
def test_race(name, budget):
    run = run_python(str(PROGRAM), name, str(budget(*SECONDS)), seconds=300)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout


@pytest.mark.skipif(
    not hasattr(sys, "_is_gil_enabled") or os.environ.get("PYTHON_GIL", "") == "1",
    reason="versions without free-threaded builds, or one that was told to have a GIL",
)
def test_importing_does_not_turn_the_gil_on():
    code = "import sys; before = sys._is_gil_enabled(); import cypickle, cypickle._extensible; "
    code += "print(before == sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert (run.stdout, run.stderr) == ("True\n", "")


class Waiting:
    """Waits, while it is pickled or loaded, until the other thread has had its turn."""

    turn = None

    def __reduce__(self):
        self.turn()
        return Waiting.load, ()

    @staticmethod
    def load():
        Waiting.turn()


@pytest.fixture
def meanwhile():
    """Calls a function in another thread as soon as a Waiting is met; gives what it raised."""
    errors = []

    def call(function):
        def run():
            try:
                function()
            except Exception as error:
                errors.append(error)

        def turn():
            Waiting.turn = staticmethod(lambda: None)
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

        Waiting.turn = staticmethod(turn)
        return errors

    return call


PICKLER = {
    "dump": lambda pickler: pickler.dump([1]),
    "init": lambda pickler: pickler.__init__(io.BytesIO()),
    "clear_memo": lambda pickler: pickler.clear_memo(),
    "memo": lambda pickler: setattr(pickler, "memo", {}),
    "memo_clear": lambda pickler: pickler.memo.clear(),
    "memo_copy": lambda pickler: pickler.memo.copy(),
    "dispatch_table": lambda pickler: setattr(pickler, "dispatch_table", {}),
}
UNPICKLER = {
    "load": lambda unpickler: unpickler.load(),
    "init": lambda unpickler: unpickler.__init__(io.BytesIO()),
    "memo": lambda unpickler: setattr(unpickler, "memo", {}),
    "memo_clear": lambda unpickler: unpickler.memo.clear(),
    "memo_copy": lambda unpickler: unpickler.memo.copy(),
}


@pytest.mark.parametrize("name", PICKLER)
def test_a_pickler_in_another_thread(name, meanwhile):
    """Refused while a dump is under way; with a GIL, what hooks may do as well is allowed."""
    file = io.BytesIO()
    pickler = cypickle.Pickler(file, 4)
    errors = meanwhile(lambda: PICKLER[name](pickler))
    pickler.dump([Waiting(), "a"])
    if FREE_THREADED or name in ("dump", "init"):
        assert [(type(error), str(error)) for error in errors] == [
            (RuntimeError, "Pickler object is already used")
        ]
    else:
        assert errors == []
    assert pickle.loads(file.getvalue()) == [None, "a"]
    PICKLER[name](pickler)


@pytest.mark.parametrize("name", UNPICKLER)
def test_an_unpickler_in_another_thread(name, meanwhile):
    Waiting.turn = staticmethod(lambda: None)
    data = pickle.dumps([Waiting(), "a"], 4)
    unpickler = cypickle.Unpickler(io.BytesIO(data * 2))
    errors = meanwhile(lambda: UNPICKLER[name](unpickler))
    assert unpickler.load() == [None, "a"]
    if FREE_THREADED or name in ("load", "init"):
        assert [(type(error), str(error)) for error in errors] == [
            (RuntimeError, "Unpickler object is already used")
        ]
    else:
        assert errors == []
    UNPICKLER[name](unpickler)


@pytest.mark.skipif(
    not FREE_THREADED, reason="with a GIL they allow what pickle._Pickler and _Unpickler allow"
)
def test_extensible_ones_in_another_thread(meanwhile):
    file = io.BytesIO()
    pickler = cypickle.ExtensiblePickler(file, 4)
    errors = meanwhile(lambda: pickler.dump([1]))
    pickler.dump([Waiting(), "a"])
    unpickler = cypickle.ExtensibleUnpickler(io.BytesIO(file.getvalue()))
    meanwhile(unpickler.load)
    assert unpickler.load() == [None, "a"]
    assert [(type(error), str(error)) for error in errors] == [
        (RuntimeError, "ExtensiblePickler object is already used"),
        (RuntimeError, "ExtensibleUnpickler object is already used"),
    ]


def test_a_pickler_that_threads_take_in_turns():
    """It belongs to no thread between two uses."""
    file = io.BytesIO()
    pickler = cypickle.Pickler(file)
    shared = ["shared"]

    def dump():
        pickler.dump(shared)

    for _ in range(3):
        thread = threading.Thread(target=dump)
        thread.start()
        thread.join()
    expected = io.BytesIO()
    stdlib = pickle.Pickler(expected)
    for _ in range(3):
        stdlib.dump(shared)
    assert file.getvalue() == expected.getvalue()
