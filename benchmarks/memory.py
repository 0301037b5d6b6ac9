"""Memory: what loaded objects take, what dumps adds to the objects it pickles, and the peak of both.

Counted is all that goes through CPython's allocators (raw, mem and object domains), by tracemalloc. Sizes of instances
are those of the blocks that the allocators give, not of what was asked for: CPython asks for 28 or 32 bytes for an int,
by where it is made, and gets 32.

Example: python benchmarks/memory.py --out memory.json
"""

import gc
import pickle
import tracemalloc
from dataclasses import asdict, dataclass, field

import cypickle
from common import SIDES, add_filter, chosen, document, finish, missed, number, options, provenance, table
from cypickle.bench.registry import Unavailable

MODULES = {"pickle": pickle, "cypickle": cypickle}
DIRECTIONS = ("dumps", "loads")
#: Lists of instances: their size is shown for each.
INSTANCES = ("records", "own reducers")
#: The allocators give multiples of this.
BLOCK = 16
#: How much of the stdlib's memory beyond the result `dumps` may take; and the size of a loaded instance beside the
#: original's: the last hundredth is for the list that holds them.
SHARE = 0.5
SAME_SIZE = 1.01


@dataclass(slots=True)
class Use:
    """What one call takes, in bytes.

    Args:
        result: What it returns, with all that only this holds.
        blocks: The same, with what the allocators add to fill their blocks.
        growth: What it adds to its argument.
        beyond: What it holds at its peak, beyond the result.
    """

    result: int
    blocks: int
    growth: int
    beyond: int


@dataclass(slots=True)
class Row:
    """One workload: the bytes of its graph, and the `Use` of each side's `dumps` and `loads`."""

    name: str
    group: str
    count: int = 0
    graph: int = 0
    dumps: dict[str, Use] = field(default_factory=dict)
    loads: dict[str, Use] = field(default_factory=dict)
    skipped: str | None = None


def allocated():
    """Return the bytes that are allocated now, garbage collected."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def in_blocks():
    """Return the bytes of all blocks that are allocated now, garbage collected."""
    gc.collect()
    return sum(-(-trace.size // BLOCK) * BLOCK for trace in tracemalloc.take_snapshot().traces)


def use_of(call):
    """Return what a call takes and its result."""
    before = allocated()
    tracemalloc.reset_peak()
    result = call()
    peak = tracemalloc.get_traced_memory()[1]
    held, blocks = allocated(), in_blocks()
    del result
    after, rest = allocated(), in_blocks()
    return Use(
        result=held - after,
        blocks=blocks - rest,
        growth=after - before,
        beyond=max(0, peak - before - (held - after)),
    )


def warm_up(workload):
    """Pickle and load another graph of a workload once: classes and modules keep what they learn."""
    for module in MODULES.values():
        workload.loading(module, workload.dumping(module, workload.build()).once()).once()


def measure(workload):
    """Return what both sides take for a workload; each pickles a graph of its own that nobody has touched."""
    row = Row(workload.name, workload.group)
    try:
        warm_up(workload)
    except Unavailable as reason:
        row.skipped = str(reason)
        return row
    tracemalloc.start()
    try:
        for side, module in MODULES.items():
            before = in_blocks()
            graph = workload.build()
            row.graph = in_blocks() - before
            row.count = len(graph) if isinstance(graph, list) else 1
            row.dumps[side] = use_of(workload.dumping(module, graph).once)
            pickled = workload.dumping(pickle, graph).once()
            del graph
            row.loads[side] = use_of(workload.loading(module, pickled).once)
            del pickled
    finally:
        tracemalloc.stop()
    return row


def read(item):
    """Return a row from JSON."""
    row = Row(**item)
    row.dumps = {side: Use(**use) for side, use in row.dumps.items()}
    row.loads = {side: Use(**use) for side, use in row.loads.items()}
    return row


def sizes(rows):
    """Return the table of instances: bytes for each original, each loaded one, and what dumps adds to each."""
    shown = [row for row in rows if row.group in INSTANCES]
    header = ["bytes for each", "original", *(f"loaded by {side}" for side in SIDES)]
    header += [f"added by {side}'s dumps" for side in SIDES]
    lines = []
    for row in shown:
        original = row.graph / row.count
        theirs, ours = (row.loads[side].blocks / row.count for side in SIDES)
        lines.append(
            [
                f"`{row.name}`",
                number(original, 0),
                number(theirs, 0),
                missed(number(ours, 0), ours > SAME_SIZE * original),
                *(number(row.dumps[side].growth / row.count, 0) for side in SIDES),
            ]
        )
    return table(header, lines) if lines else ""


def peaks(rows):
    """Return the table of all workloads: kB at the peak beyond the result."""
    header = ["kB beyond the result"]
    for direction in DIRECTIONS:
        header += [f"{direction} {side}" for side in SIDES] + ["share"]
    lines = []
    for row in rows:
        line = [f"`{row.name}`"]
        for uses, most in ((row.dumps, SHARE), (row.loads, float("inf"))):
            theirs, ours = (uses[side].beyond for side in SIDES)
            share = ours / theirs if theirs else None
            line += [
                number(theirs / 1000, 1),
                number(ours / 1000, 1),
                missed(number(share), share is not None and share >= most),
            ]
        lines.append(line)
    return table(header, lines)


def markdown(made):
    """Return both tables of a document."""
    rows = [row for row in map(read, made["results"]) if not row.skipped]
    blocks = [
        "Memory: all that goes through CPython's allocators, by tracemalloc. `share` is cypickle's part of the"
        " stdlib's; bold: a target is missed.",
        provenance(made),
        sizes(rows),
        peaks(rows),
    ]
    return "\n\n".join(filter(None, blocks))


def main():
    parser = options(__doc__, "memory")
    add_filter(parser)
    given = parser.parse_args()
    rows = []
    for workload in chosen(given):
        rows.append(asdict(measure(workload)))
    finish(document("memory", rows, label=given.label), markdown, given.out)


if __name__ == "__main__":
    main()
