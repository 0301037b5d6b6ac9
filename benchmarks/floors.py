"""How fast any pickler could be: the same objects built, or visited and the same bytes written, with no pickling.

Each floor leaves out work that cannot be left out, and adds none: the stdlib's time over it bounds every ratio.

Example: python benchmarks/floors.py --filter dict_list --out floors.json
"""

import gc
import pickle
import sys
from collections import deque
from dataclasses import asdict, dataclass
from itertools import starmap
from math import inf
from types import MethodType

import cypickle
from common import add_filter, chosen, document, finish, number, options, provenance, table
from cypickle.bench import hooks, shapes
from cypickle.bench.big import Scratch
from cypickle.bench.isomorphism import isomorphic
from cypickle.bench.registry import PROTOCOL, Call, Unavailable
from cypickle.bench.timing import best_times
from targets import target
from templates import NoFloor, load_rebuild, template

# ---- loads: a floor takes the graph and returns the call that builds it


def built(graph):
    """Every object is allocated and filled through the C API, out of an array that holds all values ready.

    Instances with a `__dict__` are allocated and their values made, but not put in. Dicts are copies of the
    originals, and their keys and values made. What pickle keeps in its memo is made once.
    """
    rebuild = load_rebuild()
    return Call(rebuild.build, (rebuild.Plan(template(graph)),))


def called(graph):
    """The function of each object's reduce value is called, with arguments that exist, in a C loop."""
    reduced = [obj.__reduce_ex__(PROTOCOL) for obj in graph]
    (function,) = {value[0] for value in reduced}
    return Call(call_all, (function, [value[1] for value in reduced]))


def call_all(function, arguments):
    return list(starmap(function, arguments))


def values_and(function, *arguments):
    """Return the call that builds the atoms in the first arguments, and calls a function with all that exist."""
    rebuild = load_rebuild()
    plan = rebuild.Plan(template([atom for values in arguments[0] for atom in values]))

    def build(plan):
        return rebuild.build(plan), function(*arguments)

    return Call(build, (plan,))


def rebuilt_by_python(graph):
    """The items of all arguments of `__reduce__` are built; the class is called with the old ones in a C loop."""
    (kind,) = {obj.__reduce__()[0] for obj in graph}
    return values_and(lambda arguments: call_all(kind, arguments), [obj.__reduce__()[1] for obj in graph])


def set_by_python(graph):
    """The items of all states are built, and the instances; `__setstate__` takes the old states in a C loop."""
    rebuild = load_rebuild()
    (kind,) = {type(obj) for obj in graph}
    empty = rebuild.Plan([rebuild.Instance(kind, (), ()) for _ in graph])

    def build(states):
        made = rebuild.build(empty)
        deque(map(kind.__setstate__, made, states), 0)
        return made

    return values_and(build, [obj.__getstate__() for obj in graph])


def found_by_python(graph):
    """What `built` does, but handles come from `persistent_load`, which is called for each in a C loop."""
    rebuild = load_rebuild()
    records = rebuild.Plan(template([obj for obj in graph if type(obj) is not shapes.Handle]))
    keys = [obj.key for obj in graph if type(obj) is shapes.Handle]
    load = MethodType(hooks.persistent_load, pickle.Unpickler)

    def build(records):
        return list(map(load, keys)), rebuild.build(records)

    return Call(build, (records,))


def copied(graph):
    """The buffer is copied into new memory once."""
    return Call(bytes, (memoryview(graph),))


def file_read(graph):
    """As many bytes as the buffer has are read from a file into new memory at once."""
    scratch = Scratch()
    file = scratch.file
    file.write(memoryview(graph))

    def read(nbytes):
        file.seek(0)
        return scratch, file.read(nbytes)

    return Call(read, (memoryview(graph).nbytes,))


# ---- dumps: a floor takes the graph and its pickle, and returns the call that writes it


def written(graph, data):
    """Every object is visited once in a C loop, and a copy of the finished pickle made."""
    return Call(load_rebuild().write, (template(graph), data))


def arguments_written(graph, data):
    """What `written` does, over the arguments of each object's reduce value, which exist."""
    return written([obj.__reduce_ex__(PROTOCOL)[1] for obj in graph], data)


def hooked(function, called_with, graph, data, *more):
    """Return the call that calls a hook for each object in a C loop, and then does what `written` does."""
    write, arguments = written(graph, data)

    def dump(called_with):
        deque(map(function, called_with, *more), 0)
        return write(*arguments)

    return Call(dump, (called_with,))


def reduced_by_python(graph, data):
    """`__reduce__` is called for each object in a C loop, then what `written` does."""
    (kind,) = {type(obj) for obj in graph}
    return hooked(kind.__reduce__, graph, graph, data)


def got_by_python(graph, data):
    """`__getstate__` is called for each object in a C loop, then what `written` does."""
    (kind,) = {type(obj) for obj in graph}
    return hooked(kind.__getstate__, graph, graph, data)


def texts_written(graph, data):
    """`str` is called for each number in a C loop, as only that tells its digits; then the pickle is copied."""
    return hooked(str, graph, [str(obj) for obj in graph], data)


def contents_copied(graph, data):
    """The contents of each object are copied in a C loop, by the buffer protocol, and then the finished pickle."""
    return hooked(bytes, [memoryview(obj) for obj in graph], [None], data)


def asked(name, graph, data):
    """Return the call that calls a hook of the Pickler for all that pickle calls it for, and then writes."""
    called_with = []
    hook = getattr(hooks, name)

    def record(self, obj):
        called_with.append(obj)
        return hook(self, obj)

    hooks.dump_by({name: record})(pickle)(graph)
    return hooked(MethodType(hook, pickle.Pickler), called_with, graph, data)


def asked_for_ids(graph, data):
    """`persistent_id` is called in a C loop for all that pickle calls it for, then what `written` does."""
    return asked("persistent_id", graph, data)


def asked_for_reducers(graph, data):
    """`reducer_override` is called in a C loop for all that pickle calls it for, then what `written` does."""
    return asked("reducer_override", graph, data)


def buffer_written(graph, data):
    """The buffer is copied into new memory once."""
    return copied(graph)


def file_written(graph, data):
    """The buffer is written to a file at once."""
    scratch = Scratch()
    file = scratch.file

    def write(buffer):
        file.seek(0)
        file.write(buffer)
        file.flush()
        return scratch

    return Call(write, (memoryview(graph),))


#: (dumps, loads) by workload; all other lists and messages have `written` and `built`.
FLOORS = {
    "decimal_list": (texts_written, called),
    "path_list": (arguments_written, called),
    "range_list": (arguments_written, called),
    "getstate_list": (got_by_python, set_by_python),
    "reduce_list": (reduced_by_python, rebuilt_by_python),
    "numpy_arrays": (contents_copied, called),
    "numpy_scalars": (contents_copied, called),
    "hook_persistent_id": (asked_for_ids, found_by_python),
    "hook_reducer_override": (asked_for_reducers, built),
}
#: The same for big buffers, by the end of the name; a buffer that stays out of a pickle in memory has no floor.
BIG = {
    "mb": (buffer_written, copied),
    "mb_file": (file_written, file_read),
    "oob_file": (file_written, file_read),
}
#: For the legend.
BY_NAME = {
    floor.__name__: floor for pair in ((written, built), *FLOORS.values(), *BIG.values()) for floor in pair
}


@dataclass(slots=True)
class Floor:
    """One direction of a workload against its floor; times in seconds per call.

    Args:
        means: Which floor it is: the name of a function here.
        skipped: Why there is none.
    """

    name: str
    direction: str
    means: str = ""
    floor: float = 0.0
    pickle: float = 0.0
    cypickle: float = 0.0
    target: float | None = None
    skipped: str | None = None


def floors_of(workload):
    """Return the floors of a workload, dumps and loads.

    Raises:
        NoFloor: It has none.
    """
    if workload.kind != "big":
        return FLOORS.get(workload.name, (written, built))
    for ending, floors in BIG.items():
        if workload.name.endswith(ending):
            return floors
    raise NoFloor("nothing has to be copied")


def measure(workload, rounds, seconds, budget=inf):
    """Return what a workload's two floors take, beside the stdlib and cypickle in interleaved rounds."""
    rows = [Floor(workload.name, direction) for direction in ("dumps", "loads")]
    try:
        time_both(workload, rows, rounds, seconds, budget)
    except (NoFloor, Unavailable) as reason:
        for row in rows:
            row.skipped = str(reason)
    return rows


def time_both(workload, rows, rounds, seconds, budget):
    """Fill in both directions.

    Raises:
        RuntimeError: cypickle's output is wrong.
    """
    write, build = floors_of(workload)
    # Each contestant has a graph of its own: the stdlib's dumps changes the objects.
    first = workload.build()
    theirs, ours, bare = (first, first, first) if workload.kind == "big" else graphs(workload, first)
    dumping = {"pickle": workload.dumping(pickle, theirs), "cypickle": workload.dumping(cypickle, ours)}
    pickled = dumping["pickle"].once()
    data = b"".join(workload.parts(pickled))
    loading = {name: workload.loading(module, pickled) for name, module in MODULES.items()}
    if b"".join(workload.parts(dumping["cypickle"].once())) != data:
        raise RuntimeError(f"{workload.name}: the bytes differ")
    if not isomorphic(loading["pickle"].once(), loading["cypickle"].once()):
        raise RuntimeError(f"{workload.name}: the objects differ")
    for row, calls, floor in (
        (rows[0], dumping, write(bare, data)),
        (rows[1], loading, build(bare)),
    ):
        gc.collect()
        calls = {"floor": floor, **calls}
        times = best_times(calls, rounds=rounds, seconds=seconds, budget=budget)
        row.means = (write if row is rows[0] else build).__name__
        row.floor, row.pickle, row.cypickle = (times[name] for name in ("floor", "pickle", "cypickle"))
        row.target = target(workload.name, row.direction, big=workload.kind == "big")


MODULES = {"pickle": pickle, "cypickle": cypickle}


def graphs(workload, first):
    """Return three equal graphs that share nothing."""
    return first, workload.build(), workload.build()


def verdict(row, ratio, best):
    """Return how a ratio stands to its target; what is faster than its floor shows that this is none."""
    if ratio > 1.02 * best:
        return "floor beaten"
    if row.target is None:
        return ""
    return "reached" if ratio >= row.target else "open" if best >= row.target else "**below the floor**"


def markdown(made):
    """Return the table of a document: ratios to the stdlib, cypickle's and the greatest that the floor allows."""
    rows, used = [], []
    for row in (Floor(**item) for item in made["results"]):
        if row.skipped:
            continue
        ratio, best = row.pickle / row.cypickle, row.pickle / row.floor
        times = [f"{1e6 * seconds:.4g}" for seconds in (row.floor, row.cypickle, row.pickle)]
        rows.append(
            [
                f"`{row.name}` {row.direction}",
                row.means,
                *times,
                number(ratio),
                number(best),
                number(row.target, 3).rstrip("0").rstrip("."),
                verdict(row, ratio, best),
            ]
        )
        used.append(row.means)
    header = [
        "workload",
        "floor",
        "floor µs",
        "cypickle µs",
        "stdlib µs",
        "ratio",
        "best",
        "target",
        "verdict",
    ]
    legend = [f"- `{name}`: {BY_NAME[name].__doc__.partition(chr(10))[0]}" for name in dict.fromkeys(used)]
    return "\n\n".join(
        [
            "Floors: the least that any pickler must do. `ratio` is the stdlib's time divided by cypickle's, `best`"
            " the stdlib's divided by the floor's: a target above it is out of reach by the means of the floor.",
            provenance(made),
            table(header, rows),
            "\n".join(legend),
        ]
    )


def main():
    parser = options(__doc__, "floors")
    parser.add_argument("--rounds", type=int, default=40, help="rounds of each contestant (default: 40)")
    parser.add_argument("--seconds", type=float, default=0.01, help="least length of a round (default: 0.01)")
    parser.add_argument("--budget", type=float, default=inf, help="seconds for one direction of a workload")
    add_filter(parser)
    given = parser.parse_args()
    results = []
    for workload in chosen(given):
        results += measure(workload, given.rounds, given.seconds, given.budget)
    for row in results:
        if row.skipped and row.direction == "dumps":
            print(f"{row.name}: no floor, {row.skipped}", file=sys.stderr)
    made = document("floors", [asdict(row) for row in results], label=given.label, rounds=given.rounds)
    finish(made, markdown, given.out)


if __name__ == "__main__":
    main()
