"""shelve: `open()`, `Shelf` and `DbfilenameShelf` of the standard library on cypickle, with the same files."""

from __future__ import annotations

import dbm
import shelve
from typing import Any

import cypickle
from cypickle._rebase import rebase_class

__all__ = ["DbfilenameShelf", "Shelf", "open"]

_NAMES = {name: getattr(cypickle, name) for name in ("Pickler", "Unpickler", "dumps", "loads")}

#: shelve.Shelf that pickles by cypickle.
Shelf: Any = rebase_class(shelve.Shelf, (shelve.Shelf,), _NAMES)


class DbfilenameShelf(Shelf):  # type: ignore[misc]
    """shelve.DbfilenameShelf that pickles by cypickle."""

    def __init__(
        self, filename: Any, flag: str = "c", protocol: int | None = None, writeback: bool = False
    ) -> None:
        database = dbm.open(filename, flag)  # type: ignore[arg-type]  # noqa: SIM115 - close() closes it
        super().__init__(database, protocol, writeback)


def open(
    filename: Any, flag: str = "c", protocol: int | None = None, writeback: bool = False
) -> DbfilenameShelf:
    """Open a persistent dictionary, as shelve.open."""
    return DbfilenameShelf(filename, flag, protocol, writeback)
