"""`python -m cypickle bench`: real object graphs, cypickle beside the standard library's pickle."""

import argparse
import json
import pickle
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

from cypickle.bench import host, plot, tables, workloads
from cypickle.bench.measure import Effort, Result, as_document, geometric_mean, measure
from cypickle.bench.registry import Workload

SUMMARY = "Pickle and unpickle real object graphs, check every byte, and compare the speed with the stdlib's."
NORMAL = Effort(rounds=40, seconds=0.01, budget=0.5)
QUICK = Effort(rounds=10, seconds=0.002, budget=0.1)
CHECK = Effort(rounds=0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE.pkl",
        help="pickle files to measure too, the first object of each; a pickle can run any code as it"
        " loads, so give only files that you trust",
    )
    parser.add_argument("--plot", metavar="FILE", help="draw the ratios into a .png or .svg file")
    parser.add_argument("--json", metavar="FILE", help="write all figures, machine and versions")
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="NAME",
        help="only workloads whose name or group contains NAME, of all there are (see --list); repeatable",
    )
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument(
        "--quick", action="store_true", help="fewer and shorter rounds: seconds, but rough figures"
    )
    speed.add_argument("--check", action="store_true", help="check the output and time nothing")
    parser.add_argument("--all", action="store_true", help="all workloads, not only the main ones")
    parser.add_argument("--list", action="store_true", help="list the workloads and stop")


def from_file(name: str) -> Workload:
    """Return a workload over the object in a pickle file.

    Raises:
        ValueError: The file cannot be read or holds no pickle; the message is for the user.
    """
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {name}: {error.strerror or error}") from error

    def make(rng: random.Random) -> Any:
        return pickle.loads(data)

    try:
        make(random.Random())
    except Exception as error:
        raise ValueError(f"{name} does not load as a pickle: {type(error).__name__}: {error}") from error
    return Workload(name, "files", f"the object in {name}", make)


def choose(options: argparse.Namespace) -> list[Workload]:
    """Return the workloads to run: the built-in ones that were asked for, and the files.

    Raises:
        ValueError: A file cannot be used, or nothing has the name asked for; the message is for the user.
    """
    files = [from_file(name) for name in options.files]
    chosen = workloads.select(options.filter, main=not options.all)
    if not chosen:
        raise ValueError(f"no workload is named like {', '.join(options.filter)}: see --list")
    return chosen + files


def measured(chosen: list[Workload], ours: ModuleType, effort: Effort) -> Iterator[Result]:
    """Yield the result of each workload, with a progress bar on a terminal."""
    with tables.progress(len(chosen)) as step:
        for item in chosen:
            step(item.name)
            yield measure(item, ours, effort)


def list_workloads() -> None:
    """Print every workload with its description."""
    rows = [
        [item.group, item.name, item.about + (" (on demand)" if item.on_demand else "")]
        for item in workloads.all_workloads()
    ]
    tables.print_table(["group", "name", "what it is"], rows, left=3)


def summary(results: list[Result]) -> list[str]:
    """Return the lines under the table: means, what was checked, what was skipped or wrong."""
    lines = []
    timed = [result for result in results if result.dumps]
    if timed:
        means = [
            geometric_mean(result.ratio(direction) for result in timed) for direction in ("dumps", "loads")
        ]
        lines.append(
            f"Geometric means: dumps {means[0]:.2f} times as fast as the stdlib, loads {means[1]:.2f}."
        )
    lines += [f"Skipped {result.name}: {result.skipped}." for result in results if result.skipped]
    checked = [result for result in results if not result.skipped]
    lines += [f"FAILED {result.name}: {result.error}." for result in checked if result.error]
    wrong = [result for result in checked if not result.error]
    lines += [f"DIFFERENT BYTES in {result.name}." for result in wrong if not result.same_bytes]
    lines += [f"DIFFERENT OBJECTS loaded in {result.name}." for result in wrong if not result.same_objects]
    if checked and all(result.correct for result in checked):
        lines.append(
            f"Checked in all {len(checked)}: cypickle's bytes equal the stdlib's, and the graphs that both"
            " load have equal types, values, sharing and cycles."
        )
    return lines


def write_json(name: str, results: list[Result], effort: Effort) -> None:
    """Write the results into a file."""
    Path(name).write_text(json.dumps(as_document(results, effort), indent=1) + "\n")


def run(options: argparse.Namespace) -> int:
    """Run the command; return the exit status, which is 1 if any output differs from the stdlib's."""
    if options.list:
        list_workloads()
        return 0
    try:
        if options.plot:
            plot.require(options.plot)
        for name in filter(None, (options.plot, options.json)):
            if not Path(name).absolute().parent.is_dir():
                raise ValueError(f"cannot write {name}: no such directory")
        chosen = choose(options)
    except ValueError as error:
        options.fail(str(error))

    import cypickle

    effort = CHECK if options.check else QUICK if options.quick else NORMAL
    title = host.headline(host.describe())
    print(title)
    start = perf_counter()
    results = list(measured(chosen, cypickle, effort))
    tables.print_results(results)
    print(*summary(results), sep="\n")
    print(f"Took {perf_counter() - start:.0f} s.")
    try:
        if options.json:
            write_json(options.json, results, effort)
        if options.plot:
            plot.draw({"cypickle": results}, options.plot, title)
    except OSError as error:
        print(f"cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0 if all(result.correct or result.skipped for result in results) else 1
