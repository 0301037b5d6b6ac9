"""The code in docs/: each block is run as a program of its own, where the packages that it needs are installed.

Servers are the real ones, one for each block that needs it, on a free port that takes the place of the usual one.
"""

import contextlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cypickle

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"(?:<!-- needs: (?P<needs>[^>]*?) -->\n)?```python\n(?P<code>.*?)```", re.DOTALL)
#: The programs among what a block needs: the usual port, and the arguments that start one on another.
SERVERS = {
    "redis-server": (6379, ["--bind", "127.0.0.1", "--save", "", "--port"]),
    "memcached": (11211, ["-l", "127.0.0.1", "-u", "nobody", "-p"]),
}

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
    if name in SERVERS:
        return shutil.which(name) is not None
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port, process):
    """Return when something listens there."""
    for _ in range(200):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.05)
    raise TimeoutError(f"{process.args[0]} does not answer")


@contextlib.contextmanager
def serving(name, folder):
    """Run a server; yields what its usual address and its address here are."""
    usual, arguments = SERVERS[name]
    port = free_port()
    command = [name, *arguments, str(port)]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with process:
        try:
            wait_for(port, process)
            yield f"127.0.0.1:{usual}", f"127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.mark.parametrize(("code", "needs"), list(blocks()))
def test_block(code, needs, tmp_path):
    missing = [name for name in needs if not is_there(name)]
    if missing:
        extra = "torch" if missing == ["torch"] else "hosts"
        pytest.skip(f"{', '.join(missing)} not installed: see the extra `{extra}`")
    paths = [str(Path(cypickle.__file__).parent.parent), os.environ.get("PYTHONPATH")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with contextlib.ExitStack() as servers:
        for name in filter(SERVERS.get, needs):
            code = code.replace(*servers.enter_context(serving(name, tmp_path)))
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
