"""What the commands of this folder share: JSON documents, Markdown tables, child processes."""

import argparse
import json
import os
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cypickle.bench.host import describe, headline
from cypickle.bench.workloads import select

HERE = Path(__file__).resolve().parent
SIDES = ("pickle", "cypickle")


def git(*words):
    """Return what git says in this folder, or None where it cannot answer."""
    try:
        run = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return run.stdout.strip()


def commit():
    """Return the revision that is checked out here, with "+" if files differ from it, or None."""
    revision = git("rev-parse", "--short=12", "HEAD")
    return revision and revision + ("+" if git("status", "--porcelain") else "")


def document(kind, results, *, label="", **more):
    """Return figures with everything that must be known about them, as JSON can hold it.

    Args:
        kind: Which command made them: a key of `report.REPORTS`.
        label: A remark on the interpreter.
    """
    return {
        "kind": kind,
        "host": describe(),
        "commit": commit(),
        "label": label,
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        **more,
        "results": results,
    }


def place(made):
    """Return the line that says where a document was made, and from what."""
    label = f" ({made['label']})" if made.get("label") else ""
    return f"{headline(made['host'])}{label}; commit {made.get('commit') or 'unknown'}"


def provenance(made):
    """Return that line as an item of a list, with the command."""
    return f"- {place(made)}; `{made['command']}`."


def add_filter(parser):
    """Let the user choose workloads: see `chosen()`."""
    parser.add_argument(
        "--filter", action="append", default=[], metavar="NAME", help="part of a name or group"
    )


def chosen(given):
    """Yield the workloads of `--filter`, all without it, and say which one is being measured."""
    workloads = select(given.filter)
    if not workloads:
        sys.exit(f"no workload is named like {', '.join(given.filter)}")
    for n, workload in enumerate(workloads, start=1):
        print(f"[{n}/{len(workloads)}] {workload.name}", file=sys.stderr)
        yield workload


def table(header, rows):
    """Return a Markdown table, its first column to the left and the others to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value, digits=2):
    """Return a number as a table shows it, nothing where there is none."""
    return "" if value is None or value != value else f"{value:.{digits}f}"


def missed(text, is_missed):
    """Return a figure as a table shows it: in bold where it misses its target."""
    return f"**{text}**" if is_missed else text


def versions(*packages):
    """Return the versions of those packages that are installed."""
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def turns(made, about):
    """Return the report on times of other software, by itself and with cypickle, as `rows` of a document has them."""
    software = ", ".join(f"{name} {installed}" for name, installed in made["versions"].items())
    lines = []
    for row in made["results"]:
        ratio = row["by itself"] / row["with cypickle"]
        times = [number(row[side] * 1000, 1) for side in ("by itself", "with cypickle")]
        lines.append([row["name"], *times, missed(number(ratio), ratio < 0.995)])
    header = ["ms", "by itself", "with cypickle", "ratio"]
    place = provenance(made) + (f"\n- {software}." if software else "")
    return "\n\n".join([about, place, table(header, lines)])


def options(description, kind):
    """Return a parser with the arguments that all commands take."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--out", metavar="FILE.json", help=f"write the figures of the {kind} for report.py")
    parser.add_argument("--label", default="", help="a remark on the interpreter, shown with its results")
    return parser


def finish(made, markdown, out):
    """Print the Markdown of a document and write its JSON where that was asked for."""
    if out:
        Path(out).write_text(json.dumps(made, indent=1) + "\n")
    print(markdown(made))


def environment():
    """Return this process's environment with its own `cypickle` first on the path."""
    import cypickle

    paths = [str(Path(cypickle.__file__).parent.parent), str(HERE), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def child(script, *words):
    """Run a script of this folder in a new process of this interpreter; return the JSON that it prints.

    Raises:
        RuntimeError: It failed; the message is what it wrote.
    """
    command = [sys.executable, str(HERE / script), *map(str, words)]
    run = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {run.returncode}:\n{run.stderr}")
    return json.loads(run.stdout)
