"""dill on cypickle: dump, dumps, load and loads with dill's arguments, and the same bytes.

    from cypickle.integrations import dill

The Pickler is dill's own, put upon ExtensiblePickler.  What dill registers for a type is called as ever; but dill's
save() is called only for types that it does something for, and what it registers for dict only for those that may be a
module's.
"""

from __future__ import annotations

from logging import INFO
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


def _dict_exceptions(self: Any) -> tuple[Any, str, dict[str, Any]] | None:
    """save_module_dict does no more than save a dict, unless it may be that of a module: of the main one, or its own.

    Between sessions and traces, which tell about each dict.
    """
    if self._session or _dill.logger.isEnabledFor(INFO):
        return None
    main = self._main.__dict__
    return (_save_module_dict, "__name__", main) if type(main) is dict else None


def _saves_like_base(self: Any, cls: type) -> bool:
    """dill's save() registers some types of numpy when it first meets them."""
    if cls is type or cls in _theirs["Pickler"].dispatch:
        return True
    if _dill.GENERATOR_FAIL and cls is GeneratorType:
        return False
    return not _dill.NumpyArrayType or not (
        _dill.numpyufunc(cls) or _dill.numpydtype(cls) or _dill.ndarraysubclassinstance(cls)
    )


Pickler: Any = rebase_class(
    _theirs["Pickler"],
    (ExtensiblePickler, _theirs["Pickler"]),
    {"StockPickler": ExtensiblePickler},
    __name__,
    saves_like_base=Declaration("save", _saves_like_base),
    dict_exceptions=_dict_exceptions,
)
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
