"""Results as lines of JSON in one file, to which several processes append; a line is there whole or not at all."""

from __future__ import annotations

import fcntl
import json
import math
import os
from pathlib import Path
from typing import Any

from logah.evaluation.zero_shot import Score

Record = dict[str, Any]


class RecordFile:
    """The lines of one file; each has a `kind` and a `key` that says what was run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = (-1, -1)
        self._records: list[Record] = []

    def read(self) -> list[Record]:
        """All records, oldest first. A last line that was cut off is left out."""
        if not self.path.exists():
            return []
        status = self.path.stat()
        seen = (status.st_mtime_ns, status.st_size)
        if seen != self._seen:
            self._records = [json.loads(line) for line in self.path.read_text().split("\n")[:-1] if _is_whole(line)]
            self._seen = seen
        return self._records

    def finished(self) -> set[str]:
        """The keys of everything that is finished."""
        return {record["key"] for record in self.read() if "key" in record}

    def append(self, record: Record) -> None:
        """Adds a line, under a lock."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            cut = b""
            if file.seek(0, os.SEEK_END) > 0:
                file.seek(-1, os.SEEK_END)
                # A process that was killed left half a line: it ends here.
                cut = b"" if file.read(1) == b"\n" else b"\n"
            file.write(cut + json.dumps(record, allow_nan=False).encode() + b"\n")


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def score_json(score: Score) -> Record:
    """A loss that is not finite is null: JSON has no infinity."""
    loss = round(score.loss, 5) if math.isfinite(score.loss) else None
    return {"loss": loss, "accuracy": round(score.accuracy, 5)}


def curve_json(curve: list[tuple[int, Score]]) -> list[list[float | None]]:
    """Rows of step, loss and accuracy."""
    return [[step, *score_json(score).values()] for step, score in curve]
