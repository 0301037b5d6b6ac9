"""Every command of this folder runs, in small, and what it writes makes a report."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.util import find_spec
from pathlib import Path

import pytest

import ab
import adapters
import cluster
import common
import compare
import cypickle
import floors
import hosts
import latency
import limits
import memory
import messages
import report
import scaling
from cypickle.bench.workloads import all_workloads
from targets import TARGETS, target

WORDS = {
    compare: ["--rounds", "2", "--seconds", "0.0001", "--filter", "small_", "--no-peers"],
    floors: ["--rounds", "2", "--seconds", "0.0001", "--filter", "small_dict"],
    scaling: ["--to", "1000", "--shape", "strs"],
    memory: ["--filter", "instance_list"],
    latency: ["--processes", "1", "--count", "1000"],
    limits: ["--shape", "list", "--most", "2000"],
    hosts: ["--rounds", "1", "--count", "10"],
    adapters: ["--rounds", "1", "--host", "shelve", "--host", "logging"],
    messages: ["--rounds", "1", "--megabytes", "1", "--messages", "10"],
    cluster: ["--rounds", "1", "--tasks", "2", "--records", "10000", "--megabytes", "100"],
}
KINDS = dict(zip(WORDS, report.KINDS, strict=True))
NEEDS = {hosts: ("dill", "cloudpickle", "joblib"), messages: ("numpy",), cluster: ("distributed",)}


def missing(module):
    """Which packages a command lacks here."""
    return [name for name in NEEDS.get(module, ()) if find_spec(name) is None]


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """The file and the document that each command wrote, by its module."""
    folder = tmp_path_factory.mktemp("documents")
    made = {}
    for module, words in WORDS.items():
        if missing(module):
            continue
        path = folder / f"{module.__name__}.json"
        command = [sys.executable, module.__file__, *words, "--out", str(path)]
        run = subprocess.run(command, env=common.environment(), capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        made[module] = (path, json.loads(path.read_text()), run.stdout)
    return made


@pytest.fixture
def checkout(tmp_path):
    """A folder like a checkout that is built: it holds the package that is tested."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "setup.py").touch()
    (folder / "src").symlink_to(Path(cypickle.__file__).parent.parent)
    return folder


@pytest.mark.parametrize("command", WORDS, ids=lambda command: command.__name__)
def test_each_command_says_what_was_measured_and_where(documents, command):
    if missing(command):
        pytest.skip(f"{', '.join(missing(command))} not installed: see the extra `hosts`")
    _, made, printed = documents[command]
    assert made["kind"] == KINDS[command]
    assert made["host"]["python"] == sys.version.split()[0].rstrip("+")
    assert made["results"]
    assert report.provenance(made) in printed if command is compare else common.provenance(made) in printed
    assert "| --- |" in printed


def test_the_range_is_measured_on_all_sides(documents):
    points = [scaling.Point(**item) for item in documents[scaling][1]["results"]]
    assert [(point.direction, point.side) for point in points] == [
        (direction, side) for direction in ("dumps", "loads") for side in scaling.sides()
    ]
    assert all(point.count == 1000 and 0 < point.seconds < 10 and point.peak >= 0 for point in points)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_peak_of_a_call_is_what_the_process_grows_by():
    assert scaling.peak_of(lambda: b"x" * 50_000_000) == pytest.approx(50_000_000, rel=0.05)


def test_memory_of_a_call_is_told_apart():
    argument = []

    def call():
        argument.append(bytes(300_000))
        bytearray(2_000_000)
        return bytes(1_000_000)

    memory.tracemalloc.start()
    try:
        use = memory.use_of(call)
    finally:
        memory.tracemalloc.stop()
    assert use.result == pytest.approx(1_000_000, abs=10_000)
    assert use.growth == pytest.approx(300_000, abs=10_000)
    assert use.beyond == pytest.approx(1_300_000, abs=10_000)


def test_memory_shows_instances_and_peaks(documents):
    _, made, printed = documents[memory]
    rows = [memory.read(item) for item in made["results"]]
    row = next(row for row in rows if row.name == "instance_list")
    assert row.count == 2000
    assert all(row.loads[side].result > 100 * row.count for side in common.SIDES)
    assert all(row.dumps[side].result > 20 * row.count for side in common.SIDES)
    assert printed.count("| `instance_list` |") == 2


def test_every_call_answers_an_interrupt(documents):
    results = documents[latency][1]["results"]
    assert [row["import"] for row in results["imports"]] == list(latency.IMPORTS)
    assert all(0 < row["fastest"] <= row["median"] for row in results["imports"])
    assert len(results["interrupts"]) == len(latency.SHAPES) * 4
    assert all(row["takes"] > 0 and row["answers"] > 0 for row in results["interrupts"])


def test_the_limits_of_all_versions_make_one_table(documents, tmp_path):
    file, made, _ = documents[limits]
    path = tmp_path / "README.md"
    path.write_text(f"before\n{limits.BEGIN}\nstale\n{limits.END}\nafter\n")
    command = [sys.executable, limits.__file__, str(file), str(file), "--readme", str(path)]
    subprocess.run(command, env=common.environment(), check=True)
    text = path.read_text()
    assert text.startswith(f"before\n{limits.BEGIN}\n{common.provenance(made)}\n")
    assert text.endswith(f"|\n{limits.END}\nafter\n")
    assert text.count(f"| {made['host']['python']} | list | ") == 2
    assert made["results"][0]["pickle, default"][1] == limits.REFUSED
    assert made["results"][0]["cypickle, raised"] == [2000, limits.DONE]


def test_two_checkouts_are_compared(checkout, tmp_path):
    path = tmp_path / "ab.json"
    words = [str(checkout), str(checkout), "small_dict", "--processes", "2", "--rounds", "2"]
    command = [sys.executable, ab.__file__, *words, "--seconds", "0.0001", "--out", str(path)]
    run = subprocess.run(command, env=common.environment(), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    made = json.loads(path.read_text())
    assert [(item["name"], item["direction"]) for item in made["results"]] == [
        ("small_dict", "dumps"),
        ("small_dict", "loads"),
    ]
    assert all(len(item["a"]) == len(item["b"]) == 2 for item in made["results"])
    assert "| `small_dict` loads |" in run.stdout


def test_another_package_than_the_one_asked_for_is_refused(tmp_path):
    with pytest.raises(RuntimeError, match=r"was measured instead of|No module named"):
        ab.run(tmp_path, ["small_dict"], 1, 0.0001)


def test_the_ratio_of_a_pair_is_that_of_neighbours():
    pair = ab.Pair("ints", "dumps", [2.0, 3.0], [1.0, 2.0])
    assert pair.ratios == [2.0, 1.5]


@pytest.mark.skipif(common.git("rev-parse", "HEAD") is None, reason="this is no git repository")
def test_a_revision_is_taken_out_of_git(tmp_path):
    ab.unpack("HEAD", tmp_path)
    assert (tmp_path / "setup.py").is_file()
    with pytest.raises(ValueError, match="cannot take no-such-revision out of git"):
        ab.unpack("no-such-revision", tmp_path)


def test_a_build_runs_in_the_checkout_and_its_failure_is_told(tmp_path):
    (tmp_path / "setup.py").write_text("import sys\nopen('built', 'w').write(sys.argv[-1])\n")
    ab.build(tmp_path)
    assert (tmp_path / "built").read_text() == "--inplace"
    (tmp_path / "setup.py").write_text("raise SystemExit('no compiler')\n")
    with pytest.raises(ValueError, match="no compiler"):
        ab.build(tmp_path)


def test_a_failing_child_says_why():
    with pytest.raises(RuntimeError, match="not enough values"):
        common.child("scaling.py", "--one", "strs")


def readme(folder):
    path = folder / "README.md"
    path.write_text(f"before\n{report.BEGIN}\nstale\n{report.END}\nafter\n")
    return path


def run_report(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["report.py", *map(str, words)])
    report.main()


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed")
def test_the_report_shows_every_document_and_the_chart(documents, tmp_path, monkeypatch):
    path = readme(tmp_path)
    (tmp_path / "charts").mkdir()
    chart = tmp_path / "charts" / "results.svg"
    files = [file for file, _, _ in documents.values()]
    run_report(monkeypatch, *files, "--readme", path, "--plot", chart)
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "stale" not in text
    assert "](charts/results.svg)" in text
    shown = [title for kind, (_, title) in report.SECTIONS.items() if kind in map(KINDS.get, documents)]
    places = [text.index(f"<summary>{title}, ") for title in shown]
    assert places == sorted(places)
    words = "".join(ElementTree.parse(chart).getroot().itertext())
    assert "small_dict" in words
    assert "small_instance" in words
    first = chart.read_bytes()
    run_report(monkeypatch, *files, "--readme", path, "--plot", chart)
    assert chart.read_bytes() == first


def test_old_documents_are_ratios(documents, tmp_path):
    made = dict(documents[compare][1])
    del made["kind"]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(made))
    assert report.read(path)["kind"] == "speed"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"host": {}, "results": [], "kind": "weather"}', "weather, of which there is no report"),
        ("[]", "was not written by a command"),
    ],
)
def test_other_files_are_refused(tmp_path, monkeypatch, text, message):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(SystemExit, match=message):
        run_report(monkeypatch, path)


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed")
def test_a_chart_needs_ratios(documents, tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"--plot draws what compare\.py wrote"):
        run_report(monkeypatch, documents[memory][0], "--plot", tmp_path / "results.svg")


def test_targets_are_of_workloads_that_exist():
    assert TARGETS.keys() <= {item.name for item in all_workloads()}
    assert target("floats", "dumps", (3, 11)) == target("floats", "dumps", (3, 14)) == 12
    assert target("floats", "dumps", (3, 15)) == 9
    assert target("floats", "loads", (3, 15)) == 2.1
    assert target("bytes_10mb", "loads", (3, 11), big=True) == 1
    assert target("email_message", "loads", (3, 11)) is None
