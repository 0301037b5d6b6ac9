"""What the emitter asks on rare paths: reducers, reduce values, names of globals, nesting policy, notes of errors."""

import copyreg
import sys
from _operator import is_
from _pickle import PickleBuffer, PicklingError
from itertools import pairwise, takewhile

TYPE_CHECKING = False  # what typing says, without the time that importing it takes
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FunctionType, ModuleType
    from typing import Any, NoReturn
else:
    FunctionType = type(lambda: None)

# Nesting levels that the running version's own pickle manages whatever sys.getrecursionlimit() says, rounded up.
# Up to 3.11 it obeys that limit.
_STDLIB_DEPTH = {(3, 11): 0, (3, 12): 2_000, (3, 13): 10_000}
_LATER_STDLIB_DEPTH = 60_000
_DEPTH_FLOOR = _STDLIB_DEPTH.get(sys.version_info[:2], _LATER_STDLIB_DEPTH)


def allow_depth(depth: int) -> int:
    """Return how many levels of nesting the limit in force allows.

    The limit is sys.getrecursionlimit(), or what the running version's pickle manages where that is more.

    Raises:
        RecursionError: `depth` levels are open already.
    """
    limit = max(sys.getrecursionlimit(), _DEPTH_FLOOR)
    if depth >= limit:
        raise RecursionError("maximum recursion depth exceeded while pickling an object")
    return limit


# ---- types -----------------------------------------------------------------------------------------


# No generator expressions in what a plan asks: CPython 3.12 and 3.13 crash where their frame cannot be allocated.

_DATETIME_TYPES = ("date", "datetime", "time", "timedelta")
_HOOKS = ("__reduce_ex__", "__class__", "__reduce__", "__getstate__")

# Other types of the standard library that the emitter knows: how, and the members that it reads.
_STDLIB_TYPES = {
    ("builtins", "complex"): ("complex", ()),
    ("builtins", "range"): ("members", ("start", "stop", "step")),
    ("builtins", "slice"): ("members", ("start", "stop", "step")),
    ("fractions", "Fraction"): ("members", ("_numerator", "_denominator")),
    ("decimal", "Decimal"): ("text", ()),
    ("uuid", "UUID"): ("uuid", ("int", "is_safe")),
    ("collections", "OrderedDict"): ("ordereddict", ()),
    ("collections", "defaultdict"): ("defaultdict", ("default_factory",)),
    ("collections", "Counter"): ("counter", ()),
    ("collections", "deque"): ("deque", ()),
}
_PATH_PARTS = ("_raw_paths",) if sys.version_info >= (3, 13) else ("_parts",)


def plan_kind(cls: type, obj: object, reduced: "Any", most_slots: int) -> "str | None":
    """Decide how the emitter may write instances of cls without asking each of them.

    Args:
        obj: The first instance, and `reduced` what its reducer has returned.
        most_slots: As many slots a plan can hold.

    Returns:
        "attributes" where object.__reduce_ex__ decides and nothing on the class can change its result: NEWOBJ
        without arguments and the instance's `__dict__`; "slots" the same for slots and no `__dict__`.
        "reduce" where object.__reduce_ex__ does no more than call the class's own `__reduce__`, "getstate" where
        it does so with `__getstate__`, from protocol 2 on; "fields" for the one of frozen dataclasses with slots.
        "namedtuple" where besides `__getnewargs__` is the one that collections.namedtuple makes.
        The name of one of datetime's own types, or how another type of the standard library is known.  "array" and
        "scalar" for numpy's own types.  None: ask.

    The caller has checked that attributes are looked up in the ordinary way (no `__getattribute__`, no `__getattr__`),
    and will check what a single instance may do, namely shadow the hooks by attributes of its own.
    Source: CPython's typeobject.c, object___reduce_ex___impl and object_getstate_default.
    """
    metaclass = type(cls)
    if metaclass.__hash__ is not type.__hash__ or metaclass.__eq__ is not type.__eq__:
        return None
    if issubclass(cls, type):
        return None
    if cls.__module__ == "datetime" and cls.__name__ in _DATETIME_TYPES:
        return cls.__name__
    if cls.__module__ == "numpy" and (kind := _numpy_kind(cls, reduced)) is not None:
        return kind
    reduce_ex, class_, reduce, getstate = [_is_objects(cls, name) for name in _HOOKS]
    if not (reduce_ex and class_):
        return None
    known = _known_kind(cls, reduce)
    if known is not None and _is_as_known(known, cls, obj, reduced):
        return known
    if not reduce:
        return "reduce"
    if hasattr(cls, "__getnewargs_ex__"):
        return None
    if not getstate:
        return None if hasattr(cls, "__getnewargs__") else "getstate"
    slots = copyreg._slotnames(cls)  # type: ignore[attr-defined]
    if hasattr(cls, "__getnewargs__"):
        return "namedtuple" if not slots and _is_namedtuple(cls) else None
    if cls.__itemsize__:
        return None
    if not slots:
        return "attributes"
    return "slots" if len(slots) <= most_slots and not cls.__dictoffset__ else None


def _is_namedtuple(cls: type) -> bool:
    """Whether pickling gets the items of the tuple, by the code that all namedtuples share."""
    global _getnewargs_code
    if _getnewargs_code is None:
        from collections import namedtuple

        getnewargs = _found_on_type(namedtuple("_Any", ()), "__getnewargs__")
        _getnewargs_code = getattr(getnewargs, "__code__", object())
    return (
        issubclass(cls, tuple)
        and getattr(_found_on_type(cls, "__getnewargs__"), "__code__", None) is _getnewargs_code
        and cls.__iter__ is tuple.__iter__
        and cls.__len__ is tuple.__len__
    )


_getnewargs_code: object = None  # of all namedtuples; not looked up yet


def _known_kind(cls: type, default_reduce: bool) -> "str | None":
    """How the emitter knows cls, if it is a type of the standard library as that made it."""
    kind, _ = _STDLIB_TYPES.get((cls.__module__, cls.__qualname__), (None, ()))
    module = sys.modules.get(cls.__module__)
    found = _found_on_type(cls, "__getstate__" if default_reduce else "__reduce__")
    if kind is not None:
        function = isinstance(found, FunctionType)
        genuine = found.__globals__ is vars(module) if function else cls.__flags__ & _IMMUTABLE  # type: ignore
        return (
            kind
            if getattr(module, cls.__qualname__, None) is cls and (genuine or kind == "complex")
            else None
        )
    if default_reduce:
        dataclasses = sys.modules.get("dataclasses")
        getstate = getattr(dataclasses, "_dataclass_getstate", None)
        return "fields" if isinstance(found, FunctionType) and found is getstate else None
    pure_path = getattr(sys.modules.get("pathlib"), "PurePath", None)
    if pure_path is not None and found is vars(pure_path).get("__reduce__"):
        return "parts"
    syntax = getattr(sys.modules.get("_ast"), "AST", None)
    if syntax is not None and found is vars(syntax).get("__reduce__") and type(cls) is type:
        return "syntax" if _found_on_type(cls, "__dict__") is vars(syntax)["__dict__"] else None
    return None


_IMMUTABLE = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE


def _is_as_known(kind: str, cls: type, obj: object, reduced: "Any") -> bool:
    """Whether the reduce value of an instance is what the emitter would write for it."""
    if not isinstance(reduced, tuple) or len(reduced) < 2 or type(reduced[1]) is not tuple:
        return False
    function, args, *rest = reduced
    members, constant = _members_by_kind(kind, cls)
    values = [getattr(obj, name, None) for name in members]
    state = rest[0] if rest else None
    if kind == "uuid":
        return args == (cls,) and state == {"int": values[0]}
    if kind == "fields":
        return args == (cls,) and type(state) is list and _same(state, values)
    if kind == "syntax":
        if type(constant) is not tuple or not set(map(type, constant)) <= {str}:
            return False
        if len(set(constant)) < len(constant):
            return False
        given = list(takewhile(vars(obj).__contains__, constant))
        return function is cls and args == (None,) * len(given) and state is vars(obj)
    if kind == "counter" and cls.__iter__ is not dict.__iter__:  # type: ignore[attr-defined]
        return False
    expected = values if kind == "members" else values[0] if kind == "parts" else None
    if kind == "defaultdict":
        expected = [] if values == [None] else values
    return (
        function is cls
        and state is None
        and (expected is None or (isinstance(expected, list) and _same(args, expected)))
    )


def _numpy_kind(cls: type, reduced: "Any") -> "str | None":
    """How the emitter knows cls, if it is numpy's ndarray or a type of its numbers."""
    numpy = sys.modules.get("numpy")
    if getattr(numpy, cls.__name__, None) is not cls or not cls.__flags__ & _IMMUTABLE:
        return None
    if cls is getattr(numpy, "ndarray", None):
        array = cls((2,), "d")
        by_buffer, by_state = array.__reduce_ex__(5), array.__reduce_ex__(4)
        known = (
            [len(by_buffer), len(by_buffer[1]), len(by_state)] == [2, 4, 3]
            and type(by_buffer[1][0]) is PickleBuffer
            and by_buffer[1][1:] == (array.dtype, (2,), "C")
            and by_state[1:] == ((cls, (0,), b"b"), (1, (2,), array.dtype, False, array.tobytes()))
        )
        return "array" if known else None
    if not issubclass(cls, getattr(numpy, "number", ())):
        return None
    number = cls(1)
    dtype, asked = number.dtype, number.__reduce__()
    known = dtype.char in _NUMBERS and asked[1:] == ((dtype, bytes(memoryview(number))),)
    return "scalar" if known and reduced[0] is asked[0] and reduced[1][0] is dtype else None


def _numpy_constant(cls: type, kind: str) -> "tuple[object, ...]":
    """What the reduce values of all objects of this type share, the functions that are called first of all."""
    if kind == "scalar":
        function, args = cls(1).__reduce__()
        return function, args[0]
    array = cls((2,), "d")
    (from_buffer, args), (reconstruct, new_args, _) = array.__reduce_ex__(5), array.__reduce_ex__(4)
    return from_buffer, args[3], reconstruct, new_args[2], *map(sys.modules["numpy"].dtype, _NUMBERS)


_NUMBERS = "?bBhHiIlLqQefdgFDG"  # the codes of types of which numpy has one dtype each


def _same(left: "Iterable[object]", right: "Iterable[object]") -> bool:
    left, right = list(left), list(right)
    return len(left) == len(right) and all(map(is_, left, right))


def plan_members(cls: type, kind: str) -> "tuple[tuple[tuple[str, object], ...], object]":
    """What a plan of this kind reads of the instances of cls: (name, descriptor) of each slot, and a constant or None.

    The order is that of the state or of the arguments.
    """
    names, constant = _members_by_kind(kind, cls)
    return tuple([(name, _found_on_type(cls, name)) for name in names]), constant


def _members_by_kind(kind: str, cls: type) -> "tuple[Iterable[str], object]":
    if kind == "slots":
        return dict.fromkeys(copyreg._slotnames(cls)), None  # type: ignore[attr-defined]
    if kind == "fields":
        names = [field.name for field in sys.modules["dataclasses"].fields(cls)]
        return names, _found_on_type(cls, "__dataclass_fields__")
    if kind == "parts":
        return _PATH_PARTS, None
    if kind in ("array", "scalar"):
        return (), _numpy_constant(cls, kind)
    if kind == "syntax":  # from 3.13 on called with None for each of the first fields that it has
        return (), _found_on_type(cls, "_fields") if sys.version_info >= (3, 13) else ()
    _, members = _STDLIB_TYPES.get((cls.__module__, cls.__qualname__), (None, ()))
    return members, sys.modules["uuid"].SafeUUID.unknown if kind == "uuid" else None


def _is_objects(cls: type, name: str) -> bool:
    """Whether looking name up on cls finds what object has."""
    return _found_on_type(cls, name) is object.__dict__[name]


def _found_on_type(cls: type, name: str) -> object:
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return None


def reduce_bytes(obj: bytes) -> "tuple[Any, ...]":
    """Reduce value of bytes below protocol 3, which reads as str in Python 2.  Source: _pickle.c save_bytes."""
    if not obj:
        return bytes, ()
    import codecs

    return codecs.encode, (str(obj, "latin1"), "latin1")


def reduce_bytearray(obj: bytearray) -> "tuple[Any, ...]":
    """Reduce value of bytearray below protocol 5.  Source: _pickle.c save_bytearray."""
    return (bytearray, (bytes(obj),)) if obj else (bytearray, ())


# ---- globals ---------------------------------------------------------------------------------------


def find_global(obj: object, name: "str | None", protocol: int) -> "tuple[str, str]":
    """Return the module name and qualified name under which obj is found.

    Args:
        name: the name to look for; None for obj's `__qualname__`, else its `__name__`.

    Raises:
        PicklingError, or what the running version raises, if obj is not found there.
    """
    qualified = name
    if qualified is None:
        qualified = getattr(obj, "__qualname__", None)
        if qualified is None:
            qualified = getattr(obj, "__name__", None)
    if isinstance(qualified, str):
        path = qualified.split(".")
        if _MANGLES:
            path = _mangled(path)
            qualified = ".".join(path)
        module_name = getattr(obj, "__module__", None)
        if "<locals>" not in path:
            if module_name is None:
                module_name = _module_that_has(obj, path)
            if isinstance(module_name, str) and _look_up(module_name, path) is obj:
                if _SHORTENS and _look_up(module_name, path[:-1]) is sys.modules[module_name]:
                    return module_name, path[-1]
                return module_name, qualified
    _refuse_global(obj, name, protocol)


# Up to 3.12 a dotted name whose last parent is the module itself is written without the parents.
_SHORTENS = sys.version_info < (3, 13)

# Since 3.15 a private name of a nested class or method is looked up as its class body mangled it.
_MANGLES = sys.version_info >= (3, 15)


def _mangled(path: "list[str]") -> "list[str]":
    """The dotted path with names like `__x` as `_Class__x`.  Source: _pickle.c mangle_dotted_path."""
    result = path[:1]
    for parent, name in pairwise(path):
        parent = parent.lstrip("_")
        private = name.startswith("__") and not name.endswith("__")
        result.append(f"_{parent}{name}" if private and parent else name)
    return result


def _module_that_has(obj: object, path: "list[str]") -> str:
    for name, module in list(sys.modules.items()):
        if name in ("__main__", "__mp_main__") or module is None:
            continue
        if _walk(module, path) is obj:
            return name
    return "__main__"


def _look_up(module_name: str, path: "list[str]") -> object:
    """What the path leads to from the module, imported if need be; None where it leads nowhere."""
    try:
        __import__(module_name, level=0)
        module: ModuleType | None = sys.modules.get(module_name)
    except (ImportError, ValueError):
        return None
    return _walk(module, path)


def _walk(obj: object, path: "Iterable[str]") -> object:
    for name in path:
        try:
            obj = getattr(obj, name)
        except Exception:  # whatever a module's __getattr__ raises: the running version's pickler words it
            return None
    return obj


_ABSENT = object()


def extension_code(obj: object, name: "str | None", names: "tuple[str, str]", protocol: int) -> int:
    """Return the code that copyreg.add_extension registered for a global, or 0.

    Raises:
        RuntimeError: the registry holds something else than a code for it.
    """
    code = copyreg._extension_registry.get(names, _ABSENT)  # type: ignore[attr-defined]
    if code is _ABSENT:
        return 0
    if not (isinstance(code, int) and 0 < code <= 0x7FFFFFFF):
        _refuse_global(obj, name, protocol)
    return int(code)


def nested_by_getattr(names: "tuple[str, str]") -> "tuple[Callable[..., object], tuple[object, str]]":
    """Reduce value of a nested global below protocol 4 up to CPython 3.12: getattr(parent, name)."""
    *path, last = names[1].split(".")
    return getattr, (_walk(sys.modules[names[0]], path), last)


def global_line(
    obj: object, name: "str | None", module_name: str, qualified: str, protocol: int, fix_imports: bool
) -> bytes:
    """Return GLOBAL and its two lines, with the names that Python 2 knows where fix_imports asks for them.

    Raises:
        PicklingError: a name is not ASCII and the protocol is below 3.
    """
    if protocol < 3 and fix_imports:
        module_name, qualified = _python2_names(module_name, qualified)
    encoding = "utf-8" if protocol == 3 else "ascii"
    try:
        return b"c%b\n%b\n" % (module_name.encode(encoding), qualified.encode(encoding))
    except UnicodeEncodeError:
        _refuse_global(obj, name, protocol, fix_imports)


def _refuse_global(obj: object, name: "str | None", protocol: int, fix_imports: bool = True) -> "NoReturn":
    from ._refusals import refuse

    refuse(obj, protocol, NotImplemented if name is None else name, fix_imports)


def _python2_names(module_name: str, qualified: str) -> "tuple[str, str]":
    from _compat_pickle import REVERSE_IMPORT_MAPPING, REVERSE_NAME_MAPPING

    names = REVERSE_NAME_MAPPING.get((module_name, qualified))
    if names is not None:
        return names
    return REVERSE_IMPORT_MAPPING.get(module_name, module_name), qualified


# ---- persistent ids --------------------------------------------------------------------------------


def text_persistent_id(pid: object) -> bytes:
    """The line that protocol 0 writes for a persistent id.

    Raises:
        PicklingError: str(pid) is not ASCII.
    """
    try:
        return str(pid).encode("ascii")
    except UnicodeEncodeError:
        raise PicklingError("persistent IDs in protocol 0 must be ASCII strings") from None


# ---- notes: where in the graph an error happened, as CPython 3.14 words it ---------------------------


def _type_name(obj: object) -> str:
    cls = type(obj)
    module = cls.__module__
    return cls.__qualname__ if module in ("builtins", "__main__") else f"{module}.{cls.__qualname__}"


def note_item(error: BaseException, obj: object, index: int) -> None:
    """obj[index] could not be pickled."""
    error.add_note(f"when serializing {_type_name(obj)} item {index}")


def note_key(error: BaseException, obj: object, key: object) -> None:
    """The value under key could not be pickled."""
    error.add_note(f"when serializing {_type_name(obj)} item {key!r}")


def note_value(error: BaseException, obj: "dict[Any, Any]", index: int) -> None:
    """The index-th value of a dict could not be pickled."""
    for i, key in enumerate(obj):
        if i == index:
            note_key(error, obj, key)


def note_part(error: BaseException, obj: object, part: str) -> None:
    """This part of obj (state, class, element, ...) could not be pickled."""
    error.add_note(f"when serializing {_type_name(obj)} {part}")
