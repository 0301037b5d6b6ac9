"""From a graph to the template that `rebuild` (see rebuild.pyx) builds and visits; compiles `rebuild` when needed."""

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import io
import sys
from ast import AST
from collections import Counter, OrderedDict, defaultdict, deque
from enum import Enum
from fractions import Fraction
from functools import partial
from types import BuiltinFunctionType, FunctionType

from common import HERE

SOURCE = HERE / "rebuild.pyx"
SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]
#: Pickle puts none of these into its memo: each occurrence is made anew.
UNSHARED = (type(None), bool, int, float)
VALUES = ("datetime", "date", "time", "timedelta")


class NoFloor(Exception):
    """A graph has no floor here, or none can be measured; the message says why."""


def compile_rebuild():
    """Return the path of the compiled `rebuild`, made in `build/` if it is missing or older than its source.

    Raises:
        NoFloor: Cython or setuptools is not installed, or the compiler fails.
    """
    stamp = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    folder = HERE.parent / "build" / "benchmarks" / stamp
    path = folder / f"rebuild{SUFFIX}"
    if path.exists():
        return path
    try:
        from Cython.Build import cythonize
        from setuptools import Distribution, Extension
    except ImportError as error:
        raise NoFloor(f"floors are compiled by Cython and setuptools: {error}") from error
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            extension = Extension("rebuild", [str(SOURCE)], extra_compile_args=["-O3"])
            modules = cythonize([extension], build_dir=str(folder), quiet=True)
            command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
            command.build_lib, command.build_temp = str(folder), str(folder / "temp")
            command.ensure_finalized()
            command.run()
    except Exception as error:
        raise NoFloor(f"{SOURCE.name} does not compile: {error}\n{said.getvalue()}") from error
    return path


def load_rebuild():
    """Return the module `rebuild`."""
    if "rebuild" not in sys.modules:
        path = compile_rebuild()
        spec = importlib.util.spec_from_file_location("rebuild", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules["rebuild"] = module
    return sys.modules["rebuild"]


class Templates:
    """Makes the template of one graph; what it has met before is ready the next time."""

    def __init__(self):
        self.rebuild = load_rebuild()
        self.met = {}

    def all(self, items):
        """Return the templates of several objects."""
        return [self.of(item) for item in items]

    def of(self, obj):
        """Return the template of an object.

        Raises:
            NoFloor: It is of a kind that only a call can make.
        """
        kind = type(obj)
        if kind in UNSHARED or (kind is tuple and not obj):
            return obj
        if id(obj) in self.met or isinstance(obj, Enum | type | FunctionType | BuiltinFunctionType):
            return self.rebuild.Ready(obj)
        self.met[id(obj)] = obj
        if kind in (str, bytes, bytearray, complex, slice):
            return obj
        if kind in (list, tuple):
            return kind(self.all(obj))
        if kind is dict:
            return self.rebuild.Copied(obj, self.pairs(obj))
        if kind in (set, frozenset, deque):
            return self.rebuild.Members(kind, tuple(self.all(obj)))
        if kind.__module__ == "datetime" and kind.__name__ in VALUES:
            return obj
        return self.other(obj, kind)

    def pairs(self, items):
        """Return the templates of a dictionary's keys and values, in turn."""
        return tuple(self.of(part) for item in items.items() for part in item)

    def other(self, obj, kind):
        """Return the template of an instance or a subclass."""
        if kind is defaultdict:
            return self.rebuild.Pairs(partial(defaultdict, obj.default_factory), self.pairs(obj))
        if kind in (OrderedDict, Counter):
            return self.rebuild.Pairs(
                partial(dict.__new__, kind) if kind is Counter else kind, self.pairs(obj)
            )
        if isinstance(obj, tuple):
            return self.rebuild.Instance(kind, kind._fields, tuple(self.all(obj)), items=True)
        if kind.__new__ is not object.__new__ and not isinstance(obj, AST | Fraction):
            raise NoFloor(f"a {kind.__name__} is made by a call")
        names = [name for name in attributes(obj) if hasattr(obj, name)]
        return self.rebuild.Instance(
            kind, tuple(names), tuple(self.all(getattr(obj, name) for name in names))
        )


def attributes(obj):
    """Return the names of an instance's attributes: of its `__dict__`, or of its slots."""
    if hasattr(obj, "__dict__"):
        return list(vars(obj))
    slots = [name for cls in reversed(type(obj).__mro__) for name in getattr(cls, "__slots__", ())]
    return [name for name in slots if name != "__weakref__"]


def template(graph):
    """Return the template of a graph."""
    return Templates().of(graph)
