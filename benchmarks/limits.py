"""How deep dumps() goes, with pickle and with cypickle: measured, and as the table in README.md.

    python benchmarks/limits.py --out limits.3.11.json                   measure the interpreter that runs this
    python benchmarks/limits.py limits.3.11.json limits.3.13.json --readme README.md    put it into the table

Every depth is tried in a process of its own: beyond its limit the standard library may end it.
"""

import json
import subprocess
import sys
from pathlib import Path

from common import document, environment, finish, options, provenance, table

BEGIN = "<!-- limits:begin -->"
END = "<!-- limits:end -->"
MOST = 1_000_000  # levels that are tried
SHAPES = {"list": "[item]", "tuple": "(item,)", "dict": "{'k': item}", "instance": "Plain(item)"}
TRY = """
import sys
import {module} as module

class Plain:
    def __init__(self, item):
        self.item = item

item = None
for _ in range({depth}):
    item = {wrap}
if {raised}:
    sys.setrecursionlimit(10 * {most})
try:
    module.dumps(item, 4)
except RecursionError:
    sys.exit(3)
sys.stdout.write("done")
sys.stdout.flush()
"""
REFUSED, DONE, CRASHED = "RecursionError", "done", "crash"


def attempt(module, shape, depth, raised):
    """What comes of one depth: DONE, REFUSED or CRASHED."""
    script = TRY.format(module=module, depth=depth, wrap=SHAPES[shape], raised=raised, most=MOST)
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if run.stdout == "done":
        return DONE
    if run.returncode == 3:
        return REFUSED
    if run.returncode < 0:
        return CRASHED
    raise RuntimeError(run.stderr)


def limit(module, shape, raised, most):
    """(levels that go well, what comes beyond them), to 2 %; (most, DONE) where no limit was found."""
    beyond = attempt(module, shape, most, raised)
    if beyond == DONE:
        return most, DONE
    low, high = 10, most
    while high - low > max(1, low // 50):
        middle = (low * high) ** 0.5 if high > 2 * low else (low + high) / 2
        middle = min(max(int(middle), low + 1), high - 1)
        result = attempt(module, shape, middle, raised)
        if result == DONE:
            low = middle
        else:
            high, beyond = middle, result
    return low, beyond


def measure(shapes, most):
    """The rows of the document: for each shape and column the levels that go well, and what comes beyond."""
    columns = [(module, raised) for module in ("pickle", "cypickle") for raised in (False, True)]
    return [
        {"shape": shape}
        | {
            f"{module}, {'raised' if raised else 'default'}": limit(module, shape, raised, most)
            for module, raised in columns
        }
        for shape in shapes
    ]


def cell(found):
    levels, beyond = found
    return f"{levels:,} or more" if beyond == DONE else f"{levels:,}, then {beyond}"


def rows_of(documents):
    """The table, a row for each version and shape."""
    columns = [name for name in documents[0]["results"][0] if name != "shape"]
    lines = []
    for made in documents:
        for row in made["results"]:
            lines.append([made["host"]["python"], row["shape"], *(cell(row[column]) for column in columns)])
    return table(["CPython", "shape", *columns], lines)


def markdown(made):
    """Return the table of a document."""
    about = f"Depth: levels that dumps() manages, of {made['most']:,} tried; the recursion limit as it is, and raised."
    return "\n\n".join([about, provenance(made), rows_of([made])])


def write_readme(path, documents):
    """Put the table of all documents, and where each was made, between the markers of a file."""
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{path}: no {BEGIN} and {END}")
    places = "\n".join(map(provenance, documents))
    path.write_text("\n".join([before + BEGIN, places, "", rows_of(documents), END + after]))


def main():
    parser = options(__doc__, "limits")
    parser.add_argument(
        "files", nargs="*", type=Path, help="what --out has written; nothing is measured then"
    )
    parser.add_argument(
        "--readme", type=Path, metavar="FILE.md", help="put the files' figures between its markers"
    )
    parser.add_argument("--shape", action="append", choices=SHAPES, help="repeatable; all unless given")
    parser.add_argument("--most", type=int, default=MOST, help="levels that are tried")
    given = parser.parse_args()
    if given.files:
        documents = [json.loads(path.read_text()) for path in given.files]
        if given.readme:
            write_readme(given.readme, documents)
        else:
            print("\n\n".join(map(markdown, documents)))
        return
    rows = measure(given.shape or SHAPES, given.most)
    finish(document("limits", rows, label=given.label, most=given.most), markdown, given.out)


if __name__ == "__main__":
    main()
