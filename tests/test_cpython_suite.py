"""CPython's own tests of pickle, run on cypickle.

`test.test_pickle` makes the abstract classes of `test.pickletester` concrete for `_pickle`. Here the same
module is executed a second time with cypickle in the place of `_pickle`, so that each version brings its own
classes, mixins and expected errors, and nothing of them is repeated here.
"""

import _pickle
import importlib.util
import sys
import unittest

import pytest

import cypickle

try:
    from test import test_pickle as original
except ImportError as missing:
    pytest.skip(f"CPython's own tests are not installed: {missing}", allow_module_level=True)

pytestmark = [pytest.mark.cpython_suite, pytest.mark.filterwarnings("ignore")]

COPY_NAME = "cypickle_test_pickle"

# The only tests of the implementation that do not run.
LEFT_OUT = {
    "SizeofTests.test_pickler": "size in bytes of CPython's own C structs",
    "SizeofTests.test_unpickler": "size in bytes of CPython's own C structs",
}

# Classes of test_pickle that do not touch the compiled implementation.
NOT_ABOUT_US = {
    "PyPickleTests": "the pure Python pickle",
    "PyUnpicklerTests": "the pure Python pickle",
    "PyPicklingErrorTests": "the pure Python pickle",
    "PyPicklerTests": "the pure Python pickle",
    "PyPersPicklerTests": "the pure Python pickle",
    "PyIdPersPicklerTests": "the pure Python pickle",
    "PyPicklerUnpicklerObjectTests": "the pure Python pickle",
    "PyDispatchTableTests": "the pure Python pickle",
    "PyChainDispatchTableTests": "the pure Python pickle",
    "PyPicklerHookTests": "the pure Python pickle",
    "CompatPickleTests": "the tables of _compat_pickle",
    "CommandLineTest": "`python -m pickle`",
    "LazyImportTest": "what `import pickle` imports",
    "SizeofTests": "see LEFT_OUT",
}


def execute_copy():
    """Execute test_pickle under another name, with cypickle where it expects `_pickle`."""
    spec = importlib.util.spec_from_file_location(COPY_NAME, original.__file__)
    module = importlib.util.module_from_spec(spec)
    sys.modules[COPY_NAME] = module
    saved = sys.modules["_pickle"]
    sys.modules["_pickle"] = cypickle
    try:
        spec.loader.exec_module(module)
    finally:
        sys.modules["_pickle"] = saved
    return module


def concrete_classes(module):
    """The test classes of the copy by name, those that name the `pickle` module rebound to cypickle."""
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, unittest.TestCase) and value.__module__ == COPY_NAME
    }
    chosen = {name: value for name, value in found.items() if name not in NOT_ABOUT_US}
    for name in ("CDispatchTableTests", "CChainDispatchTableTests"):
        chosen[name].pickler_class = cypickle.Pickler
    for name in ("dump", "dumps", "load", "loads"):  # a function in Python would bind to the test
        setattr(chosen["CPickleTests"], name, staticmethod(getattr(cypickle, name)))
    in_memory = chosen["InMemoryPickleTests"]
    in_memory.dumps = lambda self, arg, protocol=None, **options: cypickle.dumps(arg, protocol, **options)
    in_memory.loads = lambda self, data, **options: cypickle.loads(data, **options)
    return found, chosen


def mixed_classes(module):
    """Both directions between cypickle and the C pickle, beside test_pickle's own with the pure one."""

    def pair(name, base, pickler, unpickler, **more):
        return type(
            name, (base,), {"pickler": pickler, "unpickler": unpickler, "__module__": COPY_NAME, **more}
        )

    ours, theirs = cypickle, _pickle
    result = [
        pair("OurDump_CLoad", module.PyPicklerTests, ours.Pickler, theirs.Unpickler),
        pair("CDump_OurLoad", module.PyPicklerTests, theirs.Pickler, ours.Unpickler),
        pair("OurPersDump_CLoad", module.PyPersPicklerTests, ours.Pickler, theirs.Unpickler),
        pair("CPersDump_OurLoad", module.PyPersPicklerTests, theirs.Pickler, ours.Unpickler),
        pair("OurIdPersDump_CLoad", module.CIdPersPicklerTests, ours.Pickler, theirs.Unpickler),
        pair("CIdPersDump_OurLoad", module.CIdPersPicklerTests, theirs.Pickler, ours.Unpickler),
    ]
    return {cls.__name__: cls for cls in result}


COPY = execute_copy()
FOUND, CHOSEN = concrete_classes(COPY)
MIXED = mixed_classes(COPY)
globals().update(CHOSEN)
globals().update(MIXED)


def test_every_class_runs_or_is_accounted_for():
    assert set(FOUND) == set(CHOSEN) | (set(NOT_ABOUT_US) & set(FOUND))
    sizes = FOUND["SizeofTests"]
    names = unittest.defaultTestLoader.getTestCaseNames(sizes)
    assert {f"SizeofTests.{name}" for name in names} == set(LEFT_OUT)


@pytest.mark.parametrize("name", sorted({**CHOSEN, **MIXED}))
def test_class_uses_cypickle(name):
    """No class may quietly test the stdlib against itself."""
    cls = {**CHOSEN, **MIXED}[name]
    if name in ("InMemoryPickleTests", "HeapTypesTests"):
        assert COPY._pickle is cypickle
        return
    attributes = ("pickler", "unpickler", "pickler_class", "unpickler_class", "Pickler", "Unpickler")
    used = [getattr(cls, attribute) for attribute in attributes if hasattr(cls, attribute)]
    ours = (cypickle.Pickler, cypickle.Unpickler)
    assert any(issubclass(item, ours) for item in used)
