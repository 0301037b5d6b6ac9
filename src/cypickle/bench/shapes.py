"""The classes whose instances the workloads pickle; importable by name, as pickle needs them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, Flag, IntEnum, StrEnum
from typing import Any, NamedTuple


@dataclass
class Record:
    ident: int
    name: str
    score: float
    tags: list[int]


@dataclass(slots=True)
class SlottedRecord:
    ident: int
    name: str
    score: float
    tags: list[int]


@dataclass(frozen=True, slots=True)
class FrozenSlottedRecord:
    ident: int
    name: str
    score: float
    tags: list[int]


class Plain:
    def __init__(self, ident: int, name: str, score: float) -> None:
        self.ident = ident
        self.name = name
        self.score = score


class Slots:
    __slots__ = ("ident", "name", "score")

    def __init__(self, ident: int, name: str, score: float) -> None:
        self.ident = ident
        self.name = name
        self.score = score


class Point(NamedTuple):
    x: int
    y: float
    label: str


class Colour(Enum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    MIDDLE = 2
    HIGH = 3


class Word(StrEnum):
    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


class Access(Flag):
    READ = 1
    WRITE = 2
    EXECUTE = 4


class WithState:
    """Chooses its state, in Python, in both directions."""

    def __init__(self, ident: int, name: str, score: float) -> None:
        self.ident = ident
        self.name = name
        self.score = score

    def __getstate__(self) -> tuple[int, str, float]:
        return (self.ident, self.name, self.score)

    def __setstate__(self, state: tuple[int, str, float]) -> None:
        self.ident, self.name, self.score = state


class WithReduce:
    """Rebuilt by a call of its class."""

    def __init__(self, ident: int, name: str, score: float) -> None:
        self.ident = ident
        self.name = name
        self.score = score

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return WithReduce, (self.ident, self.name, self.score)


class Folder:
    """A node of a tree: it knows its children and its parent, so the graph is full of cycles."""

    def __init__(self, name: str, parent: "Folder | None" = None) -> None:
        self.name = name
        self.parent = parent
        self.size = 0
        self.children: list[Folder] = []


class Handle:
    """Stands for something kept outside the pickle; the subclassed picklers treat it by themselves."""

    def __init__(self, key: int) -> None:
        self.key = key

    def __repr__(self) -> str:
        return f"Handle({self.key})"


def find_handle(key: int) -> Handle:
    """Return the handle of that key, as a database or a registry would."""
    return Handle(key)
