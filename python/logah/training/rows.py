"""The CSV files of a run, a row a step."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

LOG, VALIDATION = "log.csv", "validation.csv"


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Adds a line to a CSV file, and the header where it is the first."""
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def drop_rows_after(path: Path, step: int) -> None:
    """Takes the rows of later steps out of a CSV file: a run that goes on from `step` writes them again."""
    if not path.exists():
        return
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        csv.writer(file).writerows([header, *(row for row in rows if int(row[header.index("step")]) <= step)])
    partial.replace(path)
