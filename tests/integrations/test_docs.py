"""The code in docs/: each block is run as a program of its own, where the packages that it needs are installed."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cypickle

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"(?:<!-- needs: (?P<needs>[^>]*?) -->\n)?```python\n(?P<code>.*?)```", re.DOTALL)

if not PAGES:
    pytest.skip("the documentation is not beside the tests", allow_module_level=True)


def blocks():
    for page in PAGES:
        text = page.read_text()
        for match in BLOCK.finditer(text):
            heading = re.findall(r"^## (.*)$", text[: match.start()], re.MULTILINE)[-1]
            needs = (match["needs"] or "").split()
            marks = [pytest.mark.hosts] if needs else []
            yield pytest.param(
                match["code"], needs, id=f"{page.stem}-{heading}".replace(" ", "_"), marks=marks
            )


def is_there(name):
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize(("code", "needs"), list(blocks()))
def test_block(code, needs, tmp_path):
    missing = [name for name in needs if not is_there(name)]
    if missing:
        extra = "torch" if missing == ["torch"] else "hosts"
        pytest.skip(f"{', '.join(missing)} not installed: see the extra `{extra}`")
    paths = [str(Path(cypickle.__file__).parent.parent), os.environ.get("PYTHONPATH")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    (tmp_path / "block.py").write_text(code)
    run = subprocess.run(
        [sys.executable, "block.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_integration_is_documented():
    text = "".join(page.read_text() for page in PAGES)
    folder = Path(cypickle.__file__).parent / "integrations"
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    forms = ("cypickle.integrations.{}", "from cypickle.integrations import {}")
    assert [name for name in sorted(names) if not any(form.format(name) in text for form in forms)] == []
