"""Time a Dask cluster of processes over TCP on this machine, by itself and with cypickle in all of them.

    python benchmarks/cluster.py [--tasks 10000] [--megabytes 1000]

Tasks are submitted one by one and their results gathered; the megabytes go in arrays of 50 MB from the client to one
worker, and from there to the other.
"""

import argparse
from time import perf_counter

import numpy
from distributed import Client, LocalCluster


def add(number, other=1):
    return number + other


def measure(tasks, megabytes, preload):
    """Seconds for the tasks, and for the arrays."""
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
        for number in range(megabytes // 50):
            there = client.scatter(numpy.full(6_250_000, float(number)), workers=[first])
            assert client.submit(numpy.max, there, workers=[second]).result() == number
        return middle - begin, perf_counter() - middle


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--megabytes", type=int, default=1000)
    options = parser.parse_args()
    theirs = measure(options.tasks, options.megabytes, [])

    from cypickle.integrations import dask

    dask.use_everywhere()
    ours = measure(options.tasks, options.megabytes, ["cypickle.integrations.dask"])
    subjects = (f"{options.tasks} tasks", f"{options.megabytes} MB of arrays")
    for title, one, other in zip(subjects, theirs, ours, strict=True):
        print(f"{title}: by itself {one:.2f} s, with cypickle {other:.2f} s, ratio {one / other:.2f}")


if __name__ == "__main__":
    main()
