"""The sdist holds all that a build needs; a wheel built from it works in a fresh environment."""

import importlib.util
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("setuptools", "Cython")

pytestmark = [
    pytest.mark.packaging,
    pytest.mark.skipif(not (ROOT / "setup.py").is_file(), reason="the sources are not beside the tests"),
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in NEEDED),
        reason="the build requirements are not installed",
    ),
]

ROUND_TRIP = """
import pickle, cypickle
data = [1, 2.5, "text", {"k": (None, b"bytes")}, print]
for protocol in range(6):
    assert cypickle.dumps(data, protocol) == pickle.dumps(data, protocol)
    assert cypickle.loads(cypickle.dumps(data, protocol)) == data
print(cypickle.__file__)
"""


def call_backend(hook, source, target):
    """Call the build backend as a build front end does, with what is installed here: no network."""
    script = f"import sys, setuptools.build_meta as backend; print(backend.{hook}(sys.argv[1]))"
    run = subprocess.run(
        [sys.executable, "-c", script, str(target)], cwd=source, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return target / run.stdout.strip().splitlines()[-1]


def copy_of_sources(folder):
    """The checkout without its build products: the backend writes into the source folder."""
    names = ["pyproject.toml", "setup.py", "src", "_speedups", "tests", "LICENSE", "README.md"]
    command = ["tar", "-cf", "-", "--exclude=*.so", "--exclude=*.egg-info", "--exclude=__pycache__", *names]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-xf", "-", "-C", str(folder)], input=archive, check=True)
    return folder


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    source = copy_of_sources(tmp_path_factory.mktemp("source"))
    return call_backend("build_sdist", source, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return call_backend("build_wheel", source, tmp_path_factory.mktemp("wheel"))


def test_the_sdist_holds_every_source(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    folders = [ROOT / "_speedups", ROOT / "src", ROOT / "tests"]
    suffixes = (".pyx", ".pxd", ".pxi", ".h", ".py", ".pyi", ".typed", ".json", ".txt")
    wanted = {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in suffixes
    }
    assert wanted - names == set()
    assert {"pyproject.toml", "setup.py", "LICENSE", "README.md"} <= names


def test_the_sdist_holds_no_generated_code(sdist):
    with tarfile.open(sdist) as archive:
        assert [name for name in archive.getnames() if name.endswith((".c", ".so", ".pyd", ".html"))] == []


def test_the_wheel_holds_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    package = {name.removeprefix("cypickle/") for name in names if name.startswith("cypickle/")}
    sources = [
        path for path in (ROOT / "src" / "cypickle").rglob("*") if path.suffix in (".py", ".pyi", ".typed")
    ]
    assert {path.relative_to(ROOT / "src" / "cypickle").as_posix() for path in sources} - package == set()
    compiled = {name.partition(".")[0] for name in package if name.endswith((".so", ".pyd"))}
    assert compiled == {"_emitter", "_extensible", "_machine"}
    assert [name for name in names if name.endswith((".pyx", ".c", ".pxd"))] == []
    (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(metadata).decode()
    assert "License-Expression: MIT" in text
    assert "Author: cypickle contributors" in text
    assert "Requires-Python: >=3.11" in text


def test_the_wheel_works_in_a_fresh_environment(wheel, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, capture_output=True)
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [str(python), "-m", "pip", "install", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    run = subprocess.run(
        [str(python), "-I", "-c", ROUND_TRIP], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert str(tmp_path) in run.stdout
