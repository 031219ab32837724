"""Draws the plot of docs/aligned-decoder.md from the ablation's figures.

python python/bench/plot_ablation.py bench/results/aligned-decoder.json docs/images/aligned-decoder.svg
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure


def plot(content: dict[str, Any], path: Path) -> None:
    """Accuracy against width, a line a variant; bars span the seeds."""
    variants = list(dict.fromkeys(run["variant"] for run in content["runs"]))
    figure = Figure(figsize=(8.0, 4.2), layout="constrained")
    axes = figure.subplots()
    for variant in variants:
        runs = [run["networks"] for run in content["runs"] if run["variant"] == variant]
        widths = [network["width"] for network in runs[0]]
        columns = [[100 * networks[at]["accuracy"] for networks in runs] for at in range(len(widths))]
        means = [statistics.fmean(column) for column in columns]
        below = [mean - min(column) for mean, column in zip(means, columns, strict=True)]
        above = [max(column) - mean for mean, column in zip(means, columns, strict=True)]
        axes.errorbar(range(len(widths)), means, yerr=[below, above], marker="o", capsize=3, label=variant)
    labels = {64: "64\ntrained", 256: "256\nwider than any"}
    axes.set_xticks(range(len(widths)), [labels.get(width, f"{width}\nheld out") for width in widths])
    axes.set(xlabel="width", ylabel="zero-shot accuracy, %", ylim=(0, None))
    axes.set_title(f"After {content['settings']['steps']} steps; mean and range of {len(runs)} seeds")
    axes.legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})


def table(content: dict[str, Any]) -> str:
    """Mean and standard deviation of accuracy over the seeds, in per cent, a row a variant; the likeness of layers."""
    widths = [network["width"] for network in content["runs"][0]["networks"]]
    lines = [
        "| Variant | " + " | ".join(f"Width {width}" for width in widths) + " | Likeness |",
        "| --- | " + "--- | " * (len(widths) + 1),
    ]
    for variant in dict.fromkeys(run["variant"] for run in content["runs"]):
        runs = [run for run in content["runs"] if run["variant"] == variant]
        cells = []
        for at in range(len(widths)):
            values = [100 * run["networks"][at]["accuracy"] for run in runs]
            cells.append(f"{statistics.fmean(values):.1f} ± {statistics.pstdev(values):.1f}")
        likeness = statistics.fmean(run["likeness_between_layers"] for run in runs)
        lines.append(f"| {variant} | " + " | ".join(cells) + f" | {likeness:.3f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    matplotlib.rcParams["svg.hashsalt"] = "logah"
    results = json.loads(Path(sys.argv[1]).read_text())
    plot(results, Path(sys.argv[2]))
    print(table(results))
