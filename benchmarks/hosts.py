"""Time what other software writes and loads, by itself and by cypickle: dill, joblib, cloudpickle on 10,000 records.

    python benchmarks/hosts.py [--rounds 5]

Each figure is the fastest of the rounds, in processor time; the two take turns, and their bytes, or what they load,
must be equal.  Each host has a process of its own: dill's import changes what all picklers written in Python do.
A host that is not installed is left out.
"""

import dataclasses
import importlib
import io
import sys
import types
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from multiprocessing import get_context
from time import process_time

from common import document, finish, options, turns, versions

HOSTS = {"dill": ["dumps", "loads"], "cloudpickle": ["dumps"], "joblib": ["dump", "load", "hash"]}


@dataclasses.dataclass
class Record:
    id: int
    name: str
    score: float
    tags: list


Record.__module__ = (
    "benchmark_records"  # a module that can be imported: cloudpickle writes classes of __main__ whole
)


def written(dump, obj):
    file = io.BytesIO()
    dump(obj, file)
    return file.getvalue()


def pairs(host):
    """(title, function of the host, ours, what makes their argument): each takes an object."""
    try:
        theirs = importlib.import_module(host)
        ours = importlib.import_module(f"cypickle.integrations.{host}")
    except ImportError as missing:
        print(f"{host} is left out: {missing}", file=sys.stderr)
        return
    for name in HOSTS[host]:
        one, other = getattr(theirs, name), getattr(ours, name)
        prepare = (lambda obj: theirs.dumps(obj)) if name == "loads" else lambda obj: obj
        if name == "dump":
            one, other = (lambda obj, dump=dump: written(dump, obj) for dump in (one, other))
        elif name == "load":
            one, other = (lambda data, load=load: load(io.BytesIO(data)) for load in (one, other))
            prepare = lambda obj: written(theirs.dump, obj)  # noqa: E731
        yield f"{host}.{name}", one, other, prepare


def with_arrays(subjects):
    """Records of which each has an array of its own."""
    try:
        import numpy
    except ImportError:
        return
    subjects["dicts with arrays"] = [
        {**item, "row": numpy.arange(item["id"], item["id"] + 4)} for item in subjects["dicts"]
    ]


def equal(one, other):
    """Whether two results are; arrays have no one answer."""
    return repr(one) == repr(other) if isinstance(one, list) else one == other


def measure(rounds, count, host):
    """The rows of a host."""
    sys.modules["benchmark_records"] = module = types.ModuleType("benchmark_records")
    module.Record = Record
    records = [Record(n, f"n{n}", n / 7, ["a", "b", f"t{n % 9}"]) for n in range(count)]
    subjects = {"dicts": [dataclasses.asdict(record) for record in records], "dataclasses": records}
    rows = []
    with_arrays(subjects)
    for title, one, other, prepare in pairs(host):
        for kind, subject in subjects.items():
            obj = prepare(subject)
            assert equal(one(obj), other(obj))
            seconds = {one: float("inf"), other: float("inf")}
            for _ in range(rounds):
                for function in seconds:
                    begin = process_time()
                    function(obj)
                    seconds[function] = min(seconds[function], process_time() - begin)
            sides = zip(("by itself", "with cypickle"), seconds.values(), strict=True)
            rows.append({"name": f"{title}, {count:,} {kind}", **dict(sides)})
    return rows


def markdown(made):
    """Return the table of a document."""
    return turns(made, "Other software: processor time, the fastest round.")


def main():
    parser = options(__doc__, "hosts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=10_000, help="number of records")
    given = parser.parse_args()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        rows = [*chain.from_iterable(processes.map(partial(measure, given.rounds, given.count), HOSTS))]
    made = document("hosts", rows, label=given.label, rounds=given.rounds, versions=versions(*HOSTS))
    finish(made, markdown, given.out)


if __name__ == "__main__":
    main()
