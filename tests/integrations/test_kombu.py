"""kombu's serializer "cypickle": found by its entry point, and refused by consumers that have not allowed it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import cypickle

ROOT = Path(__file__).resolve().parents[2]
REGISTER = {
    "entry point": "import kombu.serialization\n",
    "entry point, our module first": "import cypickle.integrations.kombu, kombu.serialization\n",
    "register": "from cypickle.integrations import kombu as ours\nours.register()\n",
}

if not (ROOT / "pyproject.toml").exists():
    pytest.skip("the project is not beside the tests", allow_module_level=True)
pytestmark = pytest.mark.hosts


def needs(name):
    pytest.importorskip(name, reason=f"{name} is not installed: see the extra `hosts`")


@pytest.fixture
def run(tmp_path):
    """Run code in a process that finds the entry point of pyproject.toml, as after an installation by pip."""
    needs("kombu")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    metadata = tmp_path / "cypickle_checkout-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: cypickle-checkout\nVersion: 0\n")
    (name, target), *_ = project["entry-points"]["kombu.serializers"].items()
    entry_points = f"[kombu.serializers]\n{name} = {target}\n"

    def run(code, *, with_entry_point=True):
        (metadata / "entry_points.txt").write_text(entry_points if with_entry_point else "")
        paths = [str(tmp_path), str(Path(cypickle.__file__).parent.parent), os.environ.get("PYTHONPATH")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("how", REGISTER)
def test_content_is_refused_unless_it_is_accepted(run, how):
    code = REGISTER[how] + (
        "from kombu.exceptions import ContentDisallowed\n"
        "from kombu.serialization import dumps, loads, registry\n"
        "kind, coding, data = dumps({'a': {1}}, serializer='cypickle')\n"
        "assert (kind, coding) == ('application/x-cypickle', 'binary')\n"
        "assert loads(data, kind, coding, accept={kind}) == {'a': {1}}\n"
        "for accept in (None, (), {'application/json'}):\n"
        "    try:\n"
        "        loads(data, kind, coding, accept=accept)\n"
        "    except ContentDisallowed:\n"
        "        continue\n"
        "    raise AssertionError(accept)\n"
        "registry.enable('cypickle')\n"
        "assert loads(data, kind, coding) == {'a': {1}}\n"
    )
    run(code, with_entry_point=how != "register")


CONSUME = """
import kombu
from kombu.exceptions import ContentDisallowed

class Names:
    def __reduce__(self):
        return print, ("this ran",)

results = []
with kombu.Connection("memory://") as connection:
    queue = kombu.Queue("q", kombu.Exchange("e"), routing_key="r")
    for accept in (None, ["json"], ["cypickle"], ["application/x-cypickle"]):
        producer = connection.Producer(serializer="cypickle")
        producer.publish({1, 2}, exchange=queue.exchange, routing_key="r", declare=[queue])
        errors = []
        with connection.Consumer(queue, callbacks=[lambda body, message: results.append(body)],
                                 accept=accept, on_decode_error=lambda message, error: errors.append(error),
                                 no_ack=True):
            connection.drain_events(timeout=5)
        assert [type(error) for error in errors] == ([] if "cypickle" in str(accept) else [ContentDisallowed])
    producer.publish(Names(), exchange=queue.exchange, routing_key="r")
    message = queue.bind(connection.channel()).get()
    try:
        message.decode()
    except ContentDisallowed:
        results.append("refused")
assert results == [{1, 2}, {1, 2}, "refused"], results
"""


def test_consumers(run):
    run(CONSUME)


CELERY = """
from celery import Celery
from celery.contrib.testing.worker import start_worker
from kombu.exceptions import ContentDisallowed

app = Celery("app", broker="memory://", backend="cache+memory://")
app.conf.update(task_serializer="cypickle", result_serializer="cypickle", accept_content=["cypickle"])

@app.task
def double(items):
    return {item: item * 2 for item in items}

with start_worker(app, perform_ping_check=False):
    result = double.delay({1, 2})
    assert result.get(timeout=20) == {1: 2, 2: 4}
    app.conf.accept_content = app.backend.accept = ["json"]
    try:
        app.backend.decode(app.backend.encode({1}))
    except ContentDisallowed:
        pass
    else:
        raise AssertionError("accepted")
"""


def test_celery_with_accept_content(run):
    needs("celery")
    run(CELERY)
