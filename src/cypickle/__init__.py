"""A drop-in replacement for pickle: the same API, the same bytes, several times faster."""

import _thread
from _pickle import PickleBuffer, PickleError, PicklingError, UnpicklingError

try:
    if not getattr(_thread, "_is_main_interpreter", lambda: True)():  # 3.11 and 3.12.0 do not tell
        raise ImportError("the compiled core belongs to one interpreter: the main one")
    from ._classes import Pickler, Unpickler, dump, dumps, load, loads
    from ._emitter import DEFAULT_PROTOCOL, HIGHEST_PROTOCOL
except ImportError as _error:
    if "one interpreter" not in str(_error) and "subinterpreter" not in str(_error):
        raise
    from ._subinterpreter import stand_in

    stand_in(globals())

TYPE_CHECKING = False  # what typing says, without the time that importing it takes
if TYPE_CHECKING:
    from typing import Any

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

# ---- opcodes.  Source: pickletools.opcodes, PEP 3154 and 574.

# protocol 0
INT = b"I"
LONG = b"L"
STRING = b"S"
NONE = b"N"
UNICODE = b"V"
FLOAT = b"F"
APPEND = b"a"
LIST = b"l"
TUPLE = b"t"
DICT = b"d"
SETITEM = b"s"
POP = b"0"
DUP = b"2"
MARK = b"("
GET = b"g"
PUT = b"p"
GLOBAL = b"c"
REDUCE = b"R"
BUILD = b"b"
INST = b"i"
STOP = b"."
PERSID = b"P"
# protocol 1
BININT = b"J"
BININT1 = b"K"
BININT2 = b"M"
BINSTRING = b"T"
SHORT_BINSTRING = b"U"
BINUNICODE = b"X"
BINFLOAT = b"G"
EMPTY_LIST = b"]"
APPENDS = b"e"
EMPTY_TUPLE = b")"
EMPTY_DICT = b"}"
SETITEMS = b"u"
POP_MARK = b"1"
BINGET = b"h"
LONG_BINGET = b"j"
BINPUT = b"q"
LONG_BINPUT = b"r"
OBJ = b"o"
BINPERSID = b"Q"
# protocol 2
LONG1 = b"\x8a"
LONG4 = b"\x8b"
NEWTRUE = b"\x88"
NEWFALSE = b"\x89"
TUPLE1 = b"\x85"
TUPLE2 = b"\x86"
TUPLE3 = b"\x87"
EXT1 = b"\x82"
EXT2 = b"\x83"
EXT4 = b"\x84"
NEWOBJ = b"\x81"
PROTO = b"\x80"
# protocol 3
BINBYTES = b"B"
SHORT_BINBYTES = b"C"
# protocol 4
BINBYTES8 = b"\x8e"
SHORT_BINUNICODE = b"\x8c"
BINUNICODE8 = b"\x8d"
EMPTY_SET = b"\x8f"
ADDITEMS = b"\x90"
FROZENSET = b"\x91"
MEMOIZE = b"\x94"
STACK_GLOBAL = b"\x93"
NEWOBJ_EX = b"\x92"
FRAME = b"\x95"
# protocol 5
BYTEARRAY8 = b"\x96"
NEXT_BUFFER = b"\x97"
READONLY_BUFFER = b"\x98"

# not opcodes: how protocols 0 and 1 write bools
TRUE = b"I01\n"
FALSE = b"I00\n"


def __getattr__(name: str) -> "Any":
    from ._stdlib import lazy

    return lazy(name)


def __dir__() -> list[str]:
    from ._stdlib import LAZY_NAMES, OWN_NAMES

    return sorted({*globals(), *LAZY_NAMES, *OWN_NAMES})
