"""Compare two revisions of cypickle: both are built in throw-away folders and timed in processes that take turns.

Example: python benchmarks/ab.py main . dict_list instance_list
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from common import HERE, document, finish, git, options, place, table
from cypickle.bench.registry import Unavailable
from cypickle.bench.timing import best_times
from cypickle.bench.workloads import select

ROOT = HERE.parent
DIRECTIONS = ("dumps", "loads")


@dataclass(slots=True)
class Pair:
    """The seconds per call of one direction of a workload, in each process of A and of B."""

    name: str
    direction: str
    a: list[float] = field(default_factory=list)
    b: list[float] = field(default_factory=list)

    @property
    def ratios(self):
        """A's time over B's in each pair of processes that ran one after the other."""
        return [first / second for first, second in zip(self.a, self.b, strict=True)]


def unpack(revision, folder):
    """Put the sources of a revision into a folder.

    Raises:
        ValueError: git does not know it; the message is for the user.
    """
    archive = subprocess.run(
        ["git", "archive", "--format=tar", revision], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        raise ValueError(f"cannot take {revision} out of git: {archive.stderr.decode().strip()}")
    subprocess.run(["tar", "-xf", "-", "-C", str(folder)], input=archive.stdout, check=True)


def build(folder):
    """Compile the extensions of a checkout where they stand.

    Raises:
        ValueError: The build fails; the message is for the user.
    """
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ValueError(f"{folder} does not build:\n{run.stdout}{run.stderr}")


def sources(name, stack):
    """Return the folder with the built package of a revision, or of a checkout that is built already."""
    checkout = Path(name)
    if (checkout / "setup.py").is_file():
        return checkout.resolve() / "src"
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cypickle-ab-")))
    print(f"building {name}", file=sys.stderr)
    unpack(name, folder)
    build(folder)
    return folder / "src"


def in_child(names, rounds, seconds):
    """Print the best times of workloads by the `cypickle` that is found first; those it cannot make are left out."""
    import cypickle

    times = {}
    for workload in (item for item in select(names) if item.name in names):
        try:
            graph = workload.build()
        except Unavailable:
            continue
        pickled = workload.dumping(pickle, graph).once()
        calls = (workload.dumping(cypickle, workload.build()), workload.loading(cypickle, pickled))
        times[workload.name] = [
            best_times({"it": call}, rounds=rounds, seconds=seconds)["it"] for call in calls
        ]
    print(json.dumps({"path": cypickle.__file__, "times": times}))


def run(source, names, rounds, seconds):
    """Return the times of workloads in a new process, by the package in `source`.

    Raises:
        RuntimeError: The process fails, or takes another package.
    """
    command = [sys.executable, str(HERE / "ab.py"), "--times", str(rounds), str(seconds), *names]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if child.returncode:
        raise RuntimeError(f"{source}: {child.stderr}")
    answer = json.loads(child.stdout)
    if not Path(answer["path"]).is_relative_to(source):
        raise RuntimeError(f"{answer['path']} was measured instead of {source}")
    return answer["times"]


def compare(source_a, source_b, names, processes, rounds, seconds):
    """Return the pairs of all workloads that both revisions have. A and B take turns: A B, B A, ..."""
    pairs = {}
    for turn in range(processes):
        sides = [("a", source_a), ("b", source_b)]
        print(f"[{turn + 1}/{processes}] of each", file=sys.stderr)
        times = {side: run(source, names, rounds, seconds) for side, source in sides[:: 1 - turn % 2 * 2]}
        for name in names:
            if all(name in found for found in times.values()):
                for n, direction in enumerate(DIRECTIONS):
                    pair = pairs.setdefault((name, direction), Pair(name, direction))
                    pair.a.append(times["a"][name][n])
                    pair.b.append(times["b"][name][n])
    return list(pairs.values())


def markdown(made):
    """Return the table of a document."""
    rows = []
    for pair in (Pair(**item) for item in made["results"]):
        ratios = pair.ratios
        rows.append(
            [
                f"`{pair.name}` {pair.direction}",
                *(f"{1e6 * min(times):.4g}" for times in (pair.a, pair.b)),
                f"{min(pair.a) / min(pair.b):.3f}",
                f"{median(ratios):.3f}",
                f"{min(ratios):.3f} to {max(ratios):.3f}",
            ]
        )
    header = ["workload", "A, µs", "B, µs", "fastest A/B", "median A/B", "spread"]
    return "\n\n".join(
        [
            f"A is {made['a']}, B is {made['b']}: above 1 B is faster. {place(made)}; {made['processes']} processes"
            " of each in turns.",
            table(header, rows),
        ]
    )


def parse(arguments=None):
    parser = options(__doc__, "comparison")
    parser.add_argument("a", metavar="REV_A", help="a revision, or the folder of a checkout that is built")
    parser.add_argument("b", metavar="REV_B", help="the same; `.` is this one")
    parser.add_argument(
        "names", nargs="*", metavar="WORKLOAD", help="parts of names or groups (default: the main)"
    )
    parser.add_argument("--processes", type=int, default=8, help="of each revision (default: 8)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds in each process (default: 20)")
    parser.add_argument(
        "--seconds", type=float, default=0.005, help="least length of a round (default: 0.005)"
    )
    given = parser.parse_args(arguments)
    if given.processes < 1 or given.rounds < 1 or given.seconds <= 0:
        parser.error("--processes and --rounds take 1 or more, --seconds more than 0")
    return given


def named(name):
    """Return a revision with its hash, a folder as it was given."""
    found = None if (Path(name) / "setup.py").is_file() else git("rev-parse", "--short=12", name)
    return f"{name} ({found})" if found else name


def main():
    if sys.argv[1:2] == ["--times"]:
        in_child(sys.argv[4:], int(sys.argv[2]), float(sys.argv[3]))
        return
    given = parse()
    names = [workload.name for workload in select(given.names, main=True)]
    if not names:
        sys.exit(f"no workload is named like {', '.join(given.names)}")
    with ExitStack() as stack:
        try:
            source_a, source_b = (sources(name, stack) for name in (given.a, given.b))
        except ValueError as error:
            sys.exit(str(error))
        pairs = compare(source_a, source_b, names, given.processes, given.rounds, given.seconds)
    made = document(
        "ab",
        [asdict(pair) for pair in pairs],
        label=given.label,
        a=named(given.a),
        b=named(given.b),
        processes=given.processes,
    )
    finish(made, markdown, given.out)


if __name__ == "__main__":
    main()
