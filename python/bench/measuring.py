"""A server of its own to measure, and what processes have used."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def served(models: Path) -> Iterator[tuple[str, int]]:
    """The address and the process number of a server of its own."""
    command = ["node", str(ROOT / "dist/cli/main.js"), "serve", "--address", "127.0.0.1:0", "--models", str(models)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        for line in server.stdout:
            entry = json.loads(line)
            if entry["msg"] == "listening":
                break
        # Its log must not fill the pipe.
        subprocess.Popen(["cat"], stdin=server.stdout, stdout=subprocess.DEVNULL)
        yield f"127.0.0.1:{entry['port']}", server.pid
    finally:
        server.terminate()
        server.wait()


def cpu_seconds(pid: int) -> float:
    """Of a process and its threads, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_bytes(pid: int | str = "self") -> int:
    """The largest resident memory of a process so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def reset_peak() -> int:
    """Begins the count of the largest resident memory anew; what is resident now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}
