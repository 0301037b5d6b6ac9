"""The annotations: mypy on a program that uses the API, on the package itself, and stubtest on the stubs."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import cypickle

ROOT = Path(__file__).resolve().parent.parent
ALLOWLIST = Path(__file__).with_name("stubtest_allowlist.txt")
INSTALLED = Path(cypickle.__file__).resolve().parent

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")

PROGRAM = '''
"""A program that a user may write."""
import io
from typing import Any

import cypickle


class Persistent(cypickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return None

    def reducer_override(self, obj: Any) -> Any:
        return NotImplemented


class Loader(cypickle.Unpickler):
    def persistent_load(self, pid: Any) -> Any:
        return pid

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        return super().find_class(module_name, global_name)


def main() -> None:
    data: bytes = cypickle.dumps([1, 2], protocol=5, fix_imports=True, buffer_callback=None)
    result: Any = cypickle.loads(data, encoding="ASCII", errors="strict", buffers=[b"a"])
    file = io.BytesIO()
    cypickle.dump(result, file, cypickle.HIGHEST_PROTOCOL)
    file.seek(0)
    cypickle.load(file)
    pickler = Persistent(file, cypickle.DEFAULT_PROTOCOL)
    pickler.dispatch_table = {}
    pickler.fast = True
    pickler.dump(1)
    pickler.clear_memo()
    Loader(file, fix_imports=False).load()
    buffer = cypickle.PickleBuffer(b"abc")
    buffer.release()
    try:
        cypickle.loads(b"")
    except (cypickle.PickleError, cypickle.PicklingError, cypickle.UnpicklingError) as error:
        print(error)
    print(cypickle.PROTO, cypickle.STOP, cypickle.__version__)
'''

WRONG = """
import cypickle

data: str = cypickle.dumps(1)
cypickle.loads(5)
cypickle.dumps(1, protocol="4")
"""


def run(module, *arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A folder for mypy's cache, away from the checkout."""
    return tmp_path_factory.mktemp("mypy")


def test_a_program_is_accepted(workspace):
    (workspace / "program.py").write_text(PROGRAM)
    result = run("mypy", "--strict", "program.py", cwd=workspace)
    assert result.returncode == 0, result.stdout


def test_a_wrong_program_is_refused(workspace):
    (workspace / "wrong.py").write_text(WRONG)
    result = run("mypy", "--strict", "wrong.py", cwd=workspace)
    lines = [line for line in result.stdout.splitlines() if "error:" in line]
    assert [line.split(":")[1] for line in lines] == ["4", "5", "6"], result.stdout


@pytest.mark.skipif(not (ROOT / "src").is_dir(), reason="the sources are not beside the tests")
def test_the_package_is_strictly_typed(workspace):
    config = str(ROOT / "pyproject.toml")
    result = run("mypy", "--strict", "--config-file", config, str(ROOT / "src"), cwd=workspace)
    assert result.returncode == 0, result.stdout


def test_the_stubs_match_what_runs(workspace):
    settings = ROOT / "pyproject.toml"
    config = ["--mypy-config-file", str(settings)] if settings.is_file() else []
    config += ["--allowlist", str(ALLOWLIST), "--ignore-unused-allowlist"]
    result = run("mypy.stubtest", "cypickle", "--concise", *config, cwd=workspace)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_package_says_that_it_is_typed():
    assert (INSTALLED / "py.typed").is_file()
    assert {path.name for path in INSTALLED.glob("*.pyi")} >= {"_emitter.pyi", "_machine.pyi"}
