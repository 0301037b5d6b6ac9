"""Time what other software writes, by itself and by cypickle: dill, joblib and cloudpickle on 10,000 records.

    python benchmarks/hosts.py [--rounds 5]

Each figure is the fastest of the rounds, in processor time; the two take turns, and their bytes must be equal.
A host that is not installed is left out.
"""

import argparse
import dataclasses
import importlib
import io
from time import process_time


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


def pairs():
    """(title, function of the host, ours): each takes an object."""
    for host, names in {"dill": ["dumps"], "cloudpickle": ["dumps"], "joblib": ["dump", "hash"]}.items():
        try:
            theirs = importlib.import_module(host)
            ours = importlib.import_module(f"cypickle.integrations.{host}")
        except ImportError as missing:
            print(f"{host} is left out: {missing}")
            continue
        for name in names:
            one, other = getattr(theirs, name), getattr(ours, name)
            if name == "dump":
                one, other = (lambda obj, dump=dump: written(dump, obj) for dump in (one, other))
            yield f"{host}.{name}", one, other


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    import sys
    import types

    sys.modules["benchmark_records"] = module = types.ModuleType("benchmark_records")
    module.Record = Record
    records = [Record(n, f"n{n}", n / 7, ["a", "b", f"t{n % 9}"]) for n in range(10_000)]
    subjects = {"dicts": [dataclasses.asdict(record) for record in records], "dataclasses": records}
    for title, one, other in pairs():
        for kind, obj in subjects.items():
            assert one(obj) == other(obj)
            seconds = {one: float("inf"), other: float("inf")}
            for _ in range(options.rounds):
                for function in seconds:
                    begin = process_time()
                    function(obj)
                    seconds[function] = min(seconds[function], process_time() - begin)
            theirs, own = seconds.values()
            print(
                f"{title}, 10000 {kind}: {theirs * 1e3:.1f} ms, cypickle {own * 1e3:.1f} ms, {theirs / own:.1f}"
            )


if __name__ == "__main__":
    main()
