"""What stands in for the compiled core in interpreters that cannot have it: the standard library's own.

The core's state is there once in a process.  It is the main interpreter's; on 3.11 and 3.12.0, which do not tell which
that is, it is the first one's that imports it.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

NAMES = (
    "DEFAULT_PROTOCOL",
    "HIGHEST_PROTOCOL",
    "Pickler",
    "Unpickler",
    "dump",
    "dumps",
    "load",
    "loads",
)
CORE = tuple(f"{__package__}.{name}" for name in ("_emitter", "_machine", "_extensible"))


class Refusal:
    """On sys.meta_path: says why the core is not to be had, before the import could take it from the main one."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        """Raises: ImportError, for a module of the core."""
        if name in CORE:
            message = f"{name} is compiled code of cypickle's, which only the main interpreter of a process can have"
            raise ImportError(message, name=name)
        return None


def stand_in(namespace: dict[str, Any]) -> None:
    """Put the names of the package that the core would provide into its namespace."""
    namespace.update({name: getattr(pickle, name) for name in NAMES})
    namespace.update(ExtensiblePickler=pickle._Pickler, ExtensibleUnpickler=pickle._Unpickler)
    sys.meta_path.insert(0, Refusal)
