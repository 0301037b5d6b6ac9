"""Other software is imported by its integration and by nothing else; where it is missing, the error names the extra."""

import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import cypickle.integrations
from processes import run_python

ROOT = Path(__file__).resolve().parents[2]
#: Integration -> the package it is for; the other integrations are for the standard library.
HOSTS = {
    "cloudpickle": "cloudpickle",
    "dask": "distributed",
    "dill": "dill",
    "diskcache": "diskcache",
    "joblib": "joblib",
    "kombu": "kombu",
}
STDLIB = {"multiprocessing", "shelve"}

if not (ROOT / "pyproject.toml").exists():
    pytest.skip("the project is not beside the tests", allow_module_level=True)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
PACKAGES = {re.split(r"[\[<>=]", item)[0] for item in EXTRAS["hosts"] + EXTRAS["torch"]}
MODULES = {name.replace("-", "_").partition(".")[0] for name in PACKAGES} | {"pyspark", "ray"}

HIDE = f"""
import sys

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MODULES!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)

sys.meta_path.insert(0, Hide())
"""


def run(code):
    done = run_python("-c", code, seconds=60)
    assert done.returncode == 0, done.stderr


def test_every_integration_is_known():
    found = {info.name for info in pkgutil.iter_modules(cypickle.integrations.__path__)}
    assert found == set(HOSTS) | STDLIB


def test_cypickle_imports_none_of_them():
    run(
        "import sys, cypickle\n"
        "cypickle.install()\n"
        "import cypickle.integrations, cypickle.integrations.multiprocessing, cypickle.integrations.shelve\n"
        f"assert not {MODULES!r} & set(sys.modules), {MODULES!r} & set(sys.modules)\n"
    )


@pytest.mark.parametrize("name", HOSTS)
def test_the_error_names_the_extra(name):
    assert any(item.startswith(HOSTS[name]) for item in EXTRAS[name])
    message = f'{HOSTS[name]} is not installed; `pip install "cypickle[{name}]"` brings it'
    run(
        f"{HIDE}\n"
        "try:\n"
        f"    import cypickle.integrations.{name}\n"
        "except ImportError as error:\n"
        f"    assert str(error) == {message!r}, error\n"
        "else:\n"
        "    raise AssertionError('imported')\n"
    )


def test_what_a_host_itself_lacks_is_said_as_it_is(tmp_path):
    (tmp_path / "cloudpickle.py").write_text("import nowhere_to_be_found")
    run(
        "import sys\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "try:\n"
        "    import cypickle.integrations.cloudpickle\n"
        "except ModuleNotFoundError as error:\n"
        "    assert error.name == 'nowhere_to_be_found', error\n"
        "else:\n"
        "    raise AssertionError('imported')\n"
    )
