"""The fuzzing harness of tests/fuzz: its stored inputs, and a short run of its mutations."""

from pathlib import Path

from processes import run_python

HARNESS = Path(__file__).parent / "fuzz" / "harness.py"
STORED = """
import sys
sys.path.insert(0, {folder!r})
import harness
for name, data in harness.stored().items():
    try:
        harness.TestOneInput(data)
    except Exception as error:
        print(name, repr(error)[:300])
print(len(harness.stored()))
"""


def test_stored_inputs():
    """Corpus and regressions: each finding of a fuzzer is kept in fuzz/regressions."""
    run = run_python("-W", "ignore", "-c", STORED.format(folder=str(HARNESS.parent)), seconds=600)
    *failures, count = run.stdout.splitlines() or ["", "0"]
    assert (failures, run.returncode) == ([], 0), run.stderr
    assert int(count) > 500


def test_mutations(budget, tmp_path):
    seconds = budget(5, 120)
    run = run_python(
        "-W", "ignore", str(HARNESS), "--seconds", str(seconds), "--findings", str(tmp_path), seconds=600
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert " 0 findings" in run.stdout


def test_findings_are_reported(tmp_path, monkeypatch, capsys):
    """What an input raises is a finding, kept under a name."""
    monkeypatch.syspath_prepend(str(HARNESS.parent))
    import harness

    def fail(data):
        raise AssertionError("found")

    monkeypatch.setattr(harness, "TestOneInput", fail)
    executions, found = harness.run(0.05, 1, tmp_path)
    assert executions == found > 0
    assert "AssertionError: found" in capsys.readouterr().out
    assert {path.suffix for path in tmp_path.iterdir()} == {".txt"}
