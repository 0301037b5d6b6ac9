"""`python -m cypickle run`: programs run as by the interpreter itself, with cypickle in the place of pickle."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cypickle

METHODS = multiprocessing.get_all_start_methods()
RUN = ("-m", "cypickle", "run")

PROGRAM = """
import multiprocessing, pickle, sys
from concurrent.futures import ProcessPoolExecutor

def which(_):
    import cypickle, multiprocessing.queues as queues
    return pickle.dumps is cypickle.dumps, issubclass(queues._ForkingPickler, cypickle.Pickler)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        print(*sorted(set(pool.map(which, range(4)))))
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        print(*set(pool.map(which, range(2))))
    print(which(0), sys.argv[1:], __file__.endswith("program.py"), __name__)
    sys.exit(7)
"""


def python(*arguments, folder, **options):
    paths = [str(Path(cypickle.__file__).parent.parent), os.environ.get("PYTHONPATH")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 60, **options}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, check=False, **options)


def run(*arguments, folder, **options):
    return python(*RUN, *arguments, folder=folder, **options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("by", ["script", "module"])
def test_run_installs_in_workers_too(method, by, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    target = ["program.py"] if by == "script" else ["-m", "program"]
    result = run(*target, method, folder=tmp_path)
    ours = "(True, True)"
    assert result.stderr == ""
    assert result.stdout == f"{ours}\n{ours}\n{ours} ['{method}'] True __main__\n"
    assert result.returncode == 7


UNUSUAL_PATH = """
import multiprocessing, pathlib, sys
import cypickle

def work(answer):
    import pickle
    answer.send(pickle.dumps is cypickle.dumps)

if __name__ == "__main__":
    sys.path += [pathlib.Path("folder"), b"other"]
    cypickle.install()
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(writer,))
    process.start()
    writer.close()
    assert reader.recv()
    process.join()
    assert process.exitcode == 0
"""


def test_a_spawned_worker_starts_whatever_the_path_holds(tmp_path):
    (tmp_path / "program.py").write_text(UNUSUAL_PATH)
    result = run("program.py", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")


def test_run_of_a_package_and_a_folder(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(
        "import cypickle, pickle, sys; print(pickle.dumps is cypickle.dumps, sys.argv[1:])"
    )
    for target in (["-m", "package"], ["package"]):
        result = run(*target, "--option", folder=tmp_path)
        assert (result.stdout, result.stderr) == ("True ['--option']\n", "")


def test_run_reports(tmp_path):
    (tmp_path / "empty.py").write_text("")
    result = run("--report", "empty.py", folder=tmp_path)
    assert result.returncode == 0
    assert "  pickle.dumps\n" in result.stderr


def test_classes_of_the_main_module_survive_a_pickle(tmp_path):
    (tmp_path / "program.py").write_text(
        "import atexit, pickle\nclass A: pass\n"
        "def late(): print(type(pickle.loads(pickle.dumps(A()))))\natexit.register(late); late()\n"
    )
    result = run("program.py", folder=tmp_path)
    assert (result.stdout, result.stderr) == ("<class '__main__.A'>\n" * 2, "")


# ---- as the interpreter itself ---------------------------------------------------------------------


def same_as_python(*arguments, folder, **options):
    """Run with and without cypickle: standard output, exit status, and the last line of standard error are the same."""
    theirs, ours = (python(*how, *arguments, folder=folder, **options) for how in ((), RUN))
    assert ours.returncode == theirs.returncode, ours.stderr
    assert ours.stdout == theirs.stdout
    assert (ours.stderr or "").splitlines()[-1:] == (theirs.stderr or "").splitlines()[-1:]
    return ours


SHOW = """
import sys
print(sys.argv, __name__, __file__, __package__, __spec__ and __spec__.name, type(__loader__).__name__)
print(sys.path[0], type(__builtins__).__name__, sorted(vars()), sys.modules["__main__"].__dict__ is vars())
"""


@pytest.mark.parametrize("arguments", [["--", "a", "--report"], ["-h", "--", "", "-m", "x"]])
@pytest.mark.parametrize("target", ["show.py", "folder/../show.py", "folder", "archive.pyz", "compiled.pyc"])
def test_scripts_see_what_they_would_see(target, arguments, tmp_path):
    import py_compile
    import zipfile

    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "show.py", tmp_path / "folder" / "__main__.py"):
        path.write_text(SHOW)
    with zipfile.ZipFile(tmp_path / "archive.pyz", "w") as archive:
        archive.writestr("__main__.py", SHOW)
    py_compile.compile(str(tmp_path / "show.py"), str(tmp_path / "compiled.pyc"))
    if target != "compiled.pyc":  # its loader is another class, which nobody asks for
        same_as_python(target, *arguments, folder=tmp_path)
    assert str([target, *arguments]) in run(target, *arguments, folder=tmp_path).stdout


@pytest.mark.parametrize("option", [["-m", "package.show"], ["-mpackage.show"], ["-m", "package"]])
def test_modules_see_what_they_would_see(option, tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("import sys\nprint(sys.argv, __name__)\n")
    for name in ("show.py", "__main__.py"):
        (tmp_path / "package" / name).write_text(SHOW)
    same_as_python(*option, "--", "-m", "x", folder=tmp_path)


def test_a_package_finds_cypickle_as_it_is_imported(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("from pickle import Pickler, dumps\n")
    (tmp_path / "package" / "__main__.py").write_text(
        "import cypickle, package\nprint(package.dumps is cypickle.dumps, package.Pickler is cypickle.Pickler)\n"
    )
    assert run("-m", "package", folder=tmp_path).stdout == "True True\n"


@pytest.mark.parametrize(
    "target", [["-m", "missing"], ["missing.py"], ["-m", "broken"], ["-m", "broken.part"], ["syntax.py"]]
)
def test_what_cannot_be_run_is_said_as_by_the_interpreter(target, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("import no_such_module\n")
    (tmp_path / "broken" / "part.py").write_text("")
    (tmp_path / "syntax.py").write_text("1 +\n")
    result = same_as_python(*target, folder=tmp_path)
    assert result.returncode != 0
    if target[-1].startswith("broken"):
        assert "No module named 'no_such_module'" in result.stderr
        assert "in <module>\n    import no_such_module" in result.stderr


ENDS = {
    "BrokenPipeError": "raise BrokenPipeError",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "exit": "import sys; sys.exit('a word')",
    "exit 3": "import sys; sys.exit(3)",
    "exit None": "import sys; sys.exit()",
    "error": "1 / 0",
    "stdout closed": "import sys; print('x'); sys.stdout.close()",
    "stdout None": "import sys; sys.stdout = None",
    "stdout other": "import io, sys; sys.stdout = io.StringIO()",
    "at exit": "import atexit; atexit.register(print, 'late')",
    "thread": "import threading, time; threading.Thread(target=lambda: (time.sleep(.2), print('thread'))).start()",
}


@pytest.mark.parametrize("name", ENDS)
def test_programs_end_as_they_would(name, tmp_path):
    (tmp_path / "program.py").write_text(ENDS[name] + "\n")
    same_as_python("program.py", folder=tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_interrupt_ends_the_program_by_its_signal(tmp_path):
    (tmp_path / "program.py").write_text("raise KeyboardInterrupt\n")
    assert run("program.py", folder=tmp_path).returncode == -signal.SIGINT


def test_nothing_else_is_imported(tmp_path):
    (tmp_path / "program.py").write_text("import sys\nprint(*sorted(sys.modules))\n")
    (tmp_path / "installed.py").write_text(
        "import cypickle\ncypickle.install()\nimport sys\nprint(*sys.modules)\n"
    )
    modules = set(run("program.py", folder=tmp_path).stdout.split())
    known = set(python("installed.py", folder=tmp_path).stdout.split())
    assert modules - known <= {"cypickle._run", "pkgutil", "zipimport"}


def test_mistakes_and_help(tmp_path):
    for arguments, words in (
        ([], "nothing to run"),
        (["--bad"], "unknown option --bad"),
        (["-m"], "nothing to run"),
    ):
        result = run(*arguments, folder=tmp_path)
        assert result.returncode == 2
        assert words in result.stderr
    assert "usage: python -m cypickle run" in run("--help", folder=tmp_path).stdout
    listing = python("-m", "cypickle", "--help", folder=tmp_path)
    assert "Run a program with cypickle" in listing.stdout
