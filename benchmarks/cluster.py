"""Time a Dask cluster of processes over TCP on this machine, by itself and with cypickle in all of them.

    python benchmarks/cluster.py [--tasks 3000] [--records 100000] [--rounds 3]

Tasks are submitted one by one and their results gathered; the records go from one worker to the other in lists of
10,000 dataclasses.  Dask pickles both; it does not pickle numpy arrays.  Each round has a cluster of its own for each
side, in turns; each figure is the fastest of the rounds.
"""

import dataclasses
import sys
from time import perf_counter

from common import document, environment, finish, options, turns, versions

BATCH = 10_000
SIDES = ("by itself", "with cypickle")


@dataclasses.dataclass
class Record:
    id: int
    name: str
    score: float
    tags: list


def add(number, other=1):
    return number + other


def make(batch):
    return [Record(n, f"n{n}", n / 7, ["a", f"t{n % 9}"]) for n in range(batch, batch + BATCH)]


def measure(tasks, records, preload):
    """Seconds for the tasks, and for the records."""
    from distributed import Client, LocalCluster, wait

    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        LocalCluster(**options, protocol="tcp://", preload=preload) as cluster,
        Client(cluster) as client,
    ):
        assert client.submit(add, 1).result() == 2
        begin = perf_counter()
        futures = [client.submit(add, number, pure=False) for number in range(tasks)]
        assert client.gather(futures) == list(range(1, tasks + 1))
        middle = perf_counter()
        first, second = client.scheduler_info()["workers"]
        batches = [client.submit(make, batch, workers=[first]) for batch in range(0, records, BATCH)]
        wait(batches)
        begin_records = perf_counter()
        counts = [client.submit(len, batch, workers=[second]) for batch in batches]
        assert client.gather(counts) == [BATCH] * len(batches)
        return middle - begin, perf_counter() - begin_records


def markdown(made):
    """Return the table of a document."""
    return turns(made, "A Dask cluster of two workers: elapsed time, the fastest round.")


def main():
    parser = options(__doc__, "cluster")
    parser.add_argument("--tasks", type=int, default=3_000)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    import os

    os.environ["PYTHONPATH"] = environment()["PYTHONPATH"]  # for the workers
    sys.modules["cluster"] = sys.modules["__main__"]
    for item in (Record, add, make):
        item.__module__ = "cluster"  # pickled by name, which the workers import

    from cypickle.integrations import dask

    names = (f"{given.tasks:,} tasks", f"{given.records:,} records from worker to worker")
    rows = [{"name": name, **dict.fromkeys(SIDES, float("inf"))} for name in names]
    for _ in range(given.rounds):
        for side, preload in zip(SIDES, ([], ["cypickle.integrations.dask"]), strict=True):
            dask.use_everywhere(bool(preload))
            for row, seconds in zip(rows, measure(given.tasks, given.records, preload), strict=True):
                row[side] = min(row[side], seconds)
    made = document("cluster", rows, label=given.label, rounds=given.rounds, versions=versions("distributed"))
    finish(made, markdown, given.out)


if __name__ == "__main__":
    main()
