"""Dask distributed on cypickle: a scheduler and two workers, processes of their own, over TCP."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from records import records

import cypickle

distributed = pytest.importorskip("distributed", reason="distributed is not installed: see the extra `hosts`")
numpy = pytest.importorskip("numpy", reason="numpy is not installed")
ours = pytest.importorskip("cypickle.integrations.dask")
pytestmark = [
    pytest.mark.hosts,
    pytest.mark.filterwarnings("ignore"),
]

PRELOAD = ["--preload", "cypickle.integrations.dask"]


@contextlib.contextmanager
def process(*arguments, folder):
    paths = [str(Path(cypickle.__file__).parent.parent), str(Path(__file__).parent)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "DASK_DISTRIBUTED__DASHBOARD__LINK": "",
    }
    with open(folder / f"{arguments[0]}.log", "ab") as log:
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        running = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    with contextlib.ExitStack() as stack:
        scheduler = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)]
        stack.enter_context(process(*scheduler, *PRELOAD, folder=folder))
        worker = ["worker", "--scheduler-file", str(file), "--no-nanny", "--nthreads", "1"]
        for _ in range(2):
            stack.enter_context(process(*worker, *PRELOAD, folder=folder))
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        ours.use_everywhere()
        try:
            with distributed.Client(scheduler_file=str(file), timeout=60) as client:
                client.wait_for_workers(2, timeout=60)
                yield client
        finally:
            ours.use_everywhere(False)


def which():
    from distributed.protocol import pickle

    return pickle.dumps.__name__, pickle.dumps.__module__, os.getpid()


def writable(array):
    array[0] = 7
    return array


class Unpicklable:
    def __reduce__(self):
        raise ValueError("not me")


class LoadsBadly:
    def __reduce__(self):
        return fail, ()


def fail():
    raise ValueError("not here")


def test_workers_and_scheduler_use_it(client):
    found = client.run(which)
    assert len({pid for _, _, pid in found.values()} | {os.getpid()}) == 3
    assert {module for _, module, _ in found.values()} == {"cypickle.integrations.dask"}
    assert client.run_on_scheduler(which)[1] == "cypickle.integrations.dask"


def test_closures_dataclasses_and_arrays(client):
    number = 3
    assert client.submit(lambda x: x + number, 4).result() == 7
    assert client.submit(lambda items: items, records()).result() == records()
    array = numpy.arange(1_000_000.0)
    result = client.submit(writable, array, pure=False).result()
    assert result[0] == 7
    assert (result[1:] == array[1:]).all()
    assert client.gather(client.map(lambda x: x * 2, range(50))) == [x * 2 for x in range(50)]


def test_dataframes(client):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": range(1000), "b": [str(n) for n in range(1000)]})
    back = client.submit(lambda x: x, client.scatter(frame)).result()
    pandas.testing.assert_frame_equal(back, frame)


def test_data_moves_between_workers(client):
    first, second = client.scheduler_info()["workers"]
    there = client.submit(numpy.ones, 100_000, workers=[first])
    total = client.submit(lambda array: float(array.sum()), there, workers=[second])
    assert total.result() == 100_000


def test_errors_name_the_side(client):
    with pytest.raises(Exception, match=r"not me|Could not serialize") as caught:
        client.submit(len, Unpicklable()).result()
    assert any("by cypickle in the client" in line for line in notes(caught.value))
    with pytest.raises(Exception, match=r"not here|deserialization") as caught:
        client.submit(lambda x: x, LoadsBadly()).result(timeout=30)
    assert any("by cypickle in the scheduler" in line for line in notes(caught.value))
    with pytest.raises(Exception, match="not me") as caught:
        client.submit(Unpicklable).result(timeout=30)
    assert any("by cypickle in the worker at tcp://" in line for line in notes(caught.value))
    with pytest.raises(Exception, match="not here") as caught:
        client.submit(LoadsBadly).result(timeout=30)
    assert any("by cypickle in the client" in line for line in notes(caught.value))


def notes(error):
    """Those of an error and of what it is from; Dask passes some of them on as text."""
    while error is not None:
        yield from getattr(error, "__notes__", ())
        yield from str(error).splitlines()
        error = error.__cause__ or error.__context__


def test_the_family():
    from distributed.protocol import deserialize, serialize

    for value in (numpy.arange(100_000.0), records(), {"a": bytearray(100_000)}):
        header, frames = serialize(value, serializers=["cypickle"], iterate_collection=False)
        assert header["serializer"] == "cypickle"
        back = deserialize(header, frames)
        if isinstance(value, numpy.ndarray):
            assert len(frames) == 2
            assert (back == value).all()
        else:
            assert back == value
    frozen = numpy.arange(100_000)
    frozen.flags.writeable = False
    header, frames = serialize(
        [frozen, numpy.arange(100_000)], serializers=["cypickle"], iterate_collection=False
    )
    back = deserialize(header, [bytearray(frame) for frame in frames])
    assert [array.flags.writeable for array in back] == [False, True]


def test_a_client_that_names_the_family(client):
    families = [ours.FAMILY, "dask", "pickle"]
    address = client.scheduler.address
    frozen = numpy.arange(100_000)
    frozen.flags.writeable = False
    with distributed.Client(
        address, serializers=families, deserializers=families, set_as_default=False
    ) as own:
        for value in (frozen, numpy.arange(100_000)):
            there = own.scatter(value, hash=False)
            back = own.submit(lambda array: [array, array.flags.writeable], there, pure=False).result(
                timeout=30
            )
            assert (back[0] == value).all()
            assert back[1] == value.flags.writeable
        assert own.submit(lambda items: items, records()).result(timeout=30) == records()


def test_arrays_have_a_serializer_of_dasks_own():
    from distributed.protocol import serialize

    ours.use_everywhere()
    assert serialize(records())[0]["serializer"] == "pickle"
    assert serialize(numpy.arange(10))[0]["serializer"] == "dask"


def test_it_can_be_taken_back():
    from distributed.protocol import pickle

    before = pickle.dumps
    ours.use_everywhere()
    assert pickle.dumps is ours.dumps
    assert distributed.client.loads is ours.loads
    ours.use_everywhere(False)
    assert pickle.dumps is not ours.dumps
    if before is ours.dumps:
        ours.use_everywhere()


class Node:
    address = "tcp://nowhere"


def test_several_nodes_of_one_process(monkeypatch):
    from distributed.protocol import pickle

    monkeypatch.setattr(ours, "_side", ours._side)
    was = pickle.dumps is ours.dumps
    ours.use_everywhere(False)
    theirs = pickle.dumps
    for _ in range(2):
        ours.dask_setup(Node())
    ours.dask_teardown(Node())
    assert pickle.dumps is ours.dumps, "the other node is still there"
    ours.dask_teardown(Node())
    assert pickle.dumps is theirs
    ours.use_everywhere()
    ours.dask_setup(Node())
    ours.dask_teardown(Node())
    assert pickle.dumps is ours.dumps, "the client has asked for it"
    ours.use_everywhere(was)
