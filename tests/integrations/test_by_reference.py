"""What the integrations export can be pickled by its name, as the host's own can."""

import importlib
import inspect
import multiprocessing
import pickle
import pkgutil
import subprocess
import sys

import pytest

import cypickle
import cypickle.integrations

NAMES = sorted(info.name for info in pkgutil.iter_modules(cypickle.integrations.__path__))


def integration(name):
    try:
        return importlib.import_module(f"cypickle.integrations.{name}")
    except ImportError as missing:
        pytest.skip(f"{missing}: see the extra `hosts`")


@pytest.mark.parametrize("module", [pickle, cypickle])
@pytest.mark.parametrize("name", NAMES)
def test_functions_and_classes_are_pickled_by_reference(name, module):
    exported = integration(name)
    found = [getattr(exported, item) for item in exported.__all__]
    items = [item for item in found if inspect.isroutine(item) or inspect.isclass(item)]
    assert items
    assert module.loads(module.dumps(items)) == items


@pytest.mark.hosts
def test_hash_and_dumps_in_a_pool():
    ours, clouds, dill = integration("joblib"), integration("cloudpickle"), integration("dill")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(ours.hash, [[1, 2]]) == [ours.hash([1, 2])]
        for module in (clouds, dill):
            assert pool.map(module.dumps, [[1, 2]]) == [module.dumps([1, 2])]


@pytest.mark.hosts
def test_a_cache_of_diskcache(tmp_path):
    disk = integration("diskcache").Disk
    import diskcache

    with diskcache.Cache(tmp_path, disk=disk) as cache:
        cache["key"] = ("any", "object")
        with pickle.loads(pickle.dumps(cache)) as again:
            assert type(again.disk) is disk
            assert again["key"] == ("any", "object")


def test_contexts_of_multiprocessing():
    ours = integration("multiprocessing")
    for method in multiprocessing.get_all_start_methods():
        context = ours.get_context(method)
        assert pickle.loads(pickle.dumps(context)) is context


def test_shelves_are_shelves(tmp_path):
    import shelve

    ours = integration("shelve")
    with ours.open(str(tmp_path / "shelf")) as shelf:
        assert type(shelf) is ours.DbfilenameShelf
        assert isinstance(shelf, shelve.DbfilenameShelf)
        assert isinstance(shelf, ours.Shelf)
        shelf["key"] = {"any": "object"}
        shelf["other"] = 1
    with ours.Shelf({}) as shelf:
        shelf["key"] = 1
        assert shelf["key"] == 1
    with shelve.open(str(tmp_path / "shelf")) as shelf:
        assert dict(shelf) == {"key": {"any": "object"}, "other": 1}
    with ours.open(str(tmp_path / "shelf"), flag="w") as shelf:
        shelf.clear()
        assert len(shelf) == 0
    for name in ("Shelf", "DbfilenameShelf", "BsdDbShelf"):
        own = {item for item in vars(getattr(shelve, name)) if not item.startswith("__")}
        assert own <= set(vars(getattr(ours, name)))


def test_shelves_pickle_by_cypickle(tmp_path):
    code = (
        "import pickle, shelve\n"
        "from cypickle.integrations import shelve as ours\n"
        "def refused(*args): raise AssertionError('the standard library was asked')\n"
        "for name in ('Pickler', 'Unpickler', 'dumps', 'loads'):\n"
        "    for module in (pickle, shelve):\n"
        "        if hasattr(module, name): setattr(module, name, refused)\n"
        f"with ours.open({str(tmp_path / 'shelf')!r}) as shelf:\n"
        "    shelf['key'] = [1]\n"
        "    assert shelf['key'] == [1]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
