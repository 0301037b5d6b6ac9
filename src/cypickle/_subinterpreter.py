"""What stands in for the compiled core in interpreters that cannot have it: the standard library's own.

The core's state is there once in a process.  It is the main interpreter's; on 3.11, which does not tell which that is,
it is the first one's that imports it.
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


def stand_in(namespace: dict[str, Any]) -> None:
    """Put the names of the package that the core would provide into its namespace, and refuse the core to importers."""
    namespace.update({name: getattr(pickle, name) for name in NAMES})
    namespace.update(ExtensiblePickler=pickle._Pickler, ExtensibleUnpickler=pickle._Unpickler)
    for name in ("_emitter", "_machine", "_extensible"):
        sys.modules[f"{__package__}.{name}"] = None  # type: ignore[assignment]
