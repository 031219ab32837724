"""Times `predict` and `state_dict` by NumPy, in a process that has no torch, and prints seconds.

    python python/bench/without_torch.py CONFIG.json HOST:PORT [--rounds 3]

A state dict is held whole; of `predict` every array is dropped as the next one comes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

# `state_dict` would give torch's tensors.
sys.modules["torch"] = None  # type: ignore[assignment]

import logah  # noqa: E402


def main() -> None:
    """Prints one JSON object: seconds by way, a list of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("config")
    parser.add_argument("server")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {}
    with logah.connect(arguments.server) as client:

        def timed(name: str, way: Callable[[], object]) -> None:
            start = time.perf_counter()
            made = way()
            seconds.setdefault(name, []).append(time.perf_counter() - start)
            del made

        client.plan(arguments.config, representation="core")
        for _ in range(arguments.rounds):
            for representation in ("dense", "factors", "core"):
                options = {"seed": 1, "representation": representation}

                def drained(options: dict[str, object] = options) -> None:
                    for _, _ in client.predict(arguments.config, **options):  # type: ignore[arg-type]
                        pass

                timed(f"predict {representation}", drained)
                timed(
                    f"state_dict {representation}",
                    lambda options=options: client.state_dict(arguments.config, progress=False, **options),  # type: ignore[misc]
                )
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
