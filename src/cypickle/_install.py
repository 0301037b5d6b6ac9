"""install(): pickle itself becomes cypickle, in this process and in the workers that multiprocessing starts."""

from __future__ import annotations

import _pickle
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import reduction, spawn
from types import CellType, MethodType, ModuleType
from typing import Any, NamedTuple

import cypickle
from cypickle._forking import ForkingPickler
from cypickle._users import describe, is_a, module_names, owners, users

__all__ = ["Report", "install", "installed", "uninstall"]

NAMES = ("dump", "dumps", "load", "loads", "Pickler", "Unpickler")
_PACKAGE = __name__.partition(".")[0]


class Report(NamedTuple):
    """What install() or uninstall() found.

    Attributes:
        replaced: The bindings that were changed and are still: "module.name" each.
        unreachable: What goes on using the other implementation, in words, one each: subclasses, defaults of
            arguments, closures, attributes of classes and instances.  What gc.freeze() hides is not found.
    """

    replaced: tuple[str, ...]
    unreachable: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{len(self.replaced)} bindings replaced:", *(f"  {line}" for line in self.replaced)]
        lines += [f"{len(self.unreachable)} out of reach:", *(f"  {line}" for line in self.unreachable)]
        return "\n".join(lines)


class _Binding(NamedTuple):
    namespace: dict[str, Any]
    module: str
    name: str
    before: object
    after: object


def _stdlib_originals() -> dict[str, Any]:
    """The compiled originals, by name.  Where somebody else has replaced them already, those are left in peace."""
    return {name: getattr(_pickle, name) for name in NAMES}


_ORIGINALS = _stdlib_originals()
_OURS = {name: getattr(cypickle, name) for name in NAMES}
_STDLIB_FORKING = reduction.ForkingPickler
_stdlib_preparation: Callable[[str], dict[str, Any]] = spawn.get_preparation_data

_lock = threading.RLock()
_bindings: list[_Binding] = []
_explicit = False  # install() has been called, and uninstall() has not
_modules_before: set[str] = set()  # those imported when it was installed
_blocks = 0  # `with installed()` blocks that are open


def _renew_lock() -> None:
    """In a forked child no thread is left that could release it."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def install() -> Report:
    """Make `pickle` use cypickle: dump, dumps, load, loads, Pickler and Unpickler of `pickle` and `_pickle`.

    So do the modules that have bound one of them by `from pickle import ...`, multiprocessing's ForkingPickler with
    its users, and the workers that multiprocessing starts from now on.  Modules that are imported later find
    cypickle.  Calling it again looks for bindings made since.

    Returns:
        What is replaced, and what uses the standard library's pickle nevertheless.
    """
    global _explicit
    with _lock:
        before, _explicit = _explicit, True
        try:
            _replace_all()
            return _report()
        except BaseException:  # as Ctrl-C, or memory that has run out
            _explicit = before
            _restore_unless_wanted()
            raise


def uninstall() -> Report:
    """Undo install(), whatever the number of calls; while a `with installed()` block is open, its end does it.

    Returns:
        What is still replaced, and the bindings of modules that were imported meanwhile.
    """
    global _explicit
    with _lock:
        _explicit = False
        _restore_unless_wanted()
        return _report_after()


@contextmanager
def installed() -> Iterator[Report]:
    """install() for a `with` block, in all threads; blocks may be nested and may overlap.

    Yields:
        The report of install().
    """
    global _blocks
    with _lock:
        _blocks += 1
    try:
        with _lock:
            _replace_all()
            report = _report()
        yield report
    finally:
        with _lock:
            _blocks -= 1
            _restore_unless_wanted()


# ---- replacing -------------------------------------------------------------------------------------


def _replacements() -> dict[int, tuple[Any, Any]]:
    """id of each object to be replaced -> it, and what takes its place; nothing in a subinterpreter."""
    if _OURS == _ORIGINALS:
        return {}
    pairs: list[tuple[Any, Any]] = [(_ORIGINALS[name], _OURS[name]) for name in NAMES]
    pairs += [(_STDLIB_FORKING, ForkingPickler), (_stdlib_preparation, get_preparation_data)]
    return {id(before): (before, after) for before, after in pairs}


def _namespaces() -> Iterator[tuple[str, dict[str, Any]]]:
    """The global names of every imported module but ours, lazy ones left unloaded."""
    for name, module in list(sys.modules.items()):
        if isinstance(name, str) and is_a(module, ModuleType) and name.partition(".")[0] != _PACKAGE:
            yield name, module_names(module)


def _replace_all() -> None:
    global _modules_before
    if not _bindings:
        _modules_before = set(sys.modules)
    pairs = _replacements()
    for module, namespace in _namespaces():
        for name, value in list(namespace.items()):
            before, after = pairs.get(id(value), (None, None))
            if value is before and value is not None:
                _bindings.append(_Binding(namespace, module, name, before, after))
                namespace[name] = after
    _rename(True)


def _rename(installed: bool) -> None:
    """Let functions say that they are what they replace, so that they are pickled as that; or that they are ours.

    The classes Pickler and Unpickler are sealed: they keep their names.
    """
    for before, after in _replacements().values():
        if after not in (_OURS["Pickler"], _OURS["Unpickler"]):
            after.__module__ = before.__module__ if installed else _OUR_MODULES[id(after)]


def _restore_unless_wanted() -> None:
    if not _blocks and not _explicit:
        _restore_all()


def _restore_all() -> None:
    _rename(False)
    while _bindings:
        binding = _bindings.pop()
        if binding.namespace.get(binding.name) is binding.after:
            binding.namespace[binding.name] = binding.before
    # Modules of the standard library that were imported meanwhile have bound ours, and so has whoever took
    # ForkingPickler from one of them: nobody else can have meant these objects.
    pairs = {id(after): (before, after) for before, after in _replacements().values()}
    private = {id(ForkingPickler), id(get_preparation_data)}
    for module, namespace in _namespaces():
        stdlib = module.partition(".")[0] in sys.stdlib_module_names and module != "__main__"
        for name, value in list(namespace.items()):
            if id(value) in pairs and (stdlib or id(value) in private):
                namespace[name] = pairs[id(value)][0]


# ---- workers ---------------------------------------------------------------------------------------


class _InstallInWorker:
    """Installs where it is unpickled, which is before the worker unpickles anything else of its own.

    The worker has not been given its sys.path yet, and without it may not find the package; so until then nothing
    but builtins can be named.  Import looks at strings alone.
    """

    def __init__(self, path: list[Any]) -> None:
        self.path = [entry for entry in path if type(entry) is str]

    def __reduce__(self) -> tuple[Any, ...]:
        code = "import sys\nsys.path[:] = path\nimport cypickle\ncypickle.install()"
        return exec, (code, {"path": self.path})


def get_preparation_data(name: str) -> dict[str, Any]:
    """multiprocessing.spawn.get_preparation_data, with an item that installs in the worker."""
    data = _stdlib_preparation(name)
    return {**data, _PACKAGE: _InstallInWorker(data.get("sys_path", sys.path))}


#: id of what takes the place of something -> the module that it says it is from.
_OUR_MODULES = {id(after): after.__module__ for _, after in _replacements().values()}


# ---- the report ------------------------------------------------------------------------------------


def _report() -> Report:
    """After install(): who holds one of the originals, apart from what it took out of use."""
    if _OURS == _ORIGINALS:
        return Report((), ())
    targets = (*_ORIGINALS.values(), _STDLIB_FORKING)
    retired = {id(_STDLIB_FORKING), id(vars(_STDLIB_FORKING))}
    known = {id(module_names(module)) for module in _own_modules()}
    known |= retired | {id(_ORIGINALS), id(targets)}
    found = [
        (user, used)
        for user, used in users(targets)
        if id(user) not in known and not is_a(user, _Binding, MethodType)
    ]
    owned = owners([user for user, _ in found if is_a(user, dict, tuple, CellType)], retired)
    lines: set[str] = set()
    for user, used in found:
        name = describe(owned.get(id(user), user))
        if name and not name.startswith(f"{_PACKAGE}."):
            lines.update(f"{name} uses {target.__module__}.{target.__qualname__}" for target in used)
    return Report(_replaced(), tuple(sorted(lines)))


def _report_after() -> Report:
    """After uninstall(): which modules were imported meanwhile and have bound one of ours."""
    ours = {id(value): f"{_PACKAGE}.{name}" for name, value in _OURS.items()}
    left = [
        f"{module}.{name} is {ours[id(value)]}"
        for module, namespace in _namespaces()
        if module not in _modules_before
        for name, value in list(namespace.items())
        if id(value) in ours
    ]
    return Report(_replaced(), tuple(sorted(left)))


def _replaced() -> tuple[str, ...]:
    """What was replaced and has not been bound to something else by anybody since."""
    return tuple(
        sorted(
            {
                f"{binding.module}.{binding.name}"
                for binding in _bindings
                if binding.namespace.get(binding.name) is binding.after
            }
        )
    )


def _own_modules() -> list[ModuleType]:
    return [
        module
        for name, module in list(sys.modules.items())
        if is_a(module, ModuleType) and isinstance(name, str) and name.partition(".")[0] == _PACKAGE
    ]
