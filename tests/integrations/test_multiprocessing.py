"""multiprocessing and concurrent.futures by cypickle's own context, without install()."""

import array
import io
import multiprocessing
import multiprocessing.reduction
import os
import pickle
import struct
import threading
import time

import pytest

import cypickle
from cypickle.integrations import multiprocessing as ours

METHODS = multiprocessing.get_all_start_methods()
ODD_SIZES = (0, 1, 4, 65535, 65536, 65537, 300_001)


class Buffered:
    """Pickled by a buffer out-of-band, as numpy arrays are."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        return Buffered, (pickle.PickleBuffer(self.data) if protocol >= 5 else bytes(self.data),)

    def __eq__(self, other):
        return bytes(self.data) == bytes(other.data)


def square(number):
    return number * number


def same(obj):
    return obj, pickle.dumps.__module__, type(multiprocessing.reduction.ForkingPickler.loads).__name__


def echo(connection):
    while (obj := connection.recv()) is not None:
        connection.send(obj)


def double(queue_in, queue_out):
    queue_out.put(queue_in.get() * 2)


@pytest.fixture(params=METHODS)
def context(request):
    return ours.get_context(request.param)


@pytest.fixture
def pipe():
    one, other = ours.get_context().Pipe()
    with one, other:
        yield one, other


def through(pipe, send):
    """What the other end receives while `send` runs in a thread of its own."""
    thread = threading.Thread(target=send, args=(pipe[0],))
    thread.start()
    try:
        return pipe[1].recv()
    finally:
        thread.join()


@pytest.mark.parametrize("size", ODD_SIZES)
@pytest.mark.parametrize("kind", [bytes, bytearray, lambda data: Buffered(bytearray(data)), Buffered])
def test_any_size_crosses_a_pipe(pipe, kind, size):
    obj = [kind(os.urandom(size)), size, kind(b"small")]
    assert through(pipe, lambda end: end.send(obj)) == obj


def test_large_buffers_are_out_of_band_and_writable_as_their_owner_was(pipe):
    obj = [Buffered(bytearray(100_000)), Buffered(bytes(100_000)), Buffered(bytearray(10))]
    received = through(pipe, lambda end: end.send(obj))
    assert [type(item.data) for item in received] == [bytearray, memoryview, bytearray]
    assert received[1].data.readonly
    received[0].data[0] = 1


def test_many_buffers_in_one_message(pipe):
    obj = [Buffered(bytes([number % 256]) * ours.OUT_OF_BAND) for number in range(1200)]
    assert through(pipe, lambda end: end.send(obj)) == obj


def test_the_format_is_multiprocessings_unless_buffers_are_large(pipe):
    stdlib, adopted = multiprocessing.Pipe()
    adopted = ours._adopt(adopted)
    adopted.send(["small", 1])
    assert stdlib.recv() == ["small", 1]
    stdlib.send({"other": "way"})
    assert adopted.recv() == {"other": "way"}
    adopted.send_bytes(b"raw")
    assert stdlib.recv_bytes() == b"raw"
    stdlib.send_bytes(b"12345")
    target = bytearray(10)
    assert adopted.recv_bytes_into(target) == 5
    assert target == b"12345" + bytes(5)
    stdlib.send_bytes(b"too long")
    with pytest.raises(OSError, match="message"):
        adopted.recv_bytes(3)


def test_raw_bytes_do_not_take_what_has_buffers(pipe):
    thread = threading.Thread(target=pipe[0].send, args=(Buffered(bytes(70_000)),))
    thread.start()
    with pytest.raises(OSError, match=r"recv\(\) only"):
        pipe[1].recv_bytes()
    pipe[1]._read(4 + 8 + 8)
    thread.join(0.1)
    while thread.is_alive():
        os.read(pipe[1].fileno(), 65536)
        thread.join(0.01)


def test_the_other_end_closes(pipe):
    one, other = pipe
    one._send(struct.pack("!i", 100) + b"short")
    one.close()
    with pytest.raises(OSError, match="end of file during message"):
        other.recv()
    with pytest.raises(EOFError):
        other.recv()


def test_an_object_that_cannot_be_pickled_leaves_the_pipe_usable(pipe):
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pipe[0].send(lambda: None)
    pipe[0].send(1)
    assert pipe[1].recv() == 1


def test_registered_reducers_are_shared(pipe):
    def reduce(item):
        return list, (["reduced"],)

    multiprocessing.reduction.register(array.array, reduce)
    try:
        assert through(pipe, lambda end: end.send(array.array("b", b"x"))) == ["reduced"]
        assert bytes(ours.ForkingPickler.dumps(array.array("b"))) == bytes(
            multiprocessing.reduction.ForkingPickler.dumps(array.array("b"))
        )
    finally:
        del ours.ForkingPickler._extra_reducers[array.array]


def test_forking_pickler_gives_the_stdlibs_bytes():
    file, theirs = io.BytesIO(), io.BytesIO()
    obj = [Buffered(b"12"), 1, "text"]
    ours.ForkingPickler(file, 5).dump(obj)
    multiprocessing.reduction.ForkingPickler(theirs, 5).dump(obj)
    assert file.getvalue() == theirs.getvalue()
    assert ours.ForkingPickler.loads(file.getvalue()) == obj


def test_processes_pipes_and_queues(context):
    one, other = context.Pipe()
    process = context.Process(target=echo, args=(other,))
    process.start()
    other.close()
    for obj in ([1], Buffered(bytearray(500_000)), "x" * 200_000):
        one.send(obj)
        assert one.recv() == obj
    one.send(None)
    process.join()
    assert process.exitcode == 0
    requests, answers = context.Queue(), context.SimpleQueue()
    assert isinstance(requests, ours.Queue)
    process = context.Process(target=double, args=(requests, answers))
    process.start()
    requests.put("ab" * 100_000)
    assert answers.get() == "ab" * 200_000
    process.join()
    requests.close()
    requests.join_thread()


def test_pool_and_executor(context):
    large = Buffered(bytearray(200_000))
    with context.Pool(1) as pool:
        assert pool.map(square, range(20)) == [square(number) for number in range(20)]
        assert pool.apply(same, (large,))[:2] == (large, "_pickle")
    with ours.ProcessPoolExecutor(1, mp_context=context) as executor:
        assert list(executor.map(square, range(20))) == [square(number) for number in range(20)]
        assert executor.submit(same, large).result()[0] == large
        error = executor.submit(square, "not a number").exception()
        assert isinstance(error, TypeError)


def test_the_executor_takes_the_stdlibs_context_by_its_method():
    with ours.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(METHODS[0])) as executor:
        assert executor.submit(square, 3).result() == 9
        assert isinstance(executor._call_queue, ours.Queue)
        assert isinstance(executor._call_queue._reader, ours.Connection)


# ---- which pickler ran -----------------------------------------------------------------------------


class Traced:
    """Pickled with one more name of a pickler: `traced` registers its class with cypickle's alone."""

    def __init__(self, *picklers):
        self.picklers = picklers

    def __reduce__(self):
        return Traced, (*self.picklers, "another")


def reduce_traced(item):
    return Traced, (*item.picklers, "cypickle")


@pytest.fixture
def traced(monkeypatch):
    """A Traced that knows cypickle's ForkingPickler from multiprocessing's, in forked processes too."""
    monkeypatch.setattr(ours.ForkingPickler, "_extra_reducers", dict(ours.ForkingPickler._extra_reducers))
    ours.ForkingPickler.register(Traced, reduce_traced)
    assert Traced not in multiprocessing.reduction.ForkingPickler._extra_reducers
    return Traced()


def give_back(item):
    return item


def pass_on(source, target):
    target.put(source.get())


needs_fork = pytest.mark.skipif(
    "fork" not in METHODS, reason="the table is the parent's, as forked processes have it"
)


@needs_fork
@pytest.mark.parametrize("name", ["Queue", "JoinableQueue", "SimpleQueue"])
def test_queues_pickle_by_cypickle(name, traced):
    context = ours.get_context("fork")
    there, back = getattr(context, name)(), getattr(context, name)()
    process = context.Process(target=pass_on, args=(there, back))
    process.start()
    there.put(traced)
    assert back.get().picklers == ("cypickle", "cypickle")
    process.join()
    for queue in (there, back):
        queue.close()
        if name != "SimpleQueue":
            queue.join_thread()


@needs_fork
def test_pipes_pools_executors_and_managers_pickle_by_cypickle(traced):
    context = ours.get_context("fork")
    one, other = context.Pipe()
    process = context.Process(target=echo, args=(other,))
    process.start()
    one.send(traced)
    assert one.recv().picklers == ("cypickle", "cypickle")
    one.send(None)
    process.join()
    with context.Pool(1) as pool:
        assert pool.apply(give_back, (traced,)).picklers == ("cypickle", "cypickle")
        assert pool.map(give_back, [traced])[0].picklers == ("cypickle", "cypickle")
    with ours.ProcessPoolExecutor(1, mp_context=context) as executor:
        assert executor.submit(give_back, traced).result().picklers == ("cypickle", "cypickle")
        assert next(executor.map(give_back, [traced])).picklers == ("cypickle", "cypickle")
    with context.Manager() as manager:
        items = manager.list()
        items.append(traced)
        assert items[0].picklers == ("cypickle", "cypickle")


def test_a_queue_sends_large_buffers_out_of_band_and_does_not_keep_them():
    context = ours.get_context()
    queue = context.Queue()
    owner = bytearray(200_000)
    queue.put(Buffered(owner))
    assert queue.get(timeout=10) == Buffered(bytearray(200_000))
    for _ in range(500):
        try:
            owner.append(1)  # refused while a buffer of it is held
            break
        except BufferError:
            time.sleep(0.01)
    assert len(owner) == 200_001
    queue.close()
    queue.join_thread()


def test_a_queue_survives_what_cannot_be_pickled(capfd):
    queue = ours.get_context().Queue()
    queue.put(lambda: None)
    queue.put(1)
    assert queue.get(timeout=10) == 1
    queue.close()
    queue.join_thread()
    assert "lambda" in capfd.readouterr().err


@pytest.mark.parametrize("module", [multiprocessing, ours])
def test_closed_ends_say_so(module):
    context = module.get_context()
    queue = context.SimpleQueue()
    queue.close()
    for call in (queue.get, lambda: queue.put(1)):
        with pytest.raises(OSError, match="handle is closed"):
            call()
    one, other = context.Pipe(duplex=False)
    with pytest.raises(OSError, match="connection is write-only"):
        other.recv()
    with pytest.raises(OSError, match="connection is read-only"):
        one.send(1)
    one.close()
    other.close()
    for call in (one.recv, lambda: other.send(1)):
        with pytest.raises(OSError, match="handle is closed"):
            call()


def test_arrays_arrive_as_writeable_as_they_were(pipe):
    numpy = pytest.importorskip("numpy")
    for size in (10, 100_000):
        for sent in (
            numpy.zeros(size),
            numpy.asfortranarray(numpy.zeros((size // 10, 10))),
            numpy.zeros(size)[::2],
        ):
            received = through(pipe, lambda end, sent=sent: end.send(sent))
            assert received.flags.writeable
            received[0] = 1
        sent = numpy.zeros(size)
        sent.flags.writeable = False
        assert not through(pipe, lambda end, sent=sent: end.send(sent)).flags.writeable


def fill(proxy, value):
    proxy["child"] = value


def test_managers_and_their_proxies_in_other_processes(context):
    with context.Manager() as manager:
        assert isinstance(manager._Client(manager.address, authkey=manager._authkey), ours.Connection)
        proxy = manager.dict()
        process = context.Process(target=fill, args=(proxy, Buffered(bytes(100_000))))
        process.start()
        process.join()
        assert process.exitcode == 0
        assert proxy["child"] == Buffered(bytes(100_000))


def test_joinable_queue_counts():
    queue = ours.get_context().JoinableQueue()
    queue.put(1)
    assert queue.get(timeout=10) == 1
    queue.task_done()
    queue.join()
    with pytest.raises(ValueError, match="task_done"):
        queue.task_done()
    queue.close()
    queue.join_thread()


def test_contexts_are_like_the_stdlibs():
    for method in METHODS:
        context = ours.get_context(method)
        assert context.get_start_method() == method
        assert ours.get_context(method) is context is context.get_context()
        assert isinstance(context, type(multiprocessing.get_context(method)))
    assert ours.get_context().get_start_method() == multiprocessing.get_context().get_start_method()
    with pytest.raises(ValueError, match="cannot find context"):
        ours.get_context("no such method")
    assert cypickle.dumps.__module__ == "cypickle"
