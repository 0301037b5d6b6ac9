"""Latency: what the import costs, and how soon a long call answers Ctrl-C.

Example: python benchmarks/latency.py --out latency.json
"""

import signal
import subprocess
import sys
import time
from importlib import import_module
from statistics import median

from common import HERE, SIDES, document, environment, finish, missed, number, options, provenance, table
from cypickle.bench.registry import PROTOCOL

#: `_pickle` is the C half of the stdlib's, `pickle` all of it.
IMPORTS = ("_pickle", "pickle", "cypickle")
TIMED_IMPORT = "from time import perf_counter as now; start = now(); import {}; print(now() - start)"
DIRECTIONS = ("dumps", "loads")
#: What `import cypickle` may cost of `import _pickle`, and the seconds in which a long call has to answer.
IMPORT_RATIO = 1.5
ANSWER = 0.2
#: Long lists of plain data, built in no time.
SHAPES = {
    "ints": lambda count: list(range(10**6, 10**6 + count)),
    "strs": lambda count: list(map("{:08d}".format, range(count))),
    "dicts": lambda count: [{"id": n, "score": n / 7} for n in range(count)],
}


def seconds_to_import(name):
    """Return what an import takes in a new process, its start not counted, with bytecode as an installer leaves it."""
    variables = environment()
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    run = subprocess.run(
        [sys.executable, "-c", TIMED_IMPORT.format(name)],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


def imports(processes):
    """Return the times of each import, in processes that take turns; the first of each only fills the caches."""
    times = {name: [] for name in IMPORTS}
    for turn in range(processes + 1):
        for name in IMPORTS if turn % 2 else reversed(IMPORTS):
            times[name].append(seconds_to_import(name))
    return [
        {"import": name, "fastest": min(taken[1:]), "median": median(taken[1:])}
        for name, taken in times.items()
    ]


def long_call(side, direction, shape, count):
    """In a child: say how long a call takes; then call again, and say when KeyboardInterrupt comes out of it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    module = import_module(side)
    graph = SHAPES[shape](count)
    if direction == "dumps":
        function, arguments = module.dumps, (graph, PROTOCOL)
    else:
        function, arguments = module.loads, (import_module("pickle").dumps(graph, PROTOCOL),)
        del graph
    start = time.monotonic()
    function(*arguments)
    taken = time.monotonic() - start
    try:
        print(taken, flush=True)
        function(*arguments)
        # The call is over; what comes now was not answered by it.
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        print(time.monotonic(), flush=True)


def interrupt(side, direction, shape, count):
    """Return how long a call takes, and how long after SIGINT, sent at a quarter of it, KeyboardInterrupt comes."""
    command = [sys.executable, str(HERE / "latency.py"), "--call", side, direction, shape, str(count)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{' '.join(command)} ended with {process.wait()}")
            takes = float(line)
            time.sleep(takes / 4)
            sent = time.monotonic()
            process.send_signal(signal.SIGINT)
            answered = float(process.stdout.readline())
        finally:
            process.kill()
    return {
        "side": side,
        "direction": direction,
        "shape": shape,
        "count": count,
        "takes": takes,
        "answers": answered - sent,
    }


def interrupts(count):
    """Return the answers of all calls."""
    answers = []
    for shape in SHAPES:
        for direction in DIRECTIONS:
            for side in SIDES:
                print(f"Ctrl-C in {direction} of {count} {shape} by {side}", file=sys.stderr)
                answers.append(interrupt(side, direction, shape, count))
    return answers


def beside(row, base, kind):
    """Return the ratio of an import's time to that of `_pickle`."""
    ratio = row[kind] / base[kind]
    return missed(number(ratio), row["import"] == "cypickle" and ratio > IMPORT_RATIO)


def markdown(made):
    """Return both tables of a document."""
    taken = made["results"]["imports"]
    (base,) = (row for row in taken if row["import"] == "_pickle")
    rows = [
        [
            f"`import {row['import']}`",
            number(row["fastest"] * 1000),
            number(row["median"] * 1000),
            *(beside(row, base, kind) for kind in ("fastest", "median")),
        ]
        for row in taken
    ]
    calls = [
        [
            f"{row['direction']} of {row['count']} {row['shape']}, {row['side']}",
            number(row["takes"]),
            missed(number(row["answers"]), row["side"] == "cypickle" and row["answers"] > ANSWER),
        ]
        for row in made["results"]["interrupts"]
    ]
    return "\n\n".join(
        [
            "Latency: imports, each in new processes, and what they cost beside `import _pickle`; and the seconds from"
            " SIGINT, a quarter of the way through a long call, to `KeyboardInterrupt`. Bold: a target is missed.",
            provenance(made),
            table(["", "fastest, ms", "median, ms", "fastest, ratio", "median, ratio"], rows),
            table(["long call", "it takes, s", "it answers after, s"], calls),
        ]
    )


def main():
    if sys.argv[1:2] == ["--call"]:
        side, direction, shape, count = sys.argv[2:]
        long_call(side, direction, shape, int(count))
        return
    parser = options(__doc__, "latency")
    parser.add_argument("--processes", type=int, default=40, help="for each import (default: 40)")
    parser.add_argument("--count", type=int, default=3_000_000, help="objects of a long call (default: 3e6)")
    given = parser.parse_args()
    if given.processes < 1 or given.count < 1:
        parser.error("--processes and --count take 1 or more")
    results = {"imports": imports(given.processes), "interrupts": interrupts(given.count)}
    made = document("latency", results, label=given.label, processes=given.processes)
    finish(made, markdown, given.out)


if __name__ == "__main__":
    main()
