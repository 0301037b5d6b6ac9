"""Turn what compare.py wrote into Markdown tables, in README.md between two markers, and into a chart.

Example: python benchmarks/report.py 3.11.json 3.15.json --readme README.md --plot results.svg
"""

import argparse
import json
import os
import sys
from pathlib import Path

from common import table
from cypickle.bench import plot
from cypickle.bench.host import headline
from cypickle.bench.measure import Result, geometric_mean
from cypickle.bench.workloads import all_workloads

BEGIN = "<!-- results:begin -->"
END = "<!-- results:end -->"
DIRECTIONS = ("dumps", "loads")
PEERS = ("marshal", "msgspec")


def results_of(document):
    """Return the results of a document by name."""
    return {item["name"]: Result(**item) for item in document["results"]}


def in_order(names):
    """Sort names as the registry has them, strangers last."""
    place = {item.name: n for n, item in enumerate(all_workloads())}
    return sorted(names, key=lambda name: (place.get(name, len(place)), name))


def cell(result, value):
    """Return a ratio as a table shows it: losses in bold, wrong output never as a number."""
    if result is None:
        return ""
    if result.skipped:
        return "n/a"
    if not result.correct:
        return "**wrong output**"
    if value != value:
        return "ok"
    return f"**{value:.2f}**" if value < 0.995 else f"{value:.2f}"


def speed_table(documents):
    """Return the table of ratios, one pair of columns for each document."""
    header = ["workload"]
    for document in documents:
        header += [f"{direction} {document['host']['python']}" for direction in DIRECTIONS]
    by_name = [results_of(document) for document in documents]
    rows = []
    for name in in_order({name for results in by_name for name in results}):
        found = [results.get(name) for results in by_name]
        about = next(result.about for result in found if result)
        row = [f"`{name}`: {about}"]
        for result in found:
            row += [cell(result, result.ratio(direction) if result else 0) for direction in DIRECTIONS]
        rows.append(row)
    means = ["geometric mean"]
    for results in by_name:
        correct = [result for result in results.values() if result.correct]
        means += [f"{geometric_mean(result.ratio(way) for result in correct):.2f}" for way in DIRECTIONS]
    return table(header, [*rows, means])


def peer_table(document):
    """Return the table of peers on plain data: their time over cypickle's; empty if none was measured."""
    results = [result for result in results_of(document).values() if result.correct]
    peers = [peer for peer in PEERS if any(peer in result.dumps for result in results)]
    rows = []
    for result in results:
        times = [(way, peer) for peer in peers for way in (result.dumps, result.loads)]
        if any(peer in way for way, peer in times):
            ratios = [way[peer] / way["cypickle"] if peer in way else float("nan") for way, peer in times]
            rows.append([f"`{result.name}`", *(cell(result, value) for value in ratios)])
    if not rows:
        return ""
    header = ["plain data", *(f"{peer} {way}" for peer in peers for way in DIRECTIONS)]
    return table(header, rows)


def place(document):
    """Return the line that says where and how a document was measured."""
    label = f" ({document['label']})" if document.get("label") else ""
    rounds = f"{document['rounds']} rounds of {document['seconds_per_round'] * 1000:g} ms or more"
    return f"- {headline(document['host'])}{label}; commit {document.get('commit') or 'unknown'}; {rounds}."


def markdown(documents):
    """Return the whole report."""
    blocks = [
        "\n".join(place(document) for document in documents),
        "The standard library's time divided by cypickle's: above 1 cypickle is faster. Losses are in bold.",
        speed_table(documents),
    ]
    for document in documents:
        peers = peer_table(document)
        if peers:
            version = document["host"]["python"]
            blocks += [
                f"Other serialisers on plain data, {version}: their time divided by cypickle's.",
                peers,
            ]
    return "\n\n".join(blocks)


def insert(text, report):
    """Return a text with what stands between the markers replaced.

    Raises:
        ValueError: The markers are not there, once each and in order.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in tail:
        raise ValueError(f"expected one line {BEGIN} and after it one line {END}")
    return f"{head}{BEGIN}\n{report}\n{END}{tail}"


def read(name):
    """Return the document in a file.

    Raises:
        ValueError: It is not one that compare.py wrote.
    """
    document = json.loads(Path(name).read_text())
    if not isinstance(document, dict) or not {"host", "results"} <= document.keys():
        raise ValueError(f"{name} was not written by compare.py")
    return document


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "files", nargs="+", metavar="FILE.json", help="one for each interpreter, in column order"
    )
    parser.add_argument(
        "--readme", metavar="FILE.md", help="put the tables between its markers; else print them"
    )
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the first file's ratios")
    options = parser.parse_args()
    try:
        if options.plot:
            plot.require(options.plot)
        documents = [read(name) for name in options.files]
        report = markdown(documents)
        if options.readme:
            path = Path(options.readme)
            text = insert(path.read_text(encoding="utf-8"), report)
            new = path.with_name(path.name + ".new")
            new.write_text(text, encoding="utf-8")
            os.replace(new, path)
        else:
            print(report)
        if options.plot:
            results = list(results_of(documents[0]).values())
            plot.draw(results, options.plot, headline(documents[0]["host"]))
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
