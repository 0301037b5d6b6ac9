"""The class of the first instance in a pickle, written by the names that it is found under at that time."""

import copyreg
import io
import pickle
import sys
import types

import pytest

import cypickle

NAME = "module_of_classes"


def attempt(dumps, obj, protocol):
    try:
        return dumps(obj, protocol)
    except Exception as error:
        return type(error), str(error)


def same(obj, protocols=range(6)):
    results = []
    for protocol in protocols:
        results.append(attempt(cypickle.dumps, obj, protocol))
        assert results[-1] == attempt(pickle.dumps, obj, protocol)
    return results


class Meta(type):
    pass


@pytest.fixture(params=[type, Meta])
def make(request, monkeypatch):
    """A function that makes a class and an instance of it, which has been dumped before."""
    module = types.ModuleType(NAME)
    monkeypatch.setitem(sys.modules, NAME, module)

    def make(name="Made", **attributes):
        cls = request.param(name, (), {"__module__": NAME, **attributes})
        module.__dict__[name] = cls
        obj = cls()
        obj.first, obj.second = 1, "text"
        same([obj, obj])
        same(obj)
        return module, cls, obj

    return make


def refused(obj):
    assert all(isinstance(result, tuple) for result in same(obj, (2, 4, 5)))


@pytest.mark.parametrize("name", ["A", "A" * 64, "A" * 65, "A" * 300, "Ä", "Ā"])
def test_names(make, name):
    _module, cls, obj = make(name)
    same([obj, name, cls.__qualname__, NAME, cls, obj])
    same([name, NAME, obj])
    same([cls, obj])
    same((obj, {name: obj, NAME: name}))


def test_a_name_that_only_the_class_holds(make):
    _, cls, obj = make("".join(["Ma", "de"]))
    cls.__qualname__ = "".join(["Ma", "de"])
    same([obj, obj, cls.__qualname__, cls])


def test_other_names(make):
    module, cls, obj = make()
    cls.__qualname__ = "Other"
    refused(obj)
    module.Other = cls
    same([obj, "Made", "Other"])
    module.Inner = type("Inner", (), {"__module__": NAME, "Made": cls})
    cls.__qualname__ = "Inner.Made"
    same(obj)
    cls.__qualname__ = "Made.<locals>.Made"
    refused(obj)


def test_another_module(make, monkeypatch):
    _, cls, obj = make()
    cls.__module__ = "no_such_module_of_classes"
    refused(obj)
    there = types.ModuleType("module_of_others")
    there.Made = cls
    monkeypatch.setitem(sys.modules, "module_of_others", there)
    cls.__module__ = "module_of_others"
    same([obj, "module_of_others"])
    cls.__module__ = 7
    same(obj)


def test_another_object_of_that_name(make):
    module, cls, obj = make()
    module.Made = type("Made", (), {"__module__": NAME})
    refused(obj)
    del module.Made
    refused(obj)
    module.__getattr__ = {"Made": cls}.__getitem__
    same(obj)


class Module(types.ModuleType):
    def __getattribute__(self, name):
        return SEEN.append(name) or super().__getattribute__(name)


SEEN = []


def test_modules_of_other_kinds(make, monkeypatch):
    _, cls, obj = make()
    monkeypatch.setitem(sys.modules, NAME, types.SimpleNamespace(Made=cls))
    same(obj)
    own = Module(NAME)
    own.Made = cls
    monkeypatch.setitem(sys.modules, NAME, own)
    SEEN.clear()
    cypickle.dumps(obj, 5)
    assert "Made" in SEEN
    monkeypatch.setitem(sys.modules, NAME, None)
    refused(obj)


class Key:
    """Hashes like a module's name, and is asked for it."""

    def __init__(self, name, then):
        self.name, self.then = name, then

    def __hash__(self):
        return hash(self.name)

    def __eq__(self, other):
        if other == self.name:
            self.then()
        return False


@pytest.mark.parametrize("where", ["modules", "module"])
def test_looking_for_it_runs_code_that_changes_the_object(make, where):
    results = []
    for dumps in (cypickle.dumps, pickle.dumps):
        module, cls, obj = make()
        names, name = (sys.modules, NAME) if where == "modules" else (module.__dict__, "Made")
        del names[name]
        key = Key(name, lambda obj=obj: setattr(obj, "first", [obj]))
        try:
            names[key] = None
            names[name] = module if where == "modules" else cls
            results.append(attempt(dumps, [obj, obj], 5))
        finally:
            names.pop(key)
    assert pickle.loads(results[0])[0].first[0].second == "text"
    assert results[0] == results[1]


def test_extension_codes(make):
    _, _cls, obj = make()
    copyreg.add_extension(NAME, "Made", 0xF7)
    try:
        same([obj, obj])
    finally:
        copyreg.remove_extension(NAME, "Made", 0xF7)
    same([obj, obj])


def test_what_the_metaclass_says(make):
    _, cls, obj = make()
    if type(cls) is type:
        pytest.skip("has none")
    Meta.__module__, before = "module_of_meta", Meta.__module__
    try:
        same(obj)
    finally:
        Meta.__module__ = before


def test_hooks_are_asked_about_the_class(make):
    _, cls, obj = make()
    calls = []
    for module in (cypickle, pickle):

        class Asking(module.Pickler):
            def reducer_override(self, obj):
                calls.append(obj)
                return NotImplemented

        class Naming(module.Pickler):
            def persistent_id(self, obj):
                return "id" if obj is cls else None

        for kind in (Asking, Naming):
            file = io.BytesIO()
            kind(file, 5).dump(obj)
            calls.append(file.getvalue())
    half = len(calls) // 2
    assert calls[:half] == calls[half:]
    assert cls in calls


def test_a_memo_of_another_pickler(make):
    """Indices that are not those of the log."""
    _, _cls, obj = make()
    results = []
    for module in (cypickle, pickle):
        file = io.BytesIO()
        pickler = module.Pickler(file, 5)
        pickler.memo = {id(NAME): (7, NAME), 2: (3, "Made")}
        pickler.dump([NAME, obj, obj])
        pickler.dump(obj)
        results.append(file.getvalue())
    assert results[0] == results[1]


def test_frames_end_anywhere(make):
    _, _, obj = make()
    for padding in range(65_400, 65_540):
        same(["p" * padding, obj, obj], (4, 5))


def test_many_classes(make):
    """More names than the first memo has room for."""
    items = [make(f"Class{n}")[2] for n in range(90)]
    same(items)
    for size in range(2, 70):
        same([list(range(size)), [[] for _ in range(size)], *items[:3], *items[:3]], (5,))
