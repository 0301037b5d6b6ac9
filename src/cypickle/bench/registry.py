"""What a workload is, and the table that holds them all."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from types import ModuleType
from typing import Any, Literal, NamedTuple, TypeVar

#: Every workload is pickled with this protocol, whatever the running version's default is.
PROTOCOL = 5

Kind = Literal["list", "call", "big"]
Make = Callable[[random.Random], Any]
Made = TypeVar("Made", bound=Make)


class Unavailable(Exception):
    """A workload cannot be made here; the message says what is missing."""


class Call(NamedTuple):
    """A function and the arguments to time it with."""

    function: Callable[..., Any]
    args: tuple[Any, ...]

    def once(self) -> Any:
        """Call it and return what it returns."""
        return self.function(*self.args)


def one_string(pickled: Any) -> list[bytes]:
    """Return the parts of what `dumps` returns: the one bytes object."""
    return [pickled]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to pickle other than `dumps(obj, protocol)` and `loads(data)`.

    Args:
        dump: Takes the module to measure, returns a function from an object to what was written.
        load: Takes the module to measure, returns a function from what was written to an object.
        parts: Takes what was written, returns every byte of it, for comparison.
    """

    dump: Callable[[ModuleType], Callable[[Any], Any]]
    load: Callable[[ModuleType], Callable[[Any], Any]]
    parts: Callable[[Any], list[bytes]] = one_string


def dumps_by(pickler: Any) -> Callable[[Any], bytes]:
    """Return a function like `dumps` that makes a Pickler of this class for each call."""

    def dumps(graph: Any) -> bytes:
        file = BytesIO()
        pickler(file, PROTOCOL).dump(graph)
        return file.getvalue()

    return dumps


def loads_by(unpickler: Any) -> Callable[[bytes], Any]:
    """Return a function like `loads` that makes an Unpickler of this class for each call."""

    def loads(data: bytes) -> Any:
        return unpickler(BytesIO(data)).load()

    return loads


@dataclass(frozen=True, slots=True)
class Workload:
    """One named, seeded object graph and the way it is pickled.

    Args:
        name: Stable and unique; results of years are filed under it.
        group: A heading for related workloads.
        about: One line that describes the graph.
        make: Builds the graph, every object of it anew, from a random generator.
        kind: "list" for many objects, "call" for one message, "big" for one large buffer.
        way: How it is pickled, if not by plain `dumps` and `loads`.
        plain: Whether `marshal` and MessagePack can carry it, too.
        main: Whether `python -m cypickle bench` shows it unasked.
        on_demand: Whether it runs only when named, because it needs much time or memory.
    """

    name: str
    group: str
    about: str
    make: Make
    kind: Kind = "list"
    way: Way | None = None
    plain: bool = False
    main: bool = False
    on_demand: bool = False

    def build(self) -> Any:
        """Return a graph that equals those of earlier calls and shares no mutable object with them.

        Raises:
            Unavailable: The interpreter or a package here cannot make it.
        """
        return self.make(random.Random(self.name))

    def dumping(self, module: ModuleType, graph: Any) -> Call:
        """Return the call by which `module` pickles `graph`."""
        if self.way is None:
            return Call(module.dumps, (graph, PROTOCOL))
        return Call(self.way.dump(module), (graph,))

    def loading(self, module: ModuleType, pickled: Any) -> Call:
        """Return the call by which `module` loads what a call of `dumping` returned."""
        if self.way is None:
            return Call(module.loads, (pickled,))
        return Call(self.way.load(module), (pickled,))

    def parts(self, pickled: Any) -> list[bytes]:
        """Return all the bytes that a call of `dumping` wrote."""
        return one_string(pickled) if self.way is None else self.way.parts(pickled)


_REGISTRY: dict[str, Workload] = {}


def add(item: Workload) -> Workload:
    """Put a workload into the registry.

    Raises:
        ValueError: The name is taken.
    """
    if item.name in _REGISTRY:
        raise ValueError(f"there is already a workload named {item.name!r}")
    _REGISTRY[item.name] = item
    return item


def workload(
    group: str,
    *,
    kind: Kind = "list",
    way: Way | None = None,
    plain: bool = False,
    main: bool = False,
    on_demand: bool = False,
) -> Callable[[Made], Made]:
    """Register the decorated function: its name is the workload's, its docstring describes it."""

    def register(make: Made) -> Made:
        about = (make.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        add(Workload(make.__name__, group, about, make, kind, way, plain, main, on_demand))
        return make

    return register


def registered() -> Iterator[Workload]:
    """Yield every workload in the order of registration, which is the order of all tables."""
    yield from _REGISTRY.values()
