"""cypickle, the C pickle and the pure Python pickle behind one small dataclass."""

import _pickle
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cypickle


@dataclass(frozen=True)
class Implementation:
    """One implementation of pickle: the four functions and the two classes."""

    name: str
    dumps: Callable[..., bytes]
    loads: Callable[..., Any]
    dump: Callable[..., None]
    load: Callable[..., Any]
    Pickler: type
    Unpickler: type

    @property
    def is_cypickle(self) -> bool:
        return self.name == "cypickle"

    @property
    def is_c(self) -> bool:
        return self.name == "c"

    @property
    def is_pure(self) -> bool:
        return self.name == "pure"


CYPICKLE = Implementation(
    "cypickle",
    cypickle.dumps,
    cypickle.loads,
    cypickle.dump,
    cypickle.load,
    cypickle.Pickler,
    cypickle.Unpickler,
)
C_PICKLE = Implementation(
    "c",
    _pickle.dumps,
    _pickle.loads,
    _pickle.dump,
    _pickle.load,
    _pickle.Pickler,
    _pickle.Unpickler,
)
PURE_PICKLE = Implementation(
    "pure",
    pickle._dumps,
    pickle._loads,
    pickle._dump,
    pickle._load,
    pickle._Pickler,
    pickle._Unpickler,
)

IMPLEMENTATIONS = (CYPICKLE, C_PICKLE, PURE_PICKLE)
PROTOCOLS = tuple(range(pickle.HIGHEST_PROTOCOL + 1))


class OneByOne:
    """A file that gives what it is asked for, and can neither peek nor fill a buffer."""

    def __init__(self, data):
        file = io.BytesIO(data)
        self.read, self.readline = file.read, file.readline
