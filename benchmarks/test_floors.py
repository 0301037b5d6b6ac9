"""Each floor makes the objects that loading makes, and writes the bytes that dumping writes."""

import pickle
from collections import Counter, deque
from enum import Enum
from types import FunctionType

import pytest

import floors
import templates
from cypickle.bench.registry import Unavailable
from cypickle.bench.workloads import select

LISTS = [item for item in select([]) if item.kind != "big"]
CONTAINERS = (list, tuple, set, frozenset, deque)
#: Made at each occurrence in a pickle, while other objects are made once.
COUNTED = (int, float)
NAMES = (type, Enum, FunctionType, type(None), bool)


def made(name):
    """Return the graph of the workload of exactly that name."""
    try:
        return next(item for item in select([name]) if item.name == name).build()
    except Unavailable as reason:
        pytest.skip(str(reason))


def parts(obj, whole):
    """Return the objects directly in one; without `whole`, not what a floor leaves out of dicts and instances."""
    if isinstance(obj, dict):
        return [part for item in obj.items() for part in item] if whole or type(obj) is not dict else []
    if isinstance(obj, CONTAINERS):
        return list(obj)
    if isinstance(obj, slice):
        return [obj.start, obj.stop, obj.step]
    names = templates.attributes(obj) if hasattr(type(obj), "__dict__") else []
    return [getattr(obj, name) for name in names if hasattr(obj, name)]


def census(roots, *, whole, known=()):
    """Count the objects of a graph: by type, and atoms by value, too. `known` ones (by id) are left out."""
    found, met, waiting = Counter(), dict.fromkeys(known), list(roots)
    while waiting:
        obj = waiting.pop()
        kind = type(obj)
        if isinstance(obj, NAMES) or (id(obj) in met and kind not in COUNTED):
            continue
        if (kind is str and len(obj) < 2) or (kind is tuple and not obj):
            continue  # CPython keeps one of these
        met[id(obj)] = obj
        inner = parts(obj, whole)
        waiting += inner
        found[kind] += 1
        if not inner and not isinstance(obj, dict) and kind.__module__ in ("builtins", "datetime"):
            found[repr(obj) if kind not in CONTAINERS else kind] += 1
    return found, met


@pytest.mark.parametrize("name", [item.name for item in LISTS if floors.floors_of(item)[1] is floors.built])
def test_what_is_built_are_the_objects_of_the_graph(name):
    graph = made(name)
    whole, met = census([graph], whole=True)
    call = floors.built(graph)
    result = call.once()
    roots = [result[0], *result[1]] if call.args[0].lacking else [result]
    shared = [key for key, obj in met.items() if type(obj) not in COUNTED]
    assert census(roots, whole=False, known=shared)[0] == whole


@pytest.mark.parametrize(
    "name",
    [name for name, (_, floor) in floors.FLOORS.items() if floor is floors.called],
)
def test_what_is_called_returns_the_objects_of_the_graph(name):
    graph = made(name)
    assert pickle.dumps(floors.called(graph).once()) == pickle.dumps(graph)


@pytest.mark.parametrize("name", ["getstate_list", "reduce_list"])
def test_what_python_functions_fill_equals_the_graph(name):
    graph = made(name)
    values, objects = floors.FLOORS[name][1](graph).once()
    assert [vars(obj) for obj in objects] == [vars(obj) for obj in graph]
    assert values == [value for obj in graph for value in vars(obj).values()]


def test_each_handle_is_found_by_the_hook():
    graph = made("hook_persistent_id")
    handles, (records, _) = floors.found_by_python(graph).once()
    assert [type(obj) for obj in graph].count(type(handles[0])) == len(handles) == 20
    assert len(records) == len(graph) - 20


@pytest.mark.parametrize("item", LISTS, ids=lambda item: item.name)
def test_what_is_written_is_the_pickle(item):
    (pickled,) = item.parts(item.dumping(pickle, made(item.name)).once())
    write, _ = floors.floors_of(item)
    assert write(item.build(), pickled).once() == pickled


def test_hooks_are_called_for_every_object_that_pickle_asks_for(monkeypatch):
    calls = Counter()
    for name, floor in (
        ("persistent_id", floors.asked_for_ids),
        ("reducer_override", floors.asked_for_reducers),
    ):
        hook = getattr(floors.hooks, name)
        monkeypatch.setattr(
            floors.hooks,
            name,
            lambda self, obj, name=name, hook=hook: calls.update([name]) or hook(self, obj),
        )
        call = floor(made(f"hook_{name}"), b"")
        asked = calls[name]
        call.once()
        assert calls[name] == 2 * asked > 0


@pytest.mark.parametrize("name", ["bytes_10mb", "bytearray_10mb", "numpy_frame_10mb"])
def test_buffers_are_copied(name):
    graph = made(name)
    expected = bytes(memoryview(graph))
    assert floors.copied(graph).once() == expected
    assert floors.file_read(graph).once()[1] == expected
    scratch = floors.file_written(graph, b"").once()
    scratch.file.seek(0)
    assert scratch.file.read() == expected


def test_big_buffers_have_the_floor_of_their_way():
    found = {item.name: item for item in select(["big buffers"])}
    assert floors.floors_of(found["bytes_10mb"]) == (floors.buffer_written, floors.copied)
    assert floors.floors_of(found["bytearray_10mb_file"]) == (floors.file_written, floors.file_read)
    with pytest.raises(templates.NoFloor, match="nothing has to be copied"):
        floors.floors_of(found["numpy_frame_10mb_oob"])


def test_a_target_above_the_floor_is_said_to_be_out_of_reach():
    row = floors.Floor("ints", "loads", "built", floor=1.0, pickle=2.0, cypickle=1.5, target=3)
    assert floors.verdict(row, 1.33, 2.0) == "**below the floor**"
    row.target = 1.9
    assert floors.verdict(row, 1.33, 2.0) == "open"
    assert floors.verdict(row, 1.9, 2.0) == "reached"
    assert floors.verdict(row, 2.5, 2.0) == "floor beaten"
