"""References and memory are stable over repeated success and over every error path; cycles are collected."""

import gc
import io
import pickle
import sys
import weakref

import pytest

import dump_errors
import load_errors
import test_errors
import test_hooks
import test_mutation
from implementations import C_PICKLE, CYPICKLE, PROTOCOLS
from oracle import outcome
from processes import FREE_THREADED, LOOKS_INSIDE

WARM_UP = 3
ROUNDS = 5
TRIES = 40  # caches and free lists of the interpreter fill up at first: a leak shows in every try


@pytest.fixture(autouse=True, scope="module")
def frozen():
    """Hide what the test session holds from the collector: each collection then costs microseconds."""
    gc.collect()
    gc.freeze()


# The method cache of the interpreter owns names, by their address: with new ones in each run it fills up by chance.
clear_method_cache = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache


def measured():
    clear_method_cache()
    gc.collect()
    if FREE_THREADED:  # what is freed while other threads might read it waits for the next time
        gc.collect()
    return sys.getallocatedblocks()


def assert_stable(run, slack=ROUNDS - 1):
    """Some try of ROUNDS equal runs leaves fewer new blocks than runs: one leaked object each never does."""
    for _ in range(WARM_UP):
        run()
    growths = []
    for _ in range(TRIES):
        before = measured()
        for _ in range(ROUNDS):
            run()
        growths.append(measured() - before)
        if growths[-1] <= slack:
            return
    pytest.fail(f"blocks left behind by {ROUNDS} runs: {growths}")


def dump_at_all_protocols(make):
    for protocol in PROTOCOLS:
        outcome(CYPICKLE.dumps, make(), protocol)
        outcome(CYPICKLE.Pickler(io.BytesIO(), protocol).dump, make())


@pytest.mark.parametrize(
    "name", [name for name in dump_errors.CASES if not name.endswith(("_ex", "_nested"))]
)
def test_failed_dumps_leave_nothing(name):
    assert_stable(lambda: dump_at_all_protocols(dump_errors.CASES[name]))


@pytest.mark.parametrize("name", load_errors.CASES)
def test_failed_loads_leave_nothing(name):
    data, options = load_errors.CASES[name]

    def run():
        outcome(CYPICKLE.loads, data, **options)
        outcome(CYPICKLE.load, io.BytesIO(data), **options)

    assert_stable(run)


SCENARIOS = {
    f"{module.__name__}-{name}": run
    for module in (test_errors, test_hooks, test_mutation)
    for name, run in module.SCENARIOS.items()
    if not name.endswith(("_p1", "_p3", "_p4"))
}


def blocks_left(run):
    """By the best of a few tries of ROUNDS runs."""
    growths = []
    for _ in range(5):
        before = measured()
        for _ in range(ROUNDS):
            run()
        growths.append(measured() - before)
    return min(growths)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios_leave_nothing(name):
    # Some interpreters leak by themselves in what a scenario does (3.13.0: assigning __class__).
    stdlib = blocks_left(lambda: outcome(SCENARIOS[name], C_PICKLE, []))
    assert_stable(lambda: outcome(SCENARIOS[name], CYPICKLE, []), max(stdlib, ROUNDS - 1))


def test_repeated_success_leaves_nothing(protocol):
    graph = test_hooks.graph()

    def run():
        data = CYPICKLE.dumps(graph, protocol)
        CYPICKLE.loads(data)
        CYPICKLE.load(io.BytesIO(data))

    assert_stable(run)


def test_every_prefix_leaves_nothing(protocol):
    data = pickle.dumps(test_hooks.graph()[:-2], protocol)

    def run():
        for length in range(0, len(data), 3):
            outcome(CYPICKLE.loads, data[:length])

    assert_stable(run)


def participants():
    plain = test_hooks.Plain(a=[1.5])
    return [
        plain,
        test_hooks.Plain,
        test_hooks.function,
        ("a" * 50, 2.5),
        ["b" * 60],
        {"key" * 9: 3.5},
        2**90,
    ]


@pytest.mark.parametrize("kind", ["dumps", "pickler", "persistent", "fast"])
def test_reference_counts_of_what_is_dumped(kind, protocol):
    class Persistent(CYPICKLE.Pickler):
        def persistent_id(self, obj):
            return None

    def run():
        if kind == "dumps":
            CYPICKLE.dumps([items, items], protocol)
            return
        pickler = (Persistent if kind == "persistent" else CYPICKLE.Pickler)(io.BytesIO(), protocol)
        pickler.fast = kind == "fast"
        pickler.dump([items, items])

    items = participants()
    run()
    before = [sys.getrefcount(item) for item in items]
    for _ in range(10):
        run()
    assert [sys.getrefcount(item) for item in items] == before


def test_reference_counts_of_what_is_loaded(protocol):
    items = participants()
    data = CYPICKLE.dumps(items, protocol)
    classes = [test_hooks.Plain, test_hooks.function]
    CYPICKLE.loads(data)
    before = [sys.getrefcount(item) for item in classes]
    for _ in range(10):
        CYPICKLE.loads(data)
    assert [sys.getrefcount(item) for item in classes] == before


def test_loaded_objects_belong_to_the_caller(protocol):
    """Each loaded object has as many references as the stdlib's loads leaves it with."""
    data = pickle.dumps([["a"], {"b": ("c" * 30, 2.5)}, test_hooks.Plain(x=[1])], protocol)
    counts = []
    for loads in (pickle.loads, CYPICKLE.loads):
        first, second, third = loads(data)
        counts.append([sys.getrefcount(item) for item in (first, second, second["b"], third, third.x)])
    assert counts[0] == counts[1]


def test_the_memo_keeps_what_was_dumped_alive():
    """As long as the Pickler lives, or until its memo is cleared."""
    pickler = CYPICKLE.Pickler(io.BytesIO())
    plain = test_hooks.Plain()
    gone = weakref.ref(plain)
    pickler.dump([plain])
    del plain
    gc.collect()
    assert gone() is not None
    pickler.clear_memo()
    gc.collect()
    assert gone() is None


def test_a_dropped_pickler_drops_its_memo():
    plain = test_hooks.Plain()
    gone = weakref.ref(plain)
    pickler = CYPICKLE.Pickler(io.BytesIO())
    pickler.dump([plain])
    del plain, pickler
    gc.collect()
    assert gone() is None


class Token:
    """Something to look for, after the cycle that it is in is dropped."""


def cycle_of(kind, token):
    class File(io.BytesIO):
        pass

    class OwnPickler(CYPICKLE.Pickler):
        pass

    class OwnUnpickler(CYPICKLE.Unpickler):
        pass

    file = File(pickle.dumps(["a", {}], 4))
    if kind.startswith("unpickler"):
        owner = OwnUnpickler(file, buffers=iter([token]) if kind.endswith("buffers") else ())
        if kind.endswith("memo"):
            owner.load()
            owner.memo = {0: owner, 1: token}
        if kind.endswith("hooks"):
            owner.persistent_load = lambda pid: (owner, token)
            owner.find_class = lambda module, name: (owner, token)
        file.owner = owner, token
    else:
        callback = (lambda buffer: (owner, token)) if kind.endswith("callback") else None
        owner = OwnPickler(file, 5, buffer_callback=callback)
        if kind.endswith("memo"):
            token.owner = owner
            owner.dump(["a", {}])
            owner.memo = {1: (0, owner), 2: (1, token)}
        if kind.endswith("hooks"):
            owner.persistent_id = lambda obj: None if (owner, token) else obj
            owner.reducer_override = lambda obj: NotImplemented if (owner, token) else None
            owner.dump(["a", token])
        if kind.endswith("table"):
            owner.dispatch_table = {Token: lambda obj: (owner, token)}
        file.owner = owner, token


KINDS = ["pickler_file", "pickler_memo", "pickler_hooks", "pickler_table", "pickler_callback"]
KINDS += ["unpickler_file", "unpickler_memo", "unpickler_hooks", "unpickler_buffers"]


@pytest.mark.parametrize("kind", KINDS)
def test_cycles_are_collected(kind):
    token = Token()
    gone = weakref.ref(token)
    cycle_of(kind, token)
    del token
    gc.collect()
    assert gone() is None


def test_data_that_are_looked_at_are_let_go_in_a_cycle(capfd):
    """Of a long piece, which was collected in an object that must not go as long as it is looked at."""

    class File(io.BytesIO):
        pass

    owner = CYPICKLE.Unpickler.__new__(CYPICKLE.Unpickler)  # the collector clears the oldest first
    file = File(b"\x80\x04X" + (3_000_000).to_bytes(4, "little") + b"\xff" * 3_000_000 + b".")
    owner.__init__(file)
    file.owner = owner
    with pytest.raises(UnicodeDecodeError):
        file.owner.load()
    gone = weakref.ref(file)
    del file, owner
    gc.collect()
    assert gone() is None
    assert capfd.readouterr().err == ""


def test_a_memo_that_holds_its_pickler_is_collected():
    class OwnPickler(CYPICKLE.Pickler):
        pass

    pickler = OwnPickler(io.BytesIO())
    plain = test_hooks.Plain()
    pickler.dump([plain])
    plain.pickler = pickler
    gone = weakref.ref(pickler)
    del pickler, plain
    gc.collect()
    assert gone() is None


def test_the_collector_is_left_as_it_was(implementation, protocol):
    data = implementation.dumps(test_hooks.graph(), protocol)
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            implementation.loads(data)
            outcome(implementation.loads, data[:-1])
            assert gc.isenabled() is enabled
        finally:
            gc.enable()


class Attributes:
    def __init__(self, n):
        self.number, self.text, self.items = n, f"text {n}", [n]


@pytest.mark.skipif(
    not LOOKS_INSIDE, reason="the public API makes the dictionary of an instance when it is asked for it"
)
@pytest.mark.parametrize("count", [10, 5000])
def test_instances_keep_their_size(count):
    """dumps() reads attributes where they are, in many frames too: pickle leaves a dictionary with each instance."""
    made = [Attributes(n) for n in range(count)]
    CYPICKLE.dumps([Attributes(0)])
    before = measured()
    CYPICKLE.dumps(made)
    assert measured() - before < 10
