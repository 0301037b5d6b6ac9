"""Tables and progress bars: by rich where it is installed, otherwise in plain text."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from cypickle.bench.measure import OURS, THEIRS, Result

COLUMNS = [
    "\nworkload",
    "\nsize",
    "dumps\npickle",
    "\ncypickle",
    "\nratio",
    "loads\npickle",
    "\ncypickle",
    "\nratio",
    "\noutput",
]


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def size(nbytes: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if nbytes >= factor:
            return f"{nbytes / factor:.3g} {unit}"
    return f"{nbytes} B"


def ratio(value: float) -> str:
    """Return a ratio, or a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:.2f}"


def cells(result: Result) -> list[str]:
    """Return a result as one row of the table."""
    if result.skipped:
        return [result.name, *["-"] * (len(COLUMNS) - 2), "skipped"]
    row = [result.name, size(result.nbytes)]
    for direction, times in (("dumps", result.dumps), ("loads", result.loads)):
        row += [duration(times[name]) if name in times else "-" for name in (THEIRS, OURS)]
        row.append(ratio(result.ratio(direction)))
    return [*row, "same" if result.correct else "WRONG"]


def print_results(results: Sequence[Result]) -> None:
    """Print the table of results."""
    print_table(COLUMNS, [cells(result) for result in results])


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> None:
    """Print a table whose first `left` columns are aligned to the left."""
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print_plain(header, rows, left)
        return
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for n, title in enumerate(header):
        # Only the last column of a table of texts may break its lines.
        longest = max(len(cell) for cell in (*title.split("\n"), *(row[n] for row in rows)))
        fixed = left == 1 or n + 1 < len(header)
        table.add_column(
            title, justify="left" if n < left else "right", min_width=longest if fixed else 30, no_wrap=fixed
        )
    for row in rows:
        table.add_row(*row, style="red" if row[-1] == "WRONG" else None)
    console = Console(highlight=False, markup=False)
    # A table cut to the width of the terminal loses figures, a wider one only breaks its lines.
    needed = console.measure(table, options=console.options.update(width=1000)).minimum
    console.width = max(console.width, needed) if console.is_terminal else 140
    console.print(table)


def print_plain(header: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> None:
    """Print a table with nothing but spaces and dashes."""
    titles = list(zip(*(title.split("\n") for title in header), strict=True))
    widths = [max(map(len, column)) for column in zip(*titles, *rows, strict=True)]
    print()
    for row in (*titles, ["-" * width for width in widths], *rows):
        line = [
            cell.ljust(width) if n < left else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(line).rstrip())
    print()


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Show progress on standard error if that is a terminal.

    Yields:
        A function to call with the name of each step as it begins.
    """
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    except ImportError:
        done = 0

        def tell(name: str) -> None:
            nonlocal done
            done += 1
            print(f"\r\x1b[K[{done}/{total}] {name}", end="", file=sys.stderr, flush=True)

        yield tell
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        return

    # Its refreshing thread would run inside our timers: refresh by hand instead.
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=total)
        begun = 0

        def advance(name: str) -> None:
            nonlocal begun
            bar.update(task, description=name, completed=begun, refresh=True)
            begun += 1

        yield advance
