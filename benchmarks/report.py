"""Turn what the other commands wrote into Markdown, in README.md between two markers, and into a chart.

Example: python benchmarks/report.py 3.11.json 3.15.json floors.json --readme README.md --plot benchmarks/results.svg
"""

import argparse
import json
import os
import sys
from pathlib import Path

import adapters
import cluster
import floors
import hosts
import latency
import limits
import memory
import messages
import scaling
from common import place, table
from cypickle.bench import plot
from cypickle.bench.measure import Result, geometric_mean
from cypickle.bench.workloads import all_workloads

BEGIN = "<!-- results:begin -->"
END = "<!-- results:end -->"
DIRECTIONS = ("dumps", "loads")
PEERS = ("marshal", "msgspec")
#: What shows the documents of each other command, and what they are called.
SECTIONS = {
    "floors": (floors.markdown, "Floors"),
    "scaling": (scaling.markdown, "Range"),
    "memory": (memory.markdown, "Memory"),
    "latency": (latency.markdown, "Latency"),
    "limits": (limits.markdown, "Depth"),
    "hosts": (hosts.markdown, "Other software"),
    "adapters": (adapters.markdown, "Stores, caches and queues"),
    "messages": (messages.markdown, "Messages between processes"),
    "cluster": (cluster.markdown, "Dask"),
}
KINDS = ("speed", *SECTIONS)


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
    versions = [document["host"]["python"] for document in documents]
    for document, version in zip(documents, versions, strict=True):
        label = document.get("label", "") if versions.count(version) > 1 else ""
        header += [f"{direction} {version} {label}".rstrip() for direction in DIRECTIONS]
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


def provenance(document):
    """Return the line that says where and how ratios were measured."""
    rounds = f"{document['rounds']} rounds of {document['seconds_per_round'] * 1000:g} ms or more"
    return f"- {place(document)}; {rounds}."


def markdown(documents):
    """Return the report on ratios."""
    blocks = [
        "\n".join(provenance(document) for document in documents),
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


def folded(document):
    """Return the section of another command's document, folded as it is long."""
    show, title = SECTIONS[document["kind"]]
    heading = f"<summary>{title}, {document['host']['python']}</summary>"
    return f"<details>\n{heading}\n\n{show(document)}\n\n</details>"


def whole_report(documents, chart=None):
    """Return the report on all documents: ratios first, then what else was measured, in the order of `SECTIONS`.

    Args:
        chart: The path of the chart as the report has to name it.
    """
    speed = [document for document in documents if document["kind"] == "speed"]
    blocks = [f"![times as fast as the standard library's pickle]({chart})"] if chart else []
    blocks += [markdown(speed)] if speed else []
    for kind in SECTIONS:
        blocks += [folded(document) for document in documents if document["kind"] == kind]
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
        ValueError: It is not one that these commands write.
    """
    document = json.loads(Path(name).read_text())
    if not isinstance(document, dict) or not {"host", "results"} <= document.keys():
        raise ValueError(f"{name} was not written by a command of this folder")
    document.setdefault("kind", "speed")
    if document["kind"] not in KINDS:
        raise ValueError(f"{name} holds {document['kind']}, of which there is no report")
    return document


def draw(documents, name):
    """Draw the ratios of all documents that hold some.

    Raises:
        ValueError: None does.
    """
    speed = [document for document in documents if document["kind"] == "speed"]
    if not speed:
        raise ValueError("--plot draws what compare.py wrote: none of these files")
    groups = {}
    for document in speed:
        results = results_of(document)
        label = " ".join(filter(None, (document["host"]["python"], document.get("label"))))
        groups[label] = [results[key] for key in in_order(results)]
    plot.draw(groups, name, "\n".join(place(document) for document in speed))


def write(path, report):
    """Put a report between the markers of a file, which is replaced at once."""
    text = insert(path.read_text(encoding="utf-8"), report)
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE.json",
        help="those of compare.py in the order of the columns, and any others",
    )
    parser.add_argument(
        "--readme", metavar="FILE.md", help="put the report between its markers; else print it"
    )
    parser.add_argument(
        "--plot", metavar="FILE.svg", help="draw the ratios, and let the report show the chart"
    )
    options = parser.parse_args()
    try:
        documents = [read(name) for name in options.files]
        chart = None
        if options.plot:
            plot.require(options.plot)
            draw(documents, options.plot)
            chart = Path(os.path.relpath(options.plot, Path(options.readme or ".").parent)).as_posix()
        report = whole_report(documents, chart)
        if options.readme:
            write(Path(options.readme), report)
        else:
            print(report)
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
