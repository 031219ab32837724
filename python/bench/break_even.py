"""What a hypernetwork's own training would buy, spent on the targets instead: the rival that the paper calls compute.

Usage: python python/bench/break_even.py bench/results --out bench/results/break-even.json

Of each network of the long comparisons: how far `default` has to be trained to be where the prediction is before
its first step, what that takes, and for how many targets the hypernetwork's seconds are then spent. Seconds are those
of the runs, with what their curves took, on machines that were shared and not all alike: right to a factor of three.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from logah.evaluation.comparison.results import Network, Results

#: Results of long runs, and the model whose start they have.
LONG = {
    "compare-gpt2-long.jsonl": "logah-tiny-gpt2-kjv",
    "compare-vit-long.jsonl": "logah-tiny-vit-fashion",
}


def training_seconds(training: Mapping[str, Any] | None) -> float:
    """Of a model and of all that it was trained on from."""
    return 0.0 if training is None else training["seconds"] + training_seconds(training.get("start_from"))


def break_even(results: Results, network: Network, hypernetwork_seconds: float) -> dict[str, Any] | None:
    """What one network says; None where `default` or the prediction has no result."""
    epochs = results.full_epochs(network)
    runs = [r for r in results.of_kind("run") if _is(r, network, "default") and r["epochs"] == epochs]
    untrained = [r for r in results.of_kind("untrained") if _is(r, network, "predicted")]
    if not runs or not untrained:
        return None
    predicted = results.value(untrained[0]["zero_shot"])
    curve = results.curve(network, "default", epochs)
    last = max(curve)
    seconds_a_step = min(run["seconds"] / run["steps"] for run in runs)
    steps = next((step for step, value in curve.items() if not results.metric.better(predicted, value)), math.inf)
    share = results.share_of_steps(network, results.candidate)
    saved = None if share is None or math.isinf(share) else (1 - share) * last * seconds_a_step
    return {
        "network": network.name,
        "candidate": results.candidate,
        "default_seconds_a_step": round(seconds_a_step, 4),
        "predicted_before_the_first_step": round(predicted, 2),
        "default_steps_to_that": steps if math.isfinite(steps) else None,
        "targets_of_that_until_even": _targets(hypernetwork_seconds, steps * seconds_a_step),
        "steps_of_a_tenth_of_the_hypernetwork": round(hypernetwork_seconds / 10 / seconds_a_step),
        "default_steps": last,
        "default_at_their_end": round(results.mean(network, "default", epochs) or math.nan, 2),
        "candidate_share_of_those_steps": share if saved is not None else None,
        "targets_of_long_runs_until_even": None if saved is None else _targets(hypernetwork_seconds, saved),
    }


def _is(record: Mapping[str, Any], network: Network, label: str) -> bool:
    return bool(
        record["group"] == network.group and record["network"] == network.name and record["initialisation"] == label
    )


def _targets(hypernetwork_seconds: float, saved_seconds: float) -> int | None:
    """How many targets that save so much take as long as the hypernetwork; None where nothing is saved."""
    if not 0 < saved_seconds < math.inf:
        return None
    return math.ceil(hypernetwork_seconds / saved_seconds)


def main() -> None:
    """Writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    families = []
    for name, model in LONG.items():
        path = arguments.results / name
        results = Results([json.loads(line) for line in path.read_text().splitlines()])
        seconds = training_seconds(json.loads((arguments.results / f"{model}.json").read_text()))
        rows = [break_even(results, network, seconds) for network in results.networks(results.main_groups)]
        found = [row for row in rows if row is not None]
        families.append({"model": model, "hypernetwork_seconds": seconds, "networks": found})
    arguments.out.write_text(json.dumps(families, indent=2) + "\n")


if __name__ == "__main__":
    main()
