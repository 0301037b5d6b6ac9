"""Measure every workload, cypickle beside the stdlib in interleaved rounds; print Markdown, write JSON.

Example: python benchmarks/compare.py --out results.json
"""

import argparse
import json
import math
import sys
from importlib import import_module
from pathlib import Path

from common import commit
from cypickle.bench.measure import Effort, as_document, measure
from cypickle.bench.workloads import select
from report import markdown


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=40, help="rounds of each contestant (default: 40)")
    parser.add_argument("--seconds", type=float, default=0.01, help="least length of a round (default: 0.01)")
    parser.add_argument(
        "--budget", type=float, default=math.inf, help="seconds for one direction of a workload"
    )
    parser.add_argument(
        "--filter", action="append", default=[], metavar="NAME", help="part of a name or group"
    )
    parser.add_argument("--no-peers", action="store_true", help="leave marshal and msgspec out")
    parser.add_argument("--label", default="", help="a remark on the interpreter, shown with its results")
    parser.add_argument("--out", metavar="FILE.json", help="where to write the figures")
    parser.add_argument(
        "--module",
        default="cypickle",
        help="measure another module of pickle's API: `pickle` shows the noise",
    )
    options = parser.parse_args(arguments)
    if options.rounds < 0 or options.seconds <= 0:
        parser.error("--rounds takes 0 (check the output only) or more, --seconds more than 0")
    return options


def main():
    options = parse()
    chosen = select(options.filter)
    if not chosen:
        sys.exit(f"no workload is named like {', '.join(options.filter)}")
    module = import_module(options.module)
    effort = Effort(options.rounds, options.seconds, options.budget)
    results = []
    for n, workload in enumerate(chosen, start=1):
        print(f"[{n}/{len(chosen)}] {workload.name}", file=sys.stderr)
        results.append(measure(workload, module, effort, peers=not options.no_peers))
    document = as_document(
        results, effort, kind="speed", commit=commit(), label=options.label, module=options.module
    )
    if options.out:
        Path(options.out).write_text(json.dumps(document, indent=1) + "\n")
    print(markdown([document]))
    wrong = [result for result in results if not (result.correct or result.skipped)]
    for result in wrong:
        print(f"{result.name}: {result.error or 'the output differs'}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
