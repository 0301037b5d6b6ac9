"""Names that are looked up when they are first asked for.

Those of the pickle module that there is no reason to write anew, and our own that not every program needs.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what typing says, without the time that importing it takes
if TYPE_CHECKING:
    from typing import Any


LAZY_NAMES = (
    "_Framer",
    "_Pickler",
    "_Stop",
    "_Unframer",
    "_Unpickler",
    "_compat_pickle",
    "_dump",
    "_dumps",
    "_extension_cache",
    "_extension_registry",
    "_getattribute",
    "_inverted_registry",
    "_load",
    "_loads",
    "_tuplesize2code",
    "bytes_types",
    "compatible_formats",
    "decode_long",
    "dispatch_table",
    "encode_long",
    "format_version",
    "whichmodule",
)


#: Our own names, and the modules that have them.
OWN_NAMES = {
    "ExtensiblePickler": "cypickle._extensible",
    "ExtensibleUnpickler": "cypickle._extensible",
    "install": "cypickle._install",
    "installed": "cypickle._install",
    "uninstall": "cypickle._install",
}


def lazy(name: str) -> Any:
    """`__getattr__` of the package.

    Raises:
        AttributeError: the running version's pickle has no such name, or it is not among those re-exported.
    """
    if name in OWN_NAMES:
        from importlib import import_module

        return getattr(import_module(OWN_NAMES[name]), name)
    if name in LAZY_NAMES:
        import pickle

        return getattr(pickle, name)
    raise AttributeError(f"module 'cypickle' has no attribute {name!r}")
