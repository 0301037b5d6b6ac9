"""Modules that globals are in: found in sys.modules only where the stdlib's import would do no more."""

import builtins
import importlib.machinery
import pickle
import sys
import types

import pytest

import cypickle
from oracle import outcome

FULL = "cyp_top.middle.inner"


def asked(monkeypatch, module, data, prepare):
    """What loads() does with modules as `prepare` makes them, and what it asked of them."""
    seen = []
    with monkeypatch.context() as patch:
        for name in ["cyp_top", "cyp_top.middle", FULL]:
            made = types.ModuleType(name)
            made.__path__ = []
            made.value = name
            made.__dict__["__value"] = "mangled"
            made.__dict__["a.b"] = "never"
            made.__spec__ = importlib.machinery.ModuleSpec(name, None)
            patch.setitem(sys.modules, name, made)
        prepare(patch, seen)
        found = outcome(module.loads, data)
        again = outcome(module.loads, data)
        return [
            (each.error, each.message, repr(each.value).split(" at 0x")[0]) for each in (found, again)
        ], seen


class Other(types.ModuleType):
    def __getattr__(self, name):
        return f"{name} of another"


class OddSpec(importlib.machinery.ModuleSpec):
    @property
    def _initializing(self):
        raise ZeroDivisionError

    @_initializing.setter
    def _initializing(self, value):
        pass


def nothing(patch, seen):
    pass


def no_top(patch, seen):
    patch.delitem(sys.modules, "cyp_top")


def no_module(patch, seen):
    patch.delitem(sys.modules, FULL)


def none_for(name):
    return lambda patch, seen: patch.setitem(sys.modules, name, None)


def another_object(patch, seen):
    patch.setitem(sys.modules, FULL, types.SimpleNamespace(value="other", middle=1))


def a_subclass(patch, seen):
    made = Other(FULL)
    patch.setitem(sys.modules, FULL, made)


def no_spec(patch, seen):
    del sys.modules[FULL].__spec__


def odd_spec(name):
    return lambda patch, seen: patch.setattr(sys.modules[name], "__spec__", OddSpec(name, None))


def initialising(name):
    return lambda patch, seen: patch.setattr(sys.modules[name].__spec__, "_initializing", True, raising=False)


def uninitialised_spec(patch, seen):
    vars(sys.modules[FULL].__spec__).pop("_initializing", None)


def another_import(patch, seen):
    real = builtins.__import__

    def noting(name, *rest, **named):
        seen.append(name)
        return real(name, *rest, **named)

    patch.setattr(builtins, "__import__", noting)


def another_sys_modules(patch, seen):
    patch.setattr(sys, "modules", dict(sys.modules))


STATES = {
    "whole": nothing,
    "no top": no_top,
    "no module": no_module,
    "None": none_for(FULL),
    "None on top": none_for("cyp_top"),
    "another object": another_object,
    "a subclass": a_subclass,
    "no spec": no_spec,
    "odd spec": odd_spec(FULL),
    "odd spec on top": odd_spec("cyp_top"),
    "initialising": initialising(FULL),
    "initialising on top": initialising("cyp_top"),
    "a spec that says nothing": uninitialised_spec,
    "another import": another_import,
    "another sys.modules": another_sys_modules,
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("module_name", ["cyp_top", FULL, "cyp_top.absent", ".cyp_top", "cyp_t\xf6p"])
def test_modules_are_found_as_the_stdlib_finds_them(state, protocol, module_name, monkeypatch):
    for name in ["value", "absent", "__value", "__spec__", "_", "a.b", "value.upper", ".value", "v\xe4lue"]:
        if protocol == 2:
            data = b"\x80\x02c%s\n%s\n." % (module_name.encode(), name.encode())
        else:
            names = [b"\x8c%c%s" % (len(text.encode()), text.encode()) for text in (module_name, name)]
            data = b"\x80\x04%s%s\x93." % (names[0], names[1])
        theirs = asked(monkeypatch, pickle, data, STATES[state])
        assert asked(monkeypatch, cypickle, data, STATES[state]) == theirs
