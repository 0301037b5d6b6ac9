"""A drop-in replacement for pickle: the same API, the same bytes, several times faster."""

from _pickle import PickleBuffer, PickleError, PicklingError, UnpicklingError

from ._constants import *
from ._pickler import Pickler, dump, dumps
from ._stdlib import LAZY_NAMES as _LAZY_NAMES
from ._stdlib import OWN_NAMES as _OWN_NAMES
from ._stdlib import lazy as __getattr__  # noqa: F401
from ._unpickler import Unpickler, load, loads

TYPE_CHECKING = False  # what typing says, without the time that importing it takes
if TYPE_CHECKING:
    from ._extensible import ExtensiblePickler as ExtensiblePickler
    from ._extensible import ExtensibleUnpickler as ExtensibleUnpickler
    from ._install import install as install
    from ._install import installed as installed
    from ._install import uninstall as uninstall

__all__ = [
    "ADDITEMS",
    "APPEND",
    "APPENDS",
    "BINBYTES",
    "BINBYTES8",
    "BINFLOAT",
    "BINGET",
    "BININT",
    "BININT1",
    "BININT2",
    "BINPERSID",
    "BINPUT",
    "BINSTRING",
    "BINUNICODE",
    "BINUNICODE8",
    "BUILD",
    "BYTEARRAY8",
    "DEFAULT_PROTOCOL",
    "DICT",
    "DUP",
    "EMPTY_DICT",
    "EMPTY_LIST",
    "EMPTY_SET",
    "EMPTY_TUPLE",
    "EXT1",
    "EXT2",
    "EXT4",
    "FALSE",
    "FLOAT",
    "FRAME",
    "FROZENSET",
    "GET",
    "GLOBAL",
    "HIGHEST_PROTOCOL",
    "INST",
    "INT",
    "LIST",
    "LONG",
    "LONG1",
    "LONG4",
    "LONG_BINGET",
    "LONG_BINPUT",
    "MARK",
    "MEMOIZE",
    "NEWFALSE",
    "NEWOBJ",
    "NEWOBJ_EX",
    "NEWTRUE",
    "NEXT_BUFFER",
    "NONE",
    "OBJ",
    "PERSID",
    "POP",
    "POP_MARK",
    "PROTO",
    "PUT",
    "READONLY_BUFFER",
    "REDUCE",
    "SETITEM",
    "SETITEMS",
    "SHORT_BINBYTES",
    "SHORT_BINSTRING",
    "SHORT_BINUNICODE",
    "STACK_GLOBAL",
    "STOP",
    "STRING",
    "TRUE",
    "TUPLE",
    "TUPLE1",
    "TUPLE2",
    "TUPLE3",
    "UNICODE",
    "PickleBuffer",
    "PickleError",
    "Pickler",
    "PicklingError",
    "Unpickler",
    "UnpicklingError",
    "dump",
    "dumps",
    "load",
    "loads",
]

__version__ = "0.1.0"


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY_NAMES, *_OWN_NAMES})
