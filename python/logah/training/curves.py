"""A run's curves as a picture: loss, validation loss and learning rate over the steps."""

from __future__ import annotations

import csv
import importlib.util
import sys
from functools import cache
from pathlib import Path

from logah.training.rows import LOG, VALIDATION

PICTURE = "curves.png"


def draw_curves(directory: Path) -> Path | None:
    """Draws what the CSV files of the run's directory hold into `curves.png`; None where matplotlib is missing."""
    if not _has_matplotlib():
        return None
    from matplotlib.figure import Figure

    log, validation = _columns(directory / LOG), _columns(directory / VALIDATION)
    figure = Figure(figsize=(8, 6), layout="constrained")
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    losses.plot(log.get("step", []), log.get("loss", []), color="tab:blue", linewidth=0.8, label="training")
    if validation:
        losses.plot(
            validation["step"], validation["loss"], color="tab:orange", marker=".", label="validation, averaged weights"
        )
    losses.set_ylabel("loss")
    losses.legend()
    rates.plot(log.get("step", []), log.get("learning_rate", []), color="tab:green")
    rates.set_ylabel("learning rate")
    rates.set_xlabel("step")
    for axes in (losses, rates):
        axes.grid(alpha=0.3)
    partial = directory / f"{PICTURE}.partial"
    figure.savefig(partial, dpi=120, format="png")
    return partial.replace(directory / PICTURE)


@cache
def _has_matplotlib() -> bool:
    """Says so once where it is missing."""
    if importlib.util.find_spec("matplotlib") is not None:
        return True
    print(f"matplotlib is not installed, so no {PICTURE} is drawn: pip install matplotlib", file=sys.stderr)
    return False


def _columns(path: Path) -> dict[str, list[float]]:
    """The columns of a CSV file of numbers; none where the file is missing."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ())}
