"""Time what multiprocessing sends between processes, by its own context and by cypickle's.

    python benchmarks/messages.py [--megabytes 100] [--messages 100000] [--rounds 3]

Each figure is the fastest of the rounds; the two take turns.  It needs numpy, and processes that fork.
"""

import multiprocessing
from concurrent import futures
from time import perf_counter

from common import document, finish, options, turns, versions

MESSAGE = ("call", 12345, {"name": "value", "number": 1.5})


def echo(connection):
    while (obj := connection.recv()) is not None:
        connection.send(obj)


def count(connection):
    received = 0
    while connection.recv() is not None:
        received += 1
    connection.send(received)


def give_back(obj):
    return obj


def round_trip(context, executor, array):
    """Seconds for an array there and back through a pipe."""
    here, there = context.Pipe()
    process = context.Process(target=echo, args=(there,))
    process.start()
    try:
        here.send(1)
        here.recv()
        begin = perf_counter()
        here.send(array)
        result = here.recv()
        seconds = perf_counter() - begin
    finally:
        here.send(None)
        process.join()
    assert (result == array).all()
    return seconds


def call(context, executor, array):
    """Seconds for a call of an executor with an array, which comes back."""
    with executor(1, mp_context=context) as pool:
        pool.submit(give_back, 1).result()
        begin = perf_counter()
        result = pool.submit(give_back, array).result()
        seconds = perf_counter() - begin
    assert (result == array).all()
    return seconds


def one_way(context, executor, messages):
    """Seconds for small messages, one by one, until the other side has counted them."""
    here, there = context.Pipe()
    process = context.Process(target=count, args=(there,))
    process.start()
    begin = perf_counter()
    for _ in range(messages):
        here.send(MESSAGE)
    here.send(None)
    received = here.recv()
    seconds = perf_counter() - begin
    process.join()
    assert received == messages
    return seconds


def measure(megabytes, messages, rounds):
    """The rows of the document."""
    import numpy

    from cypickle.integrations import multiprocessing as ours

    array = numpy.arange(megabytes * 125_000, dtype=numpy.float64)
    sides = {
        "by itself": (multiprocessing.get_context("fork"), futures.ProcessPoolExecutor),
        "with cypickle": (ours.get_context("fork"), ours.ProcessPoolExecutor),
    }
    rows = []
    for title, function, argument in (
        (f"array of {megabytes} MB, there and back through a Pipe", round_trip, array),
        (f"array of {megabytes} MB, there and back by a ProcessPoolExecutor", call, array),
        (f"{messages:,} small messages through a Pipe", one_way, messages),
    ):
        seconds = dict.fromkeys(sides, float("inf"))
        for _ in range(rounds):
            for name, side in sides.items():
                seconds[name] = min(seconds[name], function(*side, argument))
        rows.append({"name": title, **seconds})
    return rows


def markdown(made):
    """Return the table of a document."""
    return turns(made, "Messages between processes: elapsed time, the fastest round.")


def main():
    parser = options(__doc__, "messages")
    parser.add_argument("--megabytes", type=int, default=100, help="size of the array")
    parser.add_argument("--messages", type=int, default=100_000, help="number of small messages")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rows = measure(given.megabytes, given.messages, given.rounds)
    made = document("messages", rows, label=given.label, rounds=given.rounds, versions=versions("numpy"))
    finish(made, markdown, given.out)


if __name__ == "__main__":
    main()
