"""Plots what a predicted start is worth: the longest common run of the first network of each family, as SVG.

Usage: python python/bench/plot_gain.py bench/results docs/images/gain.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from logah.evaluation.comparison.results import Network, Results

#: What the README compares, and how it is drawn.
STARTS = {
    "predicted": ("predicted", "#8250df", "-", 2.4),
    "predicted+blend=0.3": ("predicted, strength 0.3, base 1", "#bf3989", "-", 2.4),
    "default": ("default", "#57606a", "--", 1.3),
    "orthogonal": ("orthogonal", "#bc4c00", "--", 1.3),
    "mimetic": ("mimetic", "#1a7f37", "--", 1.3),
    "torchtitan": ("torchtitan", "#0969da", "--", 1.3),
}
#: With the range of the axis: of long runs that in which they end.
PANELS = (
    ("compare-vit.jsonl", "in_range", "ViT, 250 steps", None),
    ("compare-vit-long.jsonl", "long", "ViT, five whole epochs", (80, 90.5)),
    ("compare-gpt2.jsonl", "in_range", "GPT-2, 250 steps", None),
    ("compare-gpt2-long.jsonl", "long", "GPT-2, 3,000 steps", (15, 50)),
)


def main(directory: Path, path: Path) -> None:
    """Draws a panel each for the short and the long run of both families."""
    # No random names in the file.
    matplotlib.rcParams["svg.hashsalt"] = "logah"
    figure = Figure(figsize=(13.0, 3.4))
    for axes, (name, group, title, limits) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        records = [json.loads(line) for line in (directory / name).read_text().splitlines()]
        results = Results(records)
        network = results.networks([group])[0]
        _panel(axes, results, network)
        axes.set_title(title, fontsize=10)
        if limits is not None:
            axes.set_ylim(*limits)
            axes.yaxis.set_minor_formatter(ScalarFormatter())
    for axes in (figure.axes[0], figure.axes[-1]):
        axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})


def _panel(axes: Axes, results: Results, network: Network) -> None:
    epochs = results.full_epochs(network)
    for label, (name, colour, style, width) in STARTS.items():
        curve = results.curve(network, label, epochs)
        if curve:
            axes.plot(list(curve), list(curve.values()), style, color=colour, linewidth=width, label=name)
    axes.set(xlabel="steps", ylabel=results.metric.title)
    if results.metric.sign < 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.grid(alpha=0.3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
