"""shelve: `open()` and the Shelf classes of the standard library on cypickle, with the same files."""

from __future__ import annotations

import shelve
from types import FunctionType
from typing import Any, cast

import cypickle
from cypickle._rebase import rebase_class, rebase_function

__all__ = ["BsdDbShelf", "DbfilenameShelf", "Shelf", "open"]

_NAMES: dict[str, Any] = {
    name: getattr(cypickle, name) for name in ("Pickler", "Unpickler", "dumps", "loads")
}

#: shelve.Shelf that pickles by cypickle, and the classes derived from it.
Shelf: Any = rebase_class(shelve.Shelf, (shelve.Shelf,), _NAMES, __name__)
_NAMES["Shelf"] = Shelf
BsdDbShelf: Any = rebase_class(shelve.BsdDbShelf, (Shelf, shelve.BsdDbShelf), _NAMES, __name__)
DbfilenameShelf: Any = rebase_class(shelve.DbfilenameShelf, (Shelf, shelve.DbfilenameShelf), _NAMES, __name__)

open: Any = rebase_function(
    cast(FunctionType, shelve.open), {"DbfilenameShelf": DbfilenameShelf}, module=__name__
)
