"""Ctrl-C during long calls: SIGINT arrives where no Python code runs, and its handler has to run before the end.

The signal is raised by C code that the call reaches early, and `pending` is emptied by C code that it reaches last.
So a handler that finds something in `pending` has run in the middle.
"""

import _thread
import gc
import io
import pickle
import signal
import sys
import threading
from collections import defaultdict
from functools import cache
from itertools import product

import pytest

import cypickle
from processes import FREE_THREADED

if threading.current_thread() is not threading.main_thread():
    pytest.skip("signals are handled in the main thread", allow_module_level=True)

PROTOCOLS = [0, 2, 5]
COUNT = 24_000
pending = []
pop = pending.pop  # found by pickles under this name


class Plain:
    def __init__(self, number):
        self.number = number
        self.name = f"name {number}"


class Slotted:
    __slots__ = ("name", "number")

    def __init__(self, number):
        self.number = number
        self.name = f"name {number}"


class Items(list):
    pass


class Raised(Exception):
    pass


class First:
    """Reduces to [None], and raises SIGINT meanwhile, if `armed`."""

    armed = True

    def __reduce__(self):
        call = _thread.interrupt_main if First.armed else [].append
        return list, (), None, map(call, [signal.SIGINT.value])


class Last:
    """Reduces to 0, and empties `pending` meanwhile."""

    __reduce_ex__ = defaultdict(pop).__getitem__


def deep_chain():
    chain = []
    for _ in range(20_000):
        chain = [chain, "some text", 2.5]
    return chain


SHAPES = {
    "ints": lambda: list(range(COUNT)),
    "floats": lambda: [number / 7 for number in range(COUNT)],
    "strs": lambda: [f"text {number}" for number in range(COUNT)],
    "shared_strs": lambda: ["some text", "other text"] * COUNT,
    "tuple": lambda: tuple(range(COUNT)),
    "tuples": lambda: [(number, "x", 2.5) for number in range(COUNT // 4)],
    "dict": lambda: dict.fromkeys(map(str, range(COUNT)), 2.5),
    "int_dict": lambda: dict.fromkeys(range(COUNT), 2.5),
    "dicts": lambda: [{"number": number, "x": 2.5} for number in range(COUNT // 4)],
    "nested_lists": lambda: [[number, [2.5, ["x"]]] for number in range(COUNT // 4)],
    "short_lists": lambda: [[2.5] * 15 for _ in range(5000)],
    "set": lambda: set(range(COUNT)),
    "frozenset": lambda: frozenset(range(COUNT)),
    "instances": lambda: [Plain(number) for number in range(COUNT // 8)],
    "slotted": lambda: [Slotted(number) for number in range(COUNT // 8)],
    "list_subclass": lambda: Items(range(COUNT)),
    "bytes": lambda: [bytes([number]) * 70_000 for number in range(5)],
}
#: Slots need protocol 2.
DUMPED = [pair for pair in product(SHAPES, PROTOCOLS) if pair != ("slotted", 0)]


@pytest.fixture(autouse=True)
def _state():
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever tests before have left
    pending[:] = [(int, ())]
    First.armed = True
    gc.disable()  # callbacks of the collector would take the signal
    yield
    gc.enable()
    signal.signal(signal.SIGINT, handler)


@pytest.fixture(params=["general", "quick"])
def _way(request):
    cypickle._emitter.take_general_way(request.param == "general")
    yield
    cypickle._emitter.take_general_way(False)


def graph_of(shape):
    return [First(), SHAPES[shape](), Last()]


def unarmed(function, *arguments):
    """Call without a signal, and get `pending` ready again."""
    First.armed = False
    result = function(*arguments)
    First.armed = True
    pending[:] = [(int, ())]
    return result


def dump(module, graph, protocol):
    file = io.BytesIO()
    module.Pickler(file, protocol).dump(graph)
    return file.getvalue()


def dump_in_memory(module, graph, protocol):
    return module.dumps(graph, protocol)


DUMPS = [dump, dump_in_memory]


def callers(frame):
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


@pytest.mark.parametrize(("shape", "protocol"), DUMPED)
@pytest.mark.parametrize("way", DUMPS)
def test_dumps_is_interrupted(way, shape, protocol):
    graph = graph_of(shape)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        way(cypickle, graph, protocol)
    assert pending


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize(("shape", "protocol"), DUMPED)
@pytest.mark.parametrize("way", DUMPS)
def test_a_handler_runs_within_dumps_and_changes_nothing(way, shape, protocol):
    graph = graph_of(shape)
    expected = unarmed(way, pickle, graph, protocol)
    seen = []
    signal.signal(signal.SIGINT, lambda *arguments: seen.append((*arguments, len(pending))))
    assert way(cypickle, graph, protocol) == expected
    assert [(number, left) for number, frame, left in seen] == [(signal.SIGINT, 1)]
    assert way.__code__ in callers(seen[0][1])


@pytest.mark.parametrize(("shape", "protocol"), DUMPED)
def test_what_a_handler_raises_comes_out_of_dumps(shape, protocol):
    def handler(number, frame):
        raise Raised

    signal.signal(signal.SIGINT, handler)
    with pytest.raises(Raised):
        cypickle.dumps(graph_of(shape), protocol)
    assert pending


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize(("shape", "protocol"), DUMPED)
@pytest.mark.parametrize("way", DUMPS)
def test_a_handler_may_change_what_is_under_way(way, shape, protocol):
    graph = graph_of(shape)

    def handler(number, frame):
        large = graph[1]
        for item in list(large)[::50]:
            if isinstance(item, (list, dict)):
                item.clear()
            elif isinstance(item, Plain):
                vars(item).clear()
            elif isinstance(item, Slotted):
                del item.name
        if not isinstance(large, (tuple, frozenset)):
            large.clear()
        graph[1] = None

    signal.signal(signal.SIGINT, handler)
    try:
        written = way(cypickle, graph, protocol)
    except RuntimeError as error:
        refused = str(error)
    else:
        refused = None
        assert pickle.loads(written)[0] == [None]
    assert refused is None or "changed" in refused


class Clears:
    """In a cycle of its own: the collector finds it, and it empties a list."""

    def __init__(self, large):
        self.large = large
        self.cycle = self

    def __del__(self):
        self.large.clear()


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("way", DUMPS)
def test_finalizers_that_run_meanwhile_may_change_what_is_under_way(way, protocol):
    """Before 3.12 making KeyboardInterrupt may run the collector."""
    thresholds = gc.get_threshold()
    cleared = 0
    try:
        for allocations in range(1, 20):
            large = SHAPES["strs"]()
            graph = [First(), large, Last()]
            Clears(large)
            gc.set_threshold(allocations + gc.get_count()[0])
            gc.enable()
            with pytest.raises(KeyboardInterrupt):
                way(cypickle, graph, protocol)
            gc.disable()
            cleared += not large
            gc.collect()
    finally:
        gc.set_threshold(*thresholds)
    assert cleared or FREE_THREADED  # whose collector waits for many more objects


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("handler", [signal.default_int_handler, lambda *arguments: 1 / 0])
def test_a_pickler_goes_on_afterwards(handler, protocol):
    file = io.BytesIO()
    pickler = cypickle.Pickler(file, protocol)
    shared = [1, 2]
    pickler.dump(shared)
    graph = graph_of("strs")
    signal.signal(signal.SIGINT, handler)
    with pytest.raises((KeyboardInterrupt, ZeroDivisionError)):
        pickler.dump(graph)
    start = file.tell()
    pickler.dump([shared, "text 1", graph[1][:3]])
    unpickler = cypickle.Unpickler(file)
    file.seek(0)
    assert unpickler.load() == shared
    file.seek(start)
    assert unpickler.load() == [shared, "text 1", graph[1][:3]]


@pytest.mark.parametrize("way", DUMPS)
def test_a_deep_chain_is_interrupted(way):
    limit = sys.getrecursionlimit()
    graph = [First(), deep_chain(), Last()]
    try:
        sys.setrecursionlimit(100_000)
        expected = cypickle.dumps(graph[1])
        with pytest.raises(KeyboardInterrupt):
            way(cypickle, graph, 5)
        seen = []
        signal.signal(signal.SIGINT, lambda *arguments: seen.append(len(pending)))
        assert way(cypickle, graph, 5)
        assert seen == [1]
        assert cypickle.dumps(graph[1]) == expected
    finally:
        sys.setrecursionlimit(limit)


def test_an_error_before_the_handler_has_run_does_not_lose_the_signal():
    class Fails:
        __reduce_ex__ = {}.__getitem__

    seen = []
    signal.signal(signal.SIGINT, lambda *arguments: seen.append(1))
    with pytest.raises(KeyError):
        cypickle.dumps([First(), ["x" * 1000] * 3, bytes(70_000), Fails()])
    assert seen == [1]


# ---- loads

#: A list that begins with what raises SIGINT and ends with what empties `pending`.  The last frame of what comes
#: between has room for one more opcode, as the STOP is missing.
START = b"](c_thread\ninterrupt_main\nK\x02\x85R0"
END = b"N0c%b\npop\n)R0e." % __name__.encode()


def load(module, data):
    return module.load(io.BytesIO(data))


def load_again(module, data):
    return module.Unpickler(io.BytesIO(data)).load()


def load_in_memory(module, data):
    return module.loads(data)


LOADS = [load, load_again, load_in_memory]


@cache
def pickled(shape, protocol):
    """A pickle of [object]; what it consists of besides is dropped."""
    data = pickle.dumps(SHAPES[shape](), protocol)
    return b"\x80%c" % max(protocol, 2) + START + data[2 if protocol >= 2 else 0 : -1] + END


def equal(left, right):
    if isinstance(left, list) and left and isinstance(left[0], (Plain, Slotted)):
        return [(item.name, item.number) for item in left] == [(item.name, item.number) for item in right]
    return left == right


#: A few large bytes are a few opcodes, and so is what protocol 2 has for a large tuple.
LOADED = [pair for pair in DUMPED if pair[0] != "bytes" and pair != ("tuple", 2)]


@pytest.mark.parametrize(("shape", "protocol"), LOADED)
@pytest.mark.parametrize("way", LOADS)
def test_loads_is_interrupted(way, shape, protocol):
    data = pickled(shape, protocol)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        way(cypickle, data)
    assert pending


@pytest.mark.parametrize(("shape", "protocol"), LOADED)
@pytest.mark.parametrize("way", LOADS)
def test_a_handler_runs_within_loads_and_changes_nothing(way, shape, protocol):
    data = pickled(shape, protocol)
    seen = []
    signal.signal(signal.SIGINT, lambda *arguments: seen.append((*arguments, len(pending))))
    (loaded,) = way(cypickle, data)
    assert equal(loaded, SHAPES[shape]())
    assert [(number, left) for number, frame, left in seen] == [(signal.SIGINT, 1)]
    assert way.__code__ in callers(seen[0][1])


@pytest.mark.parametrize(("shape", "protocol"), LOADED)
def test_what_a_handler_raises_comes_out_of_loads(shape, protocol):
    def handler(number, frame):
        raise Raised

    data = pickled(shape, protocol)
    signal.signal(signal.SIGINT, handler)
    with pytest.raises(Raised):
        cypickle.loads(data)
    assert pending


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("shape", ["dict", "dicts", "instances", "ints", "int_dict"])
def test_a_handler_may_change_what_is_being_loaded(shape, protocol):
    data = pickled(shape, protocol)
    unpickler = cypickle.Unpickler(io.BytesIO(data))

    def handler(number, frame):
        for item in unpickler.memo.copy().values():
            if isinstance(item, (list, dict)):
                item.clear()
                if isinstance(item, dict):
                    item[Plain(1)] = 1
            elif isinstance(item, Plain):
                vars(item).clear()

    signal.signal(signal.SIGINT, handler)
    unpickler.load()


def test_an_unpickler_goes_on_afterwards():
    data = pickled("strs", 5)
    file = io.BytesIO(data)
    unpickler = cypickle.Unpickler(file)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        unpickler.load()
    file.seek(0)
    file.truncate()
    file.write(pickle.dumps([1, "x"]))
    file.seek(0)
    assert cypickle.Unpickler(file).load() == [1, "x"]


def test_other_threads_do_not_answer():
    seen = []
    signal.signal(signal.SIGINT, lambda *arguments: seen.append(threading.current_thread()))
    graph = [[First()], SHAPES["ints"](), Last()]
    thread = threading.Thread(target=cypickle.dumps, args=(graph,))
    thread.start()
    thread.join()
    assert seen == [threading.main_thread()]
