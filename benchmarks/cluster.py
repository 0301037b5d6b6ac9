"""Time a Dask cluster of processes over TCP on this machine, by itself and with cypickle in all of them.

    python benchmarks/cluster.py [--tasks 10000] [--records 100000] [--megabytes 1000] [--rounds 3]

Tasks are submitted one by one and their results gathered; records go from one worker to the other in lists of 10,000
dataclasses, and frames in bytearrays of 100 MB, each the buffer of an object that Dask pickles.  It pickles tasks and
records as well, but not numpy arrays.  Each round has a cluster of its own for each side, in turns; each figure is the
fastest of the rounds.
"""

import dataclasses
import pickle
import sys
from time import perf_counter

from common import document, environment, finish, options, turns, versions

BATCH = 10_000
FRAME = 100_000_000  # bytes
SIDES = ("by itself", "with cypickle")


@dataclasses.dataclass
class Record:
    id: int
    name: str
    score: float
    tags: list


def add(number, other=1):
    return number + other


def make_records(batch):
    return [Record(n, f"n{n}", n / 7, ["a", f"t{n % 9}"]) for n in range(batch, batch + BATCH)]


class Frame:
    """What Dask has no serializer of its own for: pickled, with its buffer out-of-band."""

    def __init__(self, buffer):
        self.buffer = buffer

    def __reduce_ex__(self, protocol):
        return Frame, (pickle.PickleBuffer(self.buffer) if protocol >= 5 else bytes(self.buffer),)

    def __len__(self):
        return len(self.buffer)


def make_frame(number):
    return Frame(bytearray([number]) * FRAME)


def move(client, make, numbers):
    """Seconds to have what one worker has made counted by the other; and the counts."""
    from distributed import wait

    first, second = client.scheduler_info()["workers"]
    made = [client.submit(make, number, workers=[first], pure=False) for number in numbers]
    wait(made)
    begin = perf_counter()
    counts = client.gather([client.submit(len, item, workers=[second], pure=False) for item in made])
    return perf_counter() - begin, counts


def measure(tasks, records, megabytes, preload):
    """Seconds for the tasks, for the records and for the frames."""
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        LocalCluster(**options, protocol="tcp://", preload=preload) as cluster,
        Client(cluster) as client,
    ):
        assert client.submit(add, 1).result() == 2
        begin = perf_counter()
        futures = [client.submit(add, number, pure=False) for number in range(tasks)]
        assert client.gather(futures) == list(range(1, tasks + 1))
        seconds = [perf_counter() - begin]
        for make, numbers, size in (
            (make_records, range(0, records, BATCH), BATCH),
            (make_frame, range(megabytes * 10**6 // FRAME), FRAME),
        ):
            taken, counts = move(client, make, numbers)
            assert counts == [size] * len(numbers)
            seconds.append(taken)
        return seconds


def markdown(made):
    """Return the table of a document."""
    return turns(made, "A Dask cluster of two workers: elapsed time, the fastest round.")


def main():
    parser = options(__doc__, "cluster")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--megabytes", type=int, default=1_000, help="in frames of 100 (default: 1000)")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    import os

    os.environ["PYTHONPATH"] = environment()["PYTHONPATH"]  # for the workers
    sys.modules["cluster"] = sys.modules["__main__"]
    for item in (Record, Frame, add, make_records, make_frame):
        item.__module__ = "cluster"  # pickled by name, which the workers import

    from cypickle.integrations import dask

    names = (
        f"{given.tasks:,} tasks",
        f"{given.records:,} records from worker to worker",
        f"{given.megabytes:,} MB of frames from worker to worker",
    )
    rows = [{"name": name, **dict.fromkeys(SIDES, float("inf"))} for name in names]
    for _ in range(given.rounds):
        for side, preload in zip(SIDES, ([], ["cypickle.integrations.dask"]), strict=True):
            dask.use_everywhere(bool(preload))
            taken = measure(given.tasks, given.records, given.megabytes, preload)
            for row, seconds in zip(rows, taken, strict=True):
                row[side] = min(row[side], seconds)
    made = document("cluster", rows, label=given.label, rounds=given.rounds, versions=versions("distributed"))
    finish(made, markdown, given.out)


if __name__ == "__main__":
    main()
