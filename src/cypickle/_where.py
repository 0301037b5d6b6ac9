"""Where in the data, and in what was being built, a load has failed: the notes of its error.

The machine stops at the opcode that fails and hands over its stack.  What the value under way was to become a part
of is found by going through the opcodes that follow, without executing them.  Imported by the first error.
"""

from __future__ import annotations

from _pickle import UnpicklingError
from types import BuiltinFunctionType, FunctionType
from typing import Any

import cypickle

_MOST_OPCODES = 10_000  # that are gone through
_MOST_NOTES = 100  # of the path

_NAMES = {
    value[0]: name
    for name, value in vars(cypickle).items()
    if isinstance(value, bytes) and name.isupper() and len(value) == 1 and name not in ("TRUE", "FALSE")
}
_CODES = {name: code for code, name in _NAMES.items()}
_END = 256  # instead of an opcode: the data ended, or their source failed
_LISTED, _NAMED, _SLOTTED = 1, 3, 4  # kinds of marks above what has not been made; see stack.pxd
_HOLE = object()  # on the stack: the value that could not be made, or what it is part of
_UNKNOWN = object()  # on the stack: a value of an opcode that has not been executed

_POP_MARKED = {
    "APPENDS", "SETITEMS", "ADDITEMS", "TUPLE", "LIST", "DICT", "FROZENSET", "OBJ", "INST", "POP_MARK",
}  # fmt: skip
_TAKE = {
    "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "REDUCE": 2, "NEWOBJ": 2, "NEWOBJ_EX": 3, "BUILD": 2, "STACK_GLOBAL": 2,
    "BINPERSID": 1, "APPEND": 1, "SETITEM": 2,
}  # fmt: skip
_CHANGE_NOTHING = {"PROTO", "FRAME", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "READONLY_BUFFER"}
_SIZES = {
    **dict.fromkeys(("BININT1", "BINGET", "BINPUT", "PROTO", "EXT1"), 1),
    **dict.fromkeys(("BININT2", "EXT2"), 2),
    **dict.fromkeys(("BININT", "LONG_BINGET", "LONG_BINPUT", "EXT4"), 4),
    **dict.fromkeys(("BINFLOAT", "FRAME"), 8),
}
_LINES = {
    **dict.fromkeys(("INT", "LONG", "FLOAT", "STRING", "UNICODE", "GET", "PUT", "PERSID"), 1),
    **dict.fromkeys(("GLOBAL", "INST"), 2),
}
_COUNTED = {
    **dict.fromkeys(("SHORT_BINUNICODE", "SHORT_BINBYTES", "SHORT_BINSTRING", "LONG1"), 1),
    **dict.fromkeys(("BINUNICODE", "BINBYTES", "BINSTRING", "LONG4"), 4),
    **dict.fromkeys(("BINUNICODE8", "BINBYTES8", "BYTEARRAY8"), 8),
}


def note(
    error: BaseException,
    code: int,
    offset: int,
    operand: bytes,
    values: list[Any],
    marks: list[tuple[int, int]],
    popped: int,
    rest: bytes | None,
    absent: object,
) -> None:
    """Add the notes to the error of a load.

    Args:
        code: The opcode that failed, or 256 where there was none.
        offset: Its place, in bytes from where the load began.
        operand: The bytes behind it that belong to it, as far as they are at hand.
        values: The stack, with `absent` for what is not an object.
        marks: Of each mark the number of values below it, and a kind: 0, or that the value directly below has not
            been made.
        popped: The number of values below the mark that the opcode may have popped, or -1.
        rest: What follows the opcode, or some of it; None where the opcode itself is cut short.
    """
    values = [_UNKNOWN if value is absent else value for value in values]
    for height, kind in marks:
        if kind and values[height - 1] is _UNKNOWN:
            values[height - 1] = [] if kind == _LISTED else {}
    name = _NAMES.get(code, "")
    heights = [height for height, _ in marks]
    between = _between(marks) if name in ("SETITEMS", "APPENDS") else 0
    if between:  # the machine was storing the items of a state that has not been made, as BUILD does
        while rest and name != "BUILD":
            offset += len(operand) + 1
            name = _NAMES.get(rest[0], "")
            end = _after(rest, 1, name)
            operand, rest = rest[1:end], rest[end:]
    elif name in _POP_MARKED and 0 <= popped <= len(values) and not _found_no_mark(error):
        heights.append(popped)
    action = _action(name, operand, values, heights, between)
    if code == _END:
        place = (
            f"at byte {offset} (end of the data)"
            if issubclass(type(error), EOFError)
            else f"at byte {offset}"
        )
    else:
        place = f"at byte {offset} ({name or f'no opcode: {code:#04x}'})"
    notes = [f"{action}, {place}" if action else place]
    path = _Path(values, heights)
    path.fail(name, between)
    notes += path.follow(rest if rest is not None and name else b"")
    for text in notes:
        BaseException.add_note(error, text)


def _found_no_mark(error: BaseException) -> bool:
    return type(error) is UnpicklingError and error.args == ("could not find MARK",)


# ---- what was done -----------------------------------------------------------------------------------


def _action(name: str, operand: bytes, values: list[Any], heights: list[int], between: int) -> str:
    """What the opcode was doing, if it is one that does something to objects."""
    if name == "BUILD":
        place = heights[-1] - 1 - between - len(values) if between else -2
        return f"while setting the state of {_type_of(values, place)}"
    if name == "REDUCE":
        return f"while calling {_named(_at(values, -2))}"
    if name in ("NEWOBJ", "NEWOBJ_EX"):
        return f"while creating {_named(_at(values, -2 if name == 'NEWOBJ' else -3))}"
    if name == "OBJ" and heights:
        return f"while creating {_named(_at(values, heights[-1] - len(values)))}"
    if name in ("GLOBAL", "INST") and operand:
        return f"while finding {'.'.join(operand.decode('utf-8', 'replace').splitlines())}"
    if name == "STACK_GLOBAL":
        names = [value for value in values[-2:] if type(value) is str]
        return f"while finding {'.'.join(names)}" if len(names) == 2 else ""
    if name in ("PERSID", "BINPERSID"):
        return "while resolving a persistent id"
    if name in ("APPEND", "SETITEM"):
        return f"while {_CHANGES[name]} {_type_of(values, -2 if name == 'APPEND' else -3)}"
    if name in ("APPENDS", "SETITEMS", "ADDITEMS") and heights and heights[-1] > 0:
        return f"while {_CHANGES[name]} {_type_of(values, heights[-1] - 1 - len(values))}"
    return ""


def _between(marks: list[tuple[int, int]]) -> int:
    """Values between an instance and the topmost mark, if there the items of its state are: that state, and a None."""
    return {_LISTED: 1, _NAMED: 1, _SLOTTED: 2}.get(marks[-1][1], 0) if marks else 0


_CHANGES = {
    "APPEND": "appending to",
    "APPENDS": "appending to",
    "SETITEM": "setting an item of",
    "SETITEMS": "setting items of",
    "ADDITEMS": "adding to",
}


def _at(values: list[Any], place: int) -> Any:
    return values[place] if -len(values) <= place < 0 else _UNKNOWN


def _type_of(values: list[Any], place: int) -> str:
    return _type_name(_at(values, place))


_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__


def _type_name(value: Any) -> str:
    """What an error says of a value: the name of its type, asked of no code of the user's."""
    if value is _UNKNOWN or value is _HOLE:
        return "an object"
    cls = type(value)
    for known in (list, tuple, dict, set):
        if cls is known:
            return f"a {known.__name__}"
    return _dotted(_module_of(cls), _qualname_of(cls))


def _named(value: Any) -> str:
    """The name of a class or function."""
    if issubclass(type(value), type):
        return _dotted(_module_of(value), _qualname_of(value))
    if type(value) in (FunctionType, BuiltinFunctionType):
        return _dotted(value.__module__, value.__qualname__)
    return _type_name(value)


def _dotted(module: object, qualname: object) -> str:
    name = qualname if type(qualname) is str else "?"
    return name if type(module) is not str or module in ("builtins", "__main__") else f"{module}.{name}"


def _key_text(key: Any) -> str:
    if type(key) in (str, bytes) and len(key) > 100:
        return f"{key[:100]!r}..."
    if type(key) is int and key.bit_length() > 300:
        return "of a large int key"
    if type(key) in (str, bytes, int, float, bool, type(None)):
        return repr(key)
    return f"of a key of type {_type_name(key).removeprefix('a ')}"


# ---- what it was for ---------------------------------------------------------------------------------


class _Path:
    """The stack as the opcodes that follow would leave it, and what they do with the hole."""

    def __init__(self, values: list[Any], marks: list[int]) -> None:
        self.values = values
        self.marks = marks
        self.notes: list[str] = []

    def fail(self, name: str, virtual: int) -> None:
        """Do what the opcode would have done to the stack, with a hole for its result.

        virtual: values between an instance and the items of its state that has not been made; 0 if there is no such.
        """
        if name == "BUILD" and virtual:
            del self.values[self.marks.pop() - (virtual + 1) :]
            self.values.append(_HOLE)
        elif name in ("APPENDS", "SETITEMS", "ADDITEMS") and self.marks:
            del self.values[max(self.marks.pop() - 1, 0) :]
            self.values.append(_HOLE)
        elif name in _POP_MARKED and self.marks:
            del self.values[self.marks.pop() :]
            self.values.append(_HOLE)
        elif name in _TAKE:
            del self.values[len(self.values) - _TAKE[name] - (name in ("APPEND", "SETITEM")) :]
            self.values.append(_HOLE)
        elif name not in _CHANGE_NOTHING:
            self.values.append(_HOLE)

    def follow(self, data: bytes) -> list[str]:
        """Go through the opcodes to STOP, or their end; return the notes."""
        pos = 0
        if _hole_of(self.values) < 0:
            return []
        for _ in range(_MOST_OPCODES):
            if len(self.notes) >= _MOST_NOTES or pos >= len(data):
                break
            name = _NAMES.get(data[pos], "")
            pos = _after(data, pos + 1, name)
            if name in ("", "STOP") or not self._step(name):
                break
        self._guess()
        return self.notes

    def _step(self, name: str) -> bool:
        """Do to the stack what an opcode does; False where that cannot be, or the hole is gone."""
        values, marks = self.values, self.marks
        if name in _CHANGE_NOTHING:
            return True
        if name == "MARK":
            marks.append(len(values))
            return True
        if name == "POP" and not (marks and marks[-1] == len(values)):
            return bool(values) and values.pop() is not _HOLE
        if name == "POP":
            marks.pop()
            return True
        if name in _POP_MARKED:
            if not marks:
                return False
            start = marks.pop()
        elif name in _TAKE:
            start = len(values) - _TAKE[name]
        else:
            values.append(_UNKNOWN)
            return True
        target = name in ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS")
        if start < target:
            return False
        taken = values[start:]
        del values[start:]
        index = _hole_of(taken)
        if index < 0:
            if name == "BUILD":
                values.append(taken[0])
            elif not target and name != "POP_MARK":
                values.append(_UNKNOWN)
            return True
        if name == "POP_MARK":
            return False
        self._note(name, taken, index)
        values[len(values) - target :] = [_HOLE]
        return True

    def _note(self, name: str, taken: list[Any], index: int) -> None:
        """The hole is the index-th of the values that an opcode takes."""
        notes = self.notes
        if name in ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS"):
            notes.append(_of_container(self.values[-1], name, taken, index))
        elif name == "DICT":
            notes.append(_of_container({}, name, taken, index))
        elif name == "FROZENSET":
            notes.append("in an element of a frozenset")
        elif name == "LIST":
            notes.append(f"in item {index} of a list")
        elif name.startswith("TUPLE"):
            notes.append(f"in item {index} of a tuple")
        elif name in ("REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ") and index:
            called = _named(taken[0])
            if name in ("REDUCE", "NEWOBJ") and notes and notes[-1].endswith(" of a tuple"):
                notes[-1] = f"in argument {notes[-1].split()[2]} of {called}"
            else:
                notes.append(f"in the arguments of {called}")
        elif name == "BUILD" and index:
            notes.append(f"in the state of {_type_name(taken[0])}")
        elif name == "BINPERSID":
            notes.append("in a persistent id")

    def _guess(self) -> None:
        """Where the data do not tell: what is directly below a mark is what the values above it are for.

        Not as which item: some of those values may be for others among them.
        """
        hole = _hole_of(self.values)
        for mark in reversed(self.marks):
            if 0 < mark <= hole and type(self.values[mark - 1]) in (list, dict, set):
                self.notes.append(f"in {_type_name(self.values[mark - 1])}")
            if len(self.notes) >= _MOST_NOTES:
                break


def _hole_of(values: list[Any]) -> int:
    """Where the hole is; -1 if there is none.  No generator: CPython crashes where one cannot be allocated."""
    for index, value in enumerate(values):
        if value is _HOLE:
            return index
    return -1


def _of_container(container: Any, name: str, taken: list[Any], index: int) -> str:
    text = _type_name(container)
    if name == "ADDITEMS":
        return f"in an element of {text}"
    if name in ("APPEND", "APPENDS"):
        if issubclass(type(container), list):
            return f"in item {list.__len__(container) + index} of {text}"
        return f"in an item of {text}"
    if index % 2:
        return f"in item {_key_text(taken[index - 1])} of {text}"
    return f"in a key of {text}"


def _after(data: bytes, pos: int, name: str) -> int:
    """The place behind the operand of an opcode that is at pos."""
    for _ in range(_LINES.get(name, 0)):
        pos = data.find(b"\n", pos) + 1 or len(data)
    width = _COUNTED.get(name, 0)
    if width:
        pos += int.from_bytes(data[pos : pos + width], "little")
    return pos + width + _SIZES.get(name, 0)
