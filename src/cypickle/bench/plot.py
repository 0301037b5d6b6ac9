"""The chart of ratios, drawn by matplotlib so that it reads on light and on dark pages."""

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cypickle.bench.measure import Result

# Middle tones have contrast on white and on black alike; the background stays transparent.
TEXT = "#808080"
FASTER = ("#3b82d0", "#2a9d8f", "#9a6fd0", "#b8860b")
SLOWER = "#d0603b"
DIRECTIONS = ("dumps", "loads")
#: Text stays text, which is small and can be searched; nothing in the file depends on the time or on chance.
SVG: Any = {"svg.fonttype": "none", "svg.hashsalt": "cypickle"}


def require(name: str) -> None:
    """Make sure that a chart can be drawn into that file before anything is measured.

    Raises:
        ValueError: matplotlib is missing, or the suffix is not of a chart; the message is for the user.
    """
    if Path(name).suffix.lower() not in (".png", ".svg"):
        raise ValueError(f"--plot draws .png and .svg files, not {name}")
    if find_spec("matplotlib") is None:
        raise ValueError("--plot needs matplotlib: pip install 'cypickle[bench]'")


def draw(groups: Mapping[str, Sequence[Result]], name: str, title: str) -> None:
    """Draw how many times as fast as the stdlib each workload is, dumps and loads side by side.

    Args:
        groups: Results by the label of the interpreter; each workload has one bar for each.
        name: The file to write, .svg or .png.
        title: Stands above, in as many lines as it has.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    by_name = {label: {item.name: item for item in results} for label, results in groups.items()}
    names = list(dict.fromkeys(key for results in by_name.values() for key in results))
    names = [key for key in names if any(timed(results.get(key)) for results in by_name.values())]
    height = 1.4 + (0.14 + 0.14 * len(groups)) * max(4, len(names)) + 0.14 * title.count("\n")
    figure = Figure(figsize=(11, height), layout="constrained")
    for place, direction in enumerate(DIRECTIONS, start=1):
        axes = figure.add_subplot(1, 2, place)
        draw_bars(axes, by_name, names, direction)
        axes.set_yticks(range(len(names)), names if place == 1 else [""] * len(names))
        if place == 1 and len(groups) > 1:
            axes.legend(loc="lower right", frameon=False, labelcolor=TEXT, fontsize=8)
    figure.suptitle(title, color=TEXT, fontsize=8)
    with rc_context(SVG):
        metadata = {"Date": None} if name.lower().endswith(".svg") else None
        figure.savefig(name, transparent=True, dpi=150, metadata=metadata)


def timed(result: Result | None) -> bool:
    """Return whether there is a ratio to draw."""
    return result is not None and bool(result.dumps and result.loads)


def draw_bars(
    axes: Any, by_name: Mapping[str, Mapping[str, Result]], names: Sequence[str], direction: str
) -> None:
    """Draw one direction: bars to the right of 1 are faster, those to the left are losses and have their colour."""
    thickness = 0.8 / len(by_name)
    every = [1.0]
    for n, (label, results) in enumerate(by_name.items()):
        ratios = [results[key].ratio(direction) if timed(results.get(key)) else math.nan for key in names]
        every += (value for value in ratios if not math.isnan(value))
        colour = FASTER[n % len(FASTER)]
        bars = axes.barh(
            [row + (n + 0.5) * thickness - 0.4 for row in range(len(names))],
            [value - 1 for value in ratios],
            height=thickness * 0.9,
            left=1,
            color=[SLOWER if value < 1 else colour for value in ratios],
        )
        axes.barh([0], [0], color=colour, label=label)
        texts = ["" if math.isnan(value) else f"{value:.2f}" for value in ratios]
        axes.bar_label(bars, labels=texts, padding=3, color=TEXT, fontsize=7)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, place: f"{value:g}")
    axes.axvline(1, color=TEXT, linewidth=1)
    axes.set_xlim(min(every) / 1.5, max(every) * 1.5)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_title(direction, color=TEXT)
    axes.set_xlabel("times as fast as the stdlib's pickle", color=TEXT)
    axes.tick_params(colors=TEXT, which="both")
    axes.set_facecolor("none")
    for edge, spine in axes.spines.items():
        spine.set_visible(edge in ("left", "bottom"))
        spine.set_color(TEXT)
