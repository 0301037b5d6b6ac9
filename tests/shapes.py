"""Picklable classes of every shape that reduction distinguishes; pickles name them as `shapes.X`."""

import copyreg
import enum
from collections import namedtuple
from dataclasses import dataclass, field


class Plain:
    """Reduces by the default; equality and hash by identity."""


class Tagged:
    """Plain, with an attribute that orders instances inside sets."""

    def __init__(self, tag):
        self.tag = tag


class Slotted:
    """Slots only: refused by protocols 0 and 1."""

    __slots__ = ("left", "right")


class SlottedAndDict(Slotted):
    """Slots and a dictionary: the state is a pair."""


class SlottedState:
    """Slots with a state of its own, so that every protocol takes it."""

    __slots__ = ("first", "second")

    def __init__(self, first=None, second=None):
        self.first = first
        self.second = second

    def __getstate__(self):
        return (self.first, self.second)

    def __setstate__(self, state):
        self.first, self.second = state


@dataclass
class Record:
    number: int
    name: str
    items: list = field(default_factory=list)
    link: object = None


@dataclass(frozen=True)
class Frozen:
    number: int
    payload: object = None


@dataclass(slots=True)
class SlottedRecord:
    number: int
    payload: object = None


class WithState:
    """The state is not the dictionary."""

    def __init__(self, payload=None):
        self.payload = payload

    def __getstate__(self):
        return ["state", self.payload]

    def __setstate__(self, state):
        self.payload = state[1]


class FalseState:
    """A state that is false: protocols 0 and 1 do not store it, the others do."""

    def __getstate__(self):
        return 0

    def __setstate__(self, state):
        assert state == 0


class DictState:
    """__getstate__ hands out another dictionary, which goes into __dict__."""

    def __init__(self, payload=None):
        self.payload = payload

    def __getstate__(self):
        return dict(self.__dict__)


class Reduced:
    """A callable and its arguments."""

    def __init__(self, *payload):
        self.payload = payload

    def __reduce__(self):
        return Reduced, self.payload


class ReducedState:
    """Two items, then a state that may close a cycle."""

    def __init__(self, payload=None):
        self.payload = payload
        self.link = None

    def __reduce__(self):
        return ReducedState, (self.payload,), {"link": self.link}


class ReducedItems:
    """List items and dictionary items from iterators, without and with a batch."""

    def __init__(self):
        self.list = []
        self.dict = {}

    def append(self, item):
        self.list.append(item)

    def extend(self, items):
        self.list.extend(items)

    def __setitem__(self, key, value):
        self.dict[key] = value

    def __reduce_ex__(self, protocol):
        return ReducedItems, (), None, iter(self.list), iter(self.dict.items())


def set_link(target, state):
    target.link = state


class ReducedSetter:
    """Six items: the state goes to a function."""

    def __init__(self, link=None):
        self.link = link

    def __reduce__(self):
        return ReducedSetter, (), self.link, None, None, set_link


class ByName:
    """Reduces to the name of a global."""

    def __reduce__(self):
        return "THE_NAMED"


THE_NAMED = ByName()


class NewArgs:
    """Arguments for __new__, by position."""

    def __new__(cls, payload=None):
        self = super().__new__(cls)
        self.payload = payload
        return self

    def __getnewargs__(self):
        return (self.payload,)


class NewArgsEx:
    """Arguments for __new__, by position and by name; __init__ must not be called on load."""

    def __new__(cls, payload, *, key=None):
        self = super().__new__(cls)
        self.payload = payload
        self.key = key
        return self

    def __getnewargs_ex__(self):
        return (self.payload,), {"key": self.key}


class Registered:
    """Reduced by a function in copyreg's table."""

    def __init__(self, payload=None):
        self.payload = payload


def reduce_registered(instance):
    return Registered, (instance.payload,)


copyreg.pickle(Registered, reduce_registered)


class ListSub(list):
    pass


class DictSub(dict):
    pass


class SetSub(set):
    pass


class FrozenSetSub(frozenset):
    pass


class TupleSub(tuple):
    pass


class StrSub(str):
    pass


class BytesSub(bytes):
    pass


class ByteArraySub(bytearray):
    pass


class IntSub(int):
    pass


class FloatSub(float):
    pass


class ComplexSub(complex):
    pass


class SlottedListSub(list):
    __slots__ = ("extra",)


Point = namedtuple("Point", ["x", "y"])


class Color(enum.Enum):
    RED = 1
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2**40


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


class Outer:
    """Holds names that only a qualified name reaches."""

    class Inner:
        class Innermost:
            pass

        def method(self):
            return self

        @staticmethod
        def static():
            return 1

        @classmethod
        def create(cls):
            return cls()

    class Shade(enum.Enum):
        DARK = 0


class Größe:
    """A name outside ASCII."""


class WithGetattr:
    """Answers to every attribute; the special ones are looked up on the type."""

    def __init__(self, payload=None):
        self.payload = payload

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class WithProperty:
    """The state names a data descriptor; it goes into the dictionary all the same."""

    def __init__(self, value=None):
        self.__dict__["value"] = value

    @property
    def value(self):
        return self.__dict__["value"]


class ShapeError(Exception):
    pass


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    pass


def function(argument=None):
    return argument


for _cls in (
    ListSub,
    DictSub,
    SetSub,
    FrozenSetSub,
    TupleSub,
    StrSub,
    BytesSub,
    IntSub,
    FloatSub,
    ComplexSub,
):
    _cls.__doc__ = f"A subclass of {_cls.__base__.__name__} with a dictionary."
