"""The chart of ratios, drawn by matplotlib so that it reads on light and on dark pages."""

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from cypickle.bench.measure import Result

# Middle greys and blues have contrast on white and on black alike; the background stays transparent.
TEXT = "#808080"
FASTER = "#3b82d0"
SLOWER = "#d0603b"


def require(name: str) -> None:
    """Make sure that a chart can be drawn into that file before anything is measured.

    Raises:
        ValueError: matplotlib is missing, or the suffix is not of a chart; the message is for the user.
    """
    if Path(name).suffix.lower() not in (".png", ".svg"):
        raise ValueError(f"--plot draws .png and .svg files, not {name}")
    if find_spec("matplotlib") is None:
        raise ValueError("--plot needs matplotlib: pip install 'cypickle[bench]'")


def draw(results: Sequence[Result], name: str, title: str) -> None:
    """Draw how many times as fast as the stdlib each workload is, dumps and loads side by side."""
    from matplotlib.figure import Figure

    timed = [result for result in results if result.dumps and result.loads]
    figure = Figure(figsize=(11, 1.4 + 0.28 * max(4, len(timed))), layout="constrained")
    for place, direction in enumerate(("dumps", "loads"), start=1):
        axes = figure.add_subplot(1, 2, place)
        ratios = [result.ratio(direction) for result in timed]
        colours = [FASTER if value >= 1 else SLOWER for value in ratios]
        bars = axes.barh(range(len(timed)), ratios, color=colours)
        axes.bar_label(bars, labels=[f"{value:.1f}" for value in ratios], padding=3, color=TEXT, fontsize=8)
        axes.axvline(1, color=TEXT, linewidth=1, linestyle="--")
        axes.set_xlim(0, 1.15 * max([1.0, *(value for value in ratios if not math.isnan(value))]))
        axes.set_yticks(
            range(len(timed)), [result.name for result in timed] if place == 1 else [""] * len(timed)
        )
        axes.invert_yaxis()
        axes.set_title(direction, color=TEXT)
        axes.set_xlabel("times as fast as the stdlib's pickle", color=TEXT)
        axes.tick_params(colors=TEXT)
        axes.set_facecolor("none")
        for edge, spine in axes.spines.items():
            spine.set_visible(edge in ("left", "bottom"))
            spine.set_color(TEXT)
    figure.suptitle(title, color=TEXT, fontsize=8)
    figure.savefig(name, transparent=True, dpi=150)
