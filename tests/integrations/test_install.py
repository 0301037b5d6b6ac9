"""install(): what it replaces, what it reports, and that nothing of it is left afterwards."""

import _pickle
import gc
import multiprocessing
import multiprocessing.connection
import multiprocessing.queues
import multiprocessing.reduction
import multiprocessing.sharedctypes
import multiprocessing.spawn
import pickle
import shelve
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import cypickle
from processes import run_python

NAMES = ("dump", "dumps", "load", "loads", "Pickler", "Unpickler")
EARLY = {name: getattr(_pickle, name) for name in NAMES}
METHODS = multiprocessing.get_all_start_methods()
FORKING = multiprocessing.reduction.ForkingPickler
FORKING_PLACES = [
    (multiprocessing.reduction, "ForkingPickler"),
    (multiprocessing.connection, "_ForkingPickler"),
    (multiprocessing.queues, "_ForkingPickler"),
    (multiprocessing.sharedctypes, "_ForkingPickler"),
]


class Holder:
    loads = _pickle.loads


class Derived(_pickle.Pickler):
    pass


def with_default(function=_pickle.dumps):
    return function


def enclosing(function=None):
    function = function or _pickle.load

    def with_closure():
        return function

    return with_closure


CLOSURE = enclosing()


def state():
    """What every module is bound to, by its id."""
    return {
        (module, name): id(value)
        for module in (pickle, _pickle, shelve, *(place for place, _ in FORKING_PLACES))
        for name, value in vars(module).items()
    }


@pytest.fixture(autouse=True, scope="module")
def unfrozen():
    """The report finds what the collector sees."""
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.fixture(autouse=True)
def undone():
    before = state()
    yield
    cypickle.uninstall()
    assert state() == before


def test_pickle_is_cypickle_and_then_itself_again():
    cypickle.install()
    for name in NAMES:
        assert getattr(pickle, name) is getattr(_pickle, name) is getattr(cypickle, name)
    cypickle.uninstall()
    for name in NAMES:
        assert getattr(pickle, name) is getattr(_pickle, name) is EARLY[name]


def test_modules_that_bound_names_earlier_are_reached():
    with cypickle.installed() as report:
        for module, name in FORKING_PLACES:
            assert issubclass(getattr(module, name), cypickle.Pickler)
            assert f"{module.__name__}.{name}" in report.replaced
    for module, name in FORKING_PLACES:
        assert getattr(module, name) is FORKING


binds_early = pytest.mark.skipif(
    not hasattr(shelve, "Pickler"), reason="shelve binds no names of pickle here"
)


@binds_early
def test_a_module_of_the_standard_library_that_bound_names_earlier():
    with cypickle.installed() as report:
        assert shelve.Pickler is cypickle.Pickler
        assert "shelve.Unpickler" in report.replaced
    assert shelve.Pickler is pickle.Pickler


def test_the_report_names_what_is_out_of_reach():
    with cypickle.installed() as report:
        text = str(report)
    unreachable = [line for line in report.unreachable if line.startswith(__name__)]
    assert unreachable == [
        f"{__name__}.Derived uses _pickle.Pickler",
        f"{__name__}.Holder uses _pickle.loads",
        f"{__name__}.enclosing.<locals>.with_closure uses _pickle.load",
        f"{__name__}.with_default uses _pickle.dumps",
    ]
    assert f"{len(report.unreachable)} out of reach:\n" in text


class Touchy:
    """Holds an original, and fails whoever asks it for anything: as objects that are not configured yet."""

    __slots__ = ("held",)
    __module__ = property(lambda self: 1 / 0)

    def __init__(self):
        self.held = _pickle.dump

    def __getattribute__(self, name):
        raise RuntimeError("not configured")


class TouchyMeta(type):
    def __getattribute__(cls, name):
        raise RuntimeError("not configured")


class WithProperty:
    __dict__ = property(lambda self: 1 / 0)


def test_objects_that_do_not_let_themselves_be_asked_are_named(monkeypatch):
    touchy = Touchy()
    namespace = {"__module__": __name__, "__qualname__": "Odd", "held": _pickle.load}
    odd = type.__new__(TouchyMeta, "Odd", (), namespace)
    proxy = WithProperty()
    proxy.held = _pickle.loads
    monkeypatch.setitem(sys.modules, "touchy_module", touchy)
    with cypickle.installed() as report:
        assert pickle.dumps is cypickle.dumps
    assert {
        "an instance of ?.Touchy uses _pickle.dump",
        f"{__name__}.Odd uses _pickle.load",
    } <= set(report.unreachable)
    assert odd is not proxy


@pytest.mark.parametrize("name", ["users", "owners", "describe", "_replace_all"])
def test_a_failure_on_the_way_leaves_nothing_behind(name, monkeypatch):
    module = sys.modules["cypickle._install"]
    original = getattr(module, name)

    def failing(*args):
        original(*args)
        raise MemoryError(name)

    monkeypatch.setattr(module, name, failing)
    before = state()
    with pytest.raises(MemoryError, match=name):
        cypickle.install()
    assert state() == before
    with pytest.raises(MemoryError, match=name), cypickle.installed():
        pytest.fail("entered")
    assert state() == before
    monkeypatch.undo()
    with cypickle.installed():
        assert pickle.dumps is cypickle.dumps
        monkeypatch.setattr(module, name, failing)
        with pytest.raises(MemoryError, match=name):
            cypickle.install()
        assert pickle.dumps is cypickle.dumps, "the block is still open"
    assert state() == before


def test_the_report_leaves_out_what_has_been_bound_again(monkeypatch):
    assert "pickle.dumps" in cypickle.install().replaced
    monkeypatch.setattr(pickle, "dumps", lambda obj: b"")
    report = cypickle.install()
    assert "pickle.dumps" not in report.replaced
    assert "pickle.loads" in report.replaced
    monkeypatch.undo()


def test_it_is_idempotent():
    first = cypickle.install()
    assert cypickle.install() == first
    assert cypickle.uninstall().replaced == ()
    assert cypickle.uninstall().replaced == ()


def test_blocks_nest_and_leave_an_installation_in_place():
    with cypickle.installed():
        with cypickle.installed():
            pass
        assert pickle.dumps is cypickle.dumps
        cypickle.uninstall()
        assert pickle.dumps is cypickle.dumps, "the block is still open"
    assert pickle.dumps is EARLY["dumps"]
    cypickle.install()
    with cypickle.installed():
        pass
    assert pickle.dumps is cypickle.dumps


def test_a_block_ends_by_an_error_too():
    with pytest.raises(ZeroDivisionError), cypickle.installed():
        raise ZeroDivisionError
    assert pickle.dumps is EARLY["dumps"]


def test_many_threads_at_once():
    barrier = threading.Barrier(8)

    def work(_):
        barrier.wait()
        for _ in range(3):
            with cypickle.installed():
                assert pickle.dumps is cypickle.dumps
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    assert pickle.dumps is EARLY["dumps"]


@binds_early
def test_what_somebody_else_has_bound_meanwhile_stays(monkeypatch):
    cypickle.install()
    monkeypatch.setattr(shelve, "Pickler", other := object())
    cypickle.uninstall()
    assert shelve.Pickler is other
    shelve.Pickler = _pickle.Pickler


def test_modules_imported_meanwhile(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "imported_meanwhile.py").write_text("from pickle import dumps\n")
    cypickle.install()
    import imported_meanwhile

    assert imported_meanwhile.dumps is cypickle.dumps
    report = cypickle.uninstall()
    assert report.unreachable == ("imported_meanwhile.dumps is cypickle.dumps",)
    del sys.modules["imported_meanwhile"]


@binds_early
def test_a_module_of_the_standard_library_imported_meanwhile_is_restored(monkeypatch):
    monkeypatch.delitem(sys.modules, "shelve")
    cypickle.install()
    import shelve as again

    assert again is not shelve
    assert again.Pickler is cypickle.Pickler
    cypickle.uninstall()
    assert again.Pickler is _pickle.Pickler


def test_functions_do_not_bind_as_methods_just_like_those_of_pickle():
    with cypickle.installed():

        class Serializer:
            dumps = pickle.dumps
            loads = pickle.loads

    assert Serializer().loads(Serializer().dumps([1])) == [1]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_functions_are_pickled_as_those_that_they_stand_for(protocol):
    items = [*(EARLY[name] for name in ("dump", "dumps", "load", "loads")), FORKING]
    items.append(multiprocessing.spawn.get_preparation_data)
    before = pickle.dumps(items, protocol)
    ours = cypickle.dumps([cypickle.dumps, cypickle.loads], protocol)
    with cypickle.installed():
        items = [
            pickle.dump,
            pickle.dumps,
            pickle.load,
            pickle.loads,
            multiprocessing.reduction.ForkingPickler,
        ]
        items.append(multiprocessing.spawn.get_preparation_data)
        assert cypickle.dumps(items, protocol) == pickle._dumps(items, protocol) == before
        assert pickle.loads(before)[0] is pickle.dump is cypickle.dump
    assert pickle.dumps([cypickle.dumps, cypickle.loads], protocol) == ours
    assert cypickle.loads(ours) == [cypickle.dumps, cypickle.loads]


def test_reducers_registered_before_and_during_are_known(tmp_path):
    reducers = FORKING._extra_reducers
    with cypickle.installed():
        multiprocessing.reduction.register(Holder, reduce_holder)
        try:
            data = multiprocessing.reduction.ForkingPickler.dumps(Holder())
            assert multiprocessing.reduction.ForkingPickler.loads(data) == "reduced"
        finally:
            assert reducers.pop(Holder) is reduce_holder


def reduce_holder(holder):
    return str, ("reduced",)


@pytest.mark.parametrize("refused", ["lambda: 0", "Wrong()", "[Growing(), 0]"])
def test_a_first_error_that_comes_under_install(refused):
    program = """
import pickle, cypickle

class Wrong:
    def __reduce__(self):
        return ()

class Growing:
    def __reduce__(self):
        graph.append(None)
        return int, ()

def outcome():
    global graph
    graph = eval({refused!r})
    try:
        return pickle.dumps(graph)
    except Exception as error:
        return repr(error).rpartition(" at 0x")[0]

with cypickle.installed():
    under_install = outcome()
assert under_install == outcome()
"""
    run = run_python("-c", program.replace("{refused!r}", repr(refused)), seconds=60)
    assert run.returncode == 0, run.stderr
