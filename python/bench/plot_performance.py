"""Draws the plots of docs/performance.md from the benchmark's figures.

    python python/bench/plot_performance.py bench/results/performance.json docs/images

writes performance-growth.svg and performance-streams.svg.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

FIGURE_SIZE = (9.0, 3.6)
MEGABYTE = 1e6


def plot_growth(growth: dict[str, Any], path: Path) -> None:
    """Seconds and the peaks of memory against parameters, one point a network."""
    points = growth["points"]
    billions = [point["parameters"] / 1e9 for point in points]
    figure = Figure(figsize=FIGURE_SIZE)
    left, right = figure.subplots(1, 2)
    seconds = [point["seconds"]["median"] for point in points]
    left.plot(billions, seconds, "o", color="tab:blue")
    slope = growth["secondsPerBillion"]
    middle = (sum(billions) / len(billions), sum(seconds) / len(seconds))
    ends = [0.0, max(billions)]
    left.plot(ends, [middle[1] + slope * (end - middle[0]) for end in ends], color="tab:gray", linewidth=1)
    left.set(xlabel="parameters, billions", ylabel="seconds", ylim=(0, None))
    left.set_title(f"Time: r² = {growth['rSquared']:.4f}")
    for name, key, color in (("server", "serverPeakBytes", "tab:red"), ("client", "clientPeakBytes", "tab:green")):
        right.plot(billions, [point[key] / MEGABYTE for point in points], "o-", color=color, label=name)
    right.set(xlabel="parameters, billions (logarithmic)", xscale="log", ylabel="peak memory, MB", ylim=(0, None))
    right.set_title("Memory")
    right.legend()
    save(figure, path)


def plot_streams(concurrency: list[dict[str, Any]], path: Path) -> None:
    """Throughput of all streams together, and the latency of health checks, against the number of streams."""
    streams = [str(entry["streams"]) for entry in concurrency]
    figure = Figure(figsize=FIGURE_SIZE)
    left, right = figure.subplots(1, 2)
    left.bar(streams, [entry["megabytesPerSecond"]["median"] for entry in concurrency], color="tab:blue")
    left.set(xlabel="streams at a time", ylabel="MB/s, all together", title="Throughput")
    for name, key, color in (("p99", "healthP99Ms", "tab:red"), ("p50", "healthP50Ms", "tab:green")):
        right.plot(streams, [entry[key] for entry in concurrency], "o-", color=color, label=name)
    right.set(xlabel="streams at a time", ylabel="milliseconds", title="Health checks meanwhile", ylim=(0, None))
    right.legend()
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """As SVG."""
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})


def main(results: Path, directory: Path) -> None:
    """Both plots."""
    # The same file each time: no date, no random names.
    matplotlib.rcParams["svg.hashsalt"] = "logah"
    figures = json.loads(results.read_text())
    directory.mkdir(parents=True, exist_ok=True)
    plot_growth(figures["growth"], directory / "performance-growth.svg")
    plot_streams(figures["concurrency"], directory / "performance-streams.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
