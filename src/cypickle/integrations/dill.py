"""dill on cypickle: dump, dumps, load and loads with dill's arguments, and the same bytes.

    from cypickle.integrations import dill

The Pickler is dill's own, put upon ExtensiblePickler.  What dill registers for a type is called as ever; but dill's
save() is called only for types that it does something for, and dicts that are no module's run compiled.
"""

from __future__ import annotations

from types import GeneratorType
from typing import Any

import cypickle
from cypickle._extensible import ExtensiblePickler
from cypickle._rebase import Declaration, rebase_class, rebase_function
from cypickle.integrations import host

__all__ = ["Pickler", "Unpickler", "dump", "dumps", "load", "loads", "use_everywhere"]

_dill = host("dill._dill", "dill")
_theirs = {name: getattr(_dill, name) for name in ("Pickler", "Unpickler", "dump", "dumps", "load", "loads")}
_save_module_dict = _theirs["Pickler"].dispatch[dict]


def _save_dict(pickler: Any, obj: dict[Any, Any]) -> None:
    """save_module_dict of dill, where it would do no more than save a dict."""
    if "__name__" in obj or pickler._session or obj == pickler._main.__dict__:
        _save_module_dict(pickler, obj)
    else:
        ExtensiblePickler.save_dict(pickler, obj)


class _Dispatch(type(_theirs["Pickler"].dispatch)):  # type: ignore[misc]
    """dill's dispatch with another entry for dict; what is registered later is found in dill's."""

    def __missing__(self, cls: type) -> Any:
        return _theirs["Pickler"].dispatch[cls]


def _saves_like_base(self: Any, cls: type) -> bool:
    """dill's save() registers some types of numpy when it first meets them."""
    if cls is type or cls in _theirs["Pickler"].dispatch:
        return True
    if _dill.GENERATOR_FAIL and cls is GeneratorType:
        return False
    return not _dill.NumpyArrayType or not (
        _dill.numpyufunc(cls) or _dill.numpydtype(cls) or _dill.ndarraysubclassinstance(cls)
    )


def _init(self: Any, file: Any, *args: Any, **named: Any) -> None:
    _rebased.__init__(self, file, *args, **named)
    dispatch = _theirs["Pickler"].dispatch
    if type(self).dispatch is dispatch and dispatch.get(dict) is _save_module_dict:
        self.dispatch = _Dispatch(dispatch)
        self.dispatch[dict] = _save_dict


def _dump(self: Any, obj: Any) -> None:
    if type(self.dispatch) is _Dispatch and _dill.logger.isEnabledFor(
        20
    ):  # dill's trace tells about each dict
        del self.dispatch
    _rebased.dump(self, obj)


_rebased: Any = rebase_class(
    _theirs["Pickler"],
    (ExtensiblePickler, _theirs["Pickler"]),
    {"StockPickler": ExtensiblePickler},
    saves_like_base=Declaration("save", _saves_like_base),
)
Pickler: Any = type("Pickler", (_rebased,), {"__module__": __name__, "__init__": _init, "dump": _dump})
Unpickler: Any = rebase_class(
    _theirs["Unpickler"], (cypickle.Unpickler,), {"StockUnpickler": cypickle.Unpickler}, __name__
)

dump = rebase_function(_theirs["dump"], {"Pickler": Pickler}, module=__name__)
dumps = rebase_function(_theirs["dumps"], {"dump": dump}, module=__name__)
load = rebase_function(_theirs["load"], {"Unpickler": Unpickler}, module=__name__)
loads = rebase_function(_theirs["loads"], {"load": load}, module=__name__)


def use_everywhere(on: bool = True) -> None:
    """Give dill itself these functions, for code that calls `dill.dumps` and the like; or take them back.

    It reaches `dill.dumps` and its like, not names that other modules have imported from dill.
    """
    package = host("dill", "dill")
    for name, theirs in _theirs.items():
        if name in ("Pickler", "Unpickler"):
            continue
        ours = globals()[name]
        for module in (_dill, package):
            setattr(module, name, ours if on else theirs)
