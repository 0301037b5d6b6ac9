"""Time what multiprocessing sends between processes, by its own context and by cypickle's.

    python benchmarks/messages.py [--megabytes 100] [--messages 100000] [--rounds 3]

Each figure is the fastest of the rounds; the two take turns.  The array needs numpy.
"""

import argparse
import multiprocessing
from time import perf_counter

from cypickle.integrations import multiprocessing as ours

MESSAGE = ("call", 12345, {"name": "value", "number": 1.5})


def echo(connection):
    while (obj := connection.recv()) is not None:
        connection.send(obj)


def count(connection):
    received = 0
    while connection.recv() is not None:
        received += 1
    connection.send(received)


def round_trip(context, array):
    """Seconds for an array there and back."""
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


def one_way(context, messages):
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=100, help="size of the array")
    parser.add_argument("--messages", type=int, default=100_000, help="number of small messages")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    import numpy

    array = numpy.arange(options.megabytes * 125_000, dtype=numpy.float64)
    contexts = {"multiprocessing": multiprocessing.get_context("fork"), "cypickle": ours.get_context("fork")}
    for title, measure, argument in (
        (f"array of {options.megabytes} MB, there and back", round_trip, array),
        (f"{options.messages} small messages", one_way, options.messages),
    ):
        seconds = dict.fromkeys(contexts, float("inf"))
        for _ in range(options.rounds):
            for name, context in contexts.items():
                seconds[name] = min(seconds[name], measure(context, argument))
        theirs, own = seconds.values()
        print(f"{title}: multiprocessing {theirs:.3f} s, cypickle {own:.3f} s, ratio {theirs / own:.2f}")


if __name__ == "__main__":
    main()
