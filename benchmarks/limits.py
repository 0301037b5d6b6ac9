"""How deep dumps() goes, with pickle and with cypickle: measured, and as the table in README.md.

    python benchmarks/limits.py --out 3.11.json                         measure the interpreter that runs this
    python benchmarks/limits.py --readme README.md 3.11.json 3.13.json  put what was measured into the table

Every depth is tried in a process of its own: beyond its limit the standard library may end it.
"""

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path

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
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if run.stdout == "done":
        return DONE
    if run.returncode == 3:
        return REFUSED
    if run.returncode < 0:
        return CRASHED
    raise RuntimeError(run.stderr)


def limit(module, shape, raised):
    """(levels that go well, what comes beyond them), to a few per cent; (MOST, DONE) where no limit was found."""
    beyond = attempt(module, shape, MOST, raised)
    if beyond == DONE:
        return MOST, DONE
    low, high = 10, MOST
    while high - low > max(1, low // 50):
        middle = (low * high) ** 0.5 if high > 2 * low else (low + high) / 2
        middle = min(max(int(middle), low + 1), high - 1)
        result = attempt(module, shape, middle, raised)
        if result == DONE:
            low = middle
        else:
            high, beyond = middle, result
    return low, beyond


def measure():
    return {
        "version": platform.python_version(),
        "recursion_limit": sys.getrecursionlimit(),
        "shapes": {
            shape: {
                f"{module}, {'raised' if raised else 'default'}": limit(module, shape, raised)
                for module in ("pickle", "cypickle")
                for raised in (False, True)
            }
            for shape in SHAPES
        },
    }


def cell(found):
    levels, beyond = found
    return f"{levels:,} or more" if beyond == DONE else f"{levels:,}, then {beyond}"


def table(documents):
    """The lines of the table, a row for each version and shape."""
    columns = list(next(iter(documents[0]["shapes"].values())))
    lines = [f"| CPython | shape | {' | '.join(columns)} |", "| --- | --- |" + " ---: |" * len(columns)]
    for document in documents:
        for shape, found in document["shapes"].items():
            cells = " | ".join(cell(found[column]) for column in columns)
            lines.append(f"| {document['version']} | {shape} | {cells} |")
    return lines


def write_readme(path, documents):
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{path}: no {BEGIN} and {END}")
    path.write_text("\n".join([before + BEGIN, *table(documents), END + after]))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, help="what --out has written")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--readme", type=Path)
    options = parser.parse_args()
    if options.out:
        options.out.write_text(json.dumps(measure(), indent=1) + "\n")
    documents = [json.loads(path.read_text()) for path in options.files]
    if options.readme and documents:
        write_readme(options.readme, documents)
    elif documents:
        print("\n".join(table(documents)))


if __name__ == "__main__":
    main()
