"""Cost and memory for each object, from a thousand objects to ten million; each size in a process of its own.

Beside it goes the floor of floors.py, whose cost grows with the list as well: what no longer fits into the processor's
caches is slower to reach, and memory that is new to the process has to be mapped, whoever does the work.

Example: python benchmarks/scaling.py --to 1e7 --out scaling.json
"""

import gc
import json
import pickle
import random
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter

import floors
from common import SIDES, child, document, finish, missed, options, provenance, table
from cypickle.bench import shapes
from cypickle.bench.records import dicts, three_fields, word
from cypickle.bench.registry import PROTOCOL
from templates import NoFloor, load_rebuild

SIZES = [10**n for n in range(3, 8)]
DIRECTIONS = ("dumps", "loads")
#: What a list of so many objects holds.
SHAPES = {
    "dicts": lambda rng, count: dicts(rng, count),
    "instances": lambda rng, count: three_fields(shapes.Plain, rng, count),
    "strs": lambda rng, count: [f"{word(rng)}-{n}" for n in range(count)],
}
#: Objects to pickle in all rounds together, so that small sizes have many rounds.
WORK = 3_000_000
#: The floor keeps everything ready, which takes several times the memory of the list: lists above this have none.
FLOOR_TO = 10**6
#: Percent by which the dearest size may cost more than the cheapest.
FLAT = 15


@dataclass(slots=True)
class Point:
    """One measurement: seconds of the fastest round, and bytes of memory at the peak of the first, beyond the input."""

    shape: str
    direction: str
    side: str
    count: int
    seconds: float
    peak: int

    @property
    def nanoseconds(self):
        """The cost for each object."""
        return self.seconds / self.count * 1e9


def resident(field):
    """Return the bytes of this process that are in memory: `VmRSS` now, `VmHWM` at the peak; 0 off Linux."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(field))


def forget_peak():
    """Let the peak start from now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        print("the peak of memory cannot be reset here", file=sys.stderr)


def peak_of(call):
    """Return by how many bytes the process grows during a call, its result included."""
    gc.collect()
    forget_peak()
    before = resident("VmRSS")
    call()
    return max(0, resident("VmHWM") - before)


def time(call, rounds):
    """Return the seconds of the fastest call.

    What it leaves to the collector is collected inside the timer, and its result dropped there.
    """
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        start = perf_counter()
        result = call()
        gc.collect(0)
        del result
        best = min(best, perf_counter() - start)
    return best


def one(shape, direction, side, count, path):
    """Measure one point in this process; loads reads the pickle in `path`, dumps by the stdlib writes it."""
    if side == "floor":
        graph = SHAPES[shape](random.Random(shape), count)
        call = floor_of(direction, graph, path).once
    elif direction == "loads":
        module = import_module(side)
        data = Path(path).read_bytes()

        def call():
            return module.loads(data)

    else:
        module = import_module(side)
        graph = SHAPES[shape](random.Random(shape), count)

        def call():
            return module.dumps(graph, PROTOCOL)

    peak = peak_of(call)
    seconds = time(call, min(200, max(2, WORK // count)))
    if direction == "dumps" and side == "pickle":
        Path(path).write_bytes(pickle.dumps(graph, PROTOCOL))
    return Point(shape, direction, side, count, seconds, peak)


def floor_of(direction, graph, path):
    """Return the call of the least that any pickler must do: see floors.py."""
    return floors.built(graph) if direction == "loads" else floors.written(graph, Path(path).read_bytes())


def sides():
    """Return what can be measured here."""
    try:
        load_rebuild()
    except NoFloor as reason:
        print(f"no floor: {reason}", file=sys.stderr)
        return SIDES
    return (*SIDES, "floor")


def measure(names, sizes):
    """Yield the points of shapes; both sides load what the stdlib has written."""
    measured = sides()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pickle"
        for shape in names:
            for count in sizes:
                for direction in DIRECTIONS:
                    for side in measured:
                        if side == "floor" and count > FLOOR_TO:
                            continue
                        print(f"{count} {shape}: {direction} by {side}", file=sys.stderr)
                        yield Point(**child("scaling.py", "--one", shape, direction, side, count, path))


def markdown(made):
    """Return the table of a document: nanoseconds for each object at each size, and bytes at the largest."""
    points = [Point(**item) for item in made["results"]]
    sizes = sorted({point.count for point in points})
    rows = []
    for key in dict.fromkeys((point.shape, point.direction, point.side) for point in points):
        found = {point.count: point for point in points if (point.shape, point.direction, point.side) == key}
        costs = [found[size].nanoseconds for size in sizes if size in found]
        shape, direction, side = key
        spread = 100 * (max(costs) / min(costs) - 1)
        last = found[max(found)]
        rows.append(
            [
                f"{shape}, {direction}, {side}",
                *(f"{found[size].nanoseconds:.0f}" if size in found else "" for size in sizes),
                missed(f"{spread:.0f} %", side == "cypickle" and spread > FLAT),
                f"{last.peak / last.count:.0f}",
            ]
        )
    header = ["list of", *(f"{size:.0e}".replace("e+0", "e") for size in sizes), "spread", "bytes"]
    return "\n\n".join(
        [
            "Range: nanoseconds for each object of a list, by its length; the collector's work included. `spread` is"
            f" how much more the dearest costs than the cheapest (bold: above {FLAT} %), `bytes` the growth of the"
            " process for each object of the longest list, at its peak, the result included. `floor` visits or"
            " builds the same objects with no pickling; it grows by what caches and new memory cost.",
            provenance(made),
            table(header, rows),
        ]
    )


def main():
    if sys.argv[1:2] == ["--one"]:
        shape, direction, side, count, path = sys.argv[2:]
        print(json.dumps(asdict(one(shape, direction, side, int(count), path))))
        return
    parser = options(__doc__, "range")
    parser.add_argument(
        "--to", type=float, default=1e6, help="the longest list (default: 1e6; 1e7 needs 16 GB)"
    )
    parser.add_argument(
        "--shape", action="append", choices=list(SHAPES), help="what the lists hold; repeatable"
    )
    given = parser.parse_args()
    sizes = [size for size in SIZES if size <= given.to]
    if not sizes:
        parser.error("--to takes 1000 or more")
    points = [asdict(point) for point in measure(given.shape or SHAPES, sizes)]
    finish(document("scaling", points, label=given.label), markdown, given.out)


if __name__ == "__main__":
    main()
