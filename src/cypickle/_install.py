"""install(): pickle itself becomes cypickle, in this process and in the workers that multiprocessing starts."""

from __future__ import annotations

import _pickle
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import reduction, spawn
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import cypickle
from cypickle._forking import ForkingPickler

__all__ = ["Report", "install", "installed", "uninstall"]

NAMES = ("dump", "dumps", "load", "loads", "Pickler", "Unpickler")
_PACKAGE = __name__.partition(".")[0]


class Report(NamedTuple):
    """What install() or uninstall() found.

    Attributes:
        replaced: The bindings that were changed and are still: "module.name" each.
        unreachable: What goes on using the other implementation, in words, one each: subclasses, defaults of
            arguments, closures, attributes of classes and instances.
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
        _explicit = True
        _replace_all()
        return _report()


def uninstall() -> Report:
    """Undo install(), whatever the number of calls; while a `with installed()` block is open, its end does it.

    Returns:
        What is still replaced, and the bindings of modules that were imported meanwhile.
    """
    global _explicit
    with _lock:
        _explicit = False
        if not _blocks:
            _restore_all()
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
        _replace_all()
        report = _report()
    try:
        yield report
    finally:
        with _lock:
            _blocks -= 1
            if not _blocks and not _explicit:
                _restore_all()


# ---- replacing -------------------------------------------------------------------------------------


def _replacements() -> dict[int, tuple[object, object]]:
    """id of each object to be replaced -> it, and what takes its place."""
    pairs: list[tuple[object, object]] = [(_ORIGINALS[name], _OURS[name]) for name in NAMES]
    pairs += [(_STDLIB_FORKING, ForkingPickler), (_stdlib_preparation, _preparation_data)]
    return {id(before): (before, after) for before, after in pairs}


def _namespaces() -> Iterator[tuple[str, dict[str, Any]]]:
    """The global names of every imported module but ours, lazy ones left unloaded."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and name.partition(".")[0] != _PACKAGE:
            yield name, ModuleType.__getattribute__(module, "__dict__")


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


def _restore_all() -> None:
    while _bindings:
        binding = _bindings.pop()
        if binding.namespace.get(binding.name) is binding.after:
            binding.namespace[binding.name] = binding.before
    # Modules of the standard library that were imported meanwhile have bound ours, and so has whoever took
    # ForkingPickler from one of them: nobody else can have meant these objects.
    pairs = {id(after): (before, after) for before, after in _replacements().values()}
    private = {id(ForkingPickler), id(_preparation_data)}
    for module, namespace in _namespaces():
        stdlib = module.partition(".")[0] in sys.stdlib_module_names and module != "__main__"
        for name, value in list(namespace.items()):
            if id(value) in pairs and (stdlib or id(value) in private):
                namespace[name] = pairs[id(value)][0]


# ---- workers ---------------------------------------------------------------------------------------


class _InstallInWorker:
    """Installs where it is unpickled, which is before the worker unpickles anything else of its own."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The worker has not been given our sys.path yet, so the package may not be found without it.
        code = f"import sys\nsys.path[:] = {sys.path!r}\nimport cypickle\ncypickle.install()"
        return exec, (code, {})


def _preparation_data(name: str) -> dict[str, Any]:
    """multiprocessing.spawn.get_preparation_data, with an item that installs in the worker."""
    return {**_stdlib_preparation(name), _PACKAGE: _InstallInWorker()}


# ---- the report ------------------------------------------------------------------------------------


def _report() -> Report:
    """After install(): who holds one of the originals, apart from what it took out of use."""
    targets = (*_ORIGINALS.values(), _STDLIB_FORKING)
    retired = {id(_STDLIB_FORKING), id(vars(_STDLIB_FORKING))}
    known = {id(ModuleType.__getattribute__(module, "__dict__")) for module in _own_modules()}
    known |= retired | {id(_ORIGINALS), id(targets)}
    users = [
        (user, used)
        for user, used in _users(targets)
        if id(user) not in known and not isinstance(user, (_Binding, MethodType))
    ]
    owners = _owners([user for user, _ in users if isinstance(user, (dict, tuple, CellType))], retired)
    found: set[str] = set()
    for user, used in users:
        description = _describe(owners.get(id(user), user))
        if description and not description.startswith(f"{_PACKAGE}."):
            found.update(f"{description} uses {target.__module__}.{target.__qualname__}" for target in used)
    return Report(_replaced(), tuple(sorted(found)))


def _users(targets: Sequence[Any]) -> list[tuple[object, list[Any]]]:
    """What refers to any of them, and to which: the collector's objects are gone through once."""
    by_id = {id(target): target for target in targets}
    return [
        (user, [by_id[id(value)] for value in gc.get_referents(user) if id(value) in by_id])
        for user in gc.get_referrers(*targets)
        if user is not targets and user is not by_id
    ]


def _report_after() -> Report:
    """After uninstall(): which modules were imported meanwhile and have bound one of ours."""
    ours = {id(value): value for value in _OURS.values()}
    left = [
        f"{module}.{name} is {value.__module__}.{value.__qualname__}"
        for module, namespace in _namespaces()
        if module not in _modules_before
        for name, value in list(namespace.items())
        if id(value) in ours
    ]
    return Report(_replaced(), tuple(sorted(left)))


def _replaced() -> tuple[str, ...]:
    return tuple(sorted({f"{binding.module}.{binding.name}" for binding in _bindings}))


def _own_modules() -> list[ModuleType]:
    return [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == _PACKAGE]


def _owners(containers: list[Any], retired: set[int]) -> dict[int, object]:
    """id of a dict, tuple or cell -> the function, class or instance whose defaults, attributes or closure it is."""
    owners: dict[int, object] = {}
    closures: dict[int, list[Any]] = {}
    for holder, held in _users(containers):
        for container in held:
            if isinstance(holder, FunctionType | type) or getattr(holder, "__dict__", None) is container:
                if id(holder) not in retired:
                    owners.setdefault(id(container), holder)
            elif isinstance(container, CellType) and isinstance(holder, tuple):
                closures.setdefault(id(holder), [holder]).append(container)
    for holder, held in _users([closure for closure, *_ in closures.values()]) if closures else ():
        if isinstance(holder, FunctionType):
            owners.update((id(cell), holder) for closure in held for cell in closures[id(closure)][1:])
    return owners


def _describe(user: object) -> str:
    """Name a function, class, module or instance; "" for what has no name."""
    if isinstance(user, FunctionType | type):
        return f"{user.__module__}.{user.__qualname__}"
    if isinstance(user, ModuleType):
        return f"module {user.__name__}"
    if hasattr(user, "__dict__"):
        return f"an instance of {type(user).__module__}.{type(user).__qualname__}"
    return ""
