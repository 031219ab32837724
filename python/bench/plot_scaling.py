"""Draws the plot of docs/scaling.md from the figures of bench/herd.ts.

python python/bench/plot_scaling.py bench/results/herd.json docs/images/scaling.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

FORMS = ("dense", "factors", "cores")


def main() -> None:
    """Seconds until the last rank is done against replicas: a plot for each form, a line for each number of ranks."""
    source, target = map(Path, sys.argv[1:])
    result = json.loads(source.read_text())
    matplotlib.rcParams["svg.hashsalt"] = "logah"
    figure = Figure(figsize=(11.0, 3.6), layout="constrained")
    for form, axes in zip(FORMS, figure.subplots(1, len(FORMS), sharey=True), strict=True):
        runs = [run for run in result["model"] if run["form"] == form]
        for ranks in sorted({run["ranks"] for run in runs}):
            points = [run for run in runs if run["ranks"] == ranks]
            axes.plot(
                [run["replicas"] for run in points],
                [run["seconds"] for run in points],
                "o-",
                markersize=3,
                label=f"{ranks:,} ranks",
            )
        axes.axhline(result["goalSeconds"], color="tab:gray", linewidth=1, linestyle="--")
        axes.set(title=form, xlabel="replicas", xscale="log", yscale="log")
    figure.axes[0].set_ylabel("seconds until the last rank is done")
    figure.axes[-1].legend(fontsize="small")
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main()
