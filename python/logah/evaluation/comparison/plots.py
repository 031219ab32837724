"""Curves of the report as SVG; the same results give the same bytes. Needs matplotlib (the extra `plots`)."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from logah.evaluation.comparison.results import Network, Results

FIGURE_SIZE = (11.0, 4.2)


def plot_curves(results: Results, path: Path) -> None:
    """Score over steps of every initialisation, for the first network of each main group whose full budget was run."""
    # No random names in the file.
    matplotlib.rcParams["svg.hashsalt"] = "logah"
    shown = [
        network
        for group in results.main_groups
        for network in [n for n in results.networks([group]) if results.curve(n, "default", results.full_epochs(n))][:1]
    ]
    figure = Figure(figsize=FIGURE_SIZE)
    if shown:
        panels = figure.subplots(1, len(shown), squeeze=False)[0]
        for axes, network in zip(panels, shown, strict=True):
            _panel(axes, results, network)
        panels[0].legend(fontsize=7)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})


def _panel(axes: Axes, results: Results, network: Network) -> None:
    epochs = results.full_epochs(network)
    for number, label in enumerate(results.labels):
        curve = results.curve(network, label, epochs)
        if not curve or label == "compute":
            continue
        style = "-" if label.startswith("predicted") else "--"
        width = 2.2 if label == results.candidate else 1.2
        axes.plot(list(curve), list(curve.values()), style, color=f"C{number}", linewidth=width, label=label)
    title = f"{network.group}: {network.name}, {network.parameters:,} parameters"
    axes.set(xlabel="steps", ylabel=results.metric.title, title=title)
    if results.metric.sign < 0:
        axes.set_yscale("log")
    axes.title.set_fontsize(9)
    axes.grid(alpha=0.3)
