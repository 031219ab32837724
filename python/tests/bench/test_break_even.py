"""For how many targets a hypernetwork's own training is earned."""

from __future__ import annotations

from typing import Any

import pytest

from bench.break_even import break_even, training_seconds
from logah.evaluation.comparison.results import Results

NETWORK = {"width": 32, "layers": 2, "context": 64, "heads": 4}
RUN = {
    "family": "gpt2",
    "group": "long",
    "network": "w32-l2-c64-h4",
    "parameters": 1,
    "hypernetwork": None,
    "epochs": 2.0,
    "steps": 200,
    "seed": 0,
}


def records(default_losses: list[float], candidate_losses: list[float]) -> list[dict[str, Any]]:
    """Of two runs of 200 steps, curves every 50 steps; the prediction's loss is 3."""

    def run(kind: str, label: str, losses: list[float], seed: int, rate: float | None = 1e-3) -> dict[str, Any]:
        return {
            **RUN,
            "kind": kind,
            "key": f"{kind}/{label}",
            "initialisation": label,
            "seed": seed,
            "learning_rate": rate,
            "curve": [[50 * index, loss, 0.0] for index, loss in enumerate(losses)],
            "final": {"loss": losses[-1], "accuracy": 0.0},
            "zero_shot": {"loss": losses[0], "accuracy": 0.0},
            "seconds": 20.0,
        }

    return [
        {
            "kind": "plan",
            "candidate": "predicted+blend=0.3",
            "data": "kjv",
            "full_epochs": 2.0,
            "tuning": {"epochs": [2.0], "rates": [1e-3], "seed": 100},
            "groups": {
                "long": {
                    "networks": [NETWORK],
                    "representative": NETWORK,
                    "rates_of": None,
                    "data": None,
                    "full_epochs": None,
                    "transfer": False,
                }
            },
        },
        run("try", "default", default_losses, 100),
        run("try", "predicted+blend=0.3", candidate_losses, 100),
        run("run", "default", default_losses, 0),
        run("run", "predicted+blend=0.3", candidate_losses, 0),
        run("untrained", "predicted", [3.0], 100, None),
    ]


def test_it_is_earned_after_as_many_targets_as_take_its_seconds() -> None:
    results = Results(records([7.0, 4.0, 3.0, 2.5, 2.0], [5.0, 3.0, 2.0, 1.9, 1.8]))
    row = break_even(results, results.networks(["long"])[0], hypernetwork_seconds=1000.0)
    assert row is not None
    # A tenth of a second a step: 100 steps are 10 seconds.
    assert (row["default_steps_to_that"], row["targets_of_that_until_even"]) == (100, 100)
    assert row["steps_of_a_tenth_of_the_hypernetwork"] == 1000
    # The candidate is there after half of the steps.
    assert (row["candidate_share_of_those_steps"], row["targets_of_long_runs_until_even"]) == (0.5, 100)


def test_where_nothing_is_saved_it_is_never_earned() -> None:
    results = Results(records([7.0, 6.0, 5.0, 4.0, 3.5], [5.0, 5.0, 5.0, 5.0, 5.0]))
    row = break_even(results, results.networks(["long"])[0], hypernetwork_seconds=1000.0)
    assert row is not None
    # Default was never as good as the prediction before its first step: there is no telling.
    assert row["default_steps_to_that"] is None
    assert row["targets_of_that_until_even"] is None
    assert row["targets_of_long_runs_until_even"] is None


def test_all_runs_of_a_model_count() -> None:
    assert training_seconds({"seconds": 1.0, "start_from": {"seconds": 2.0, "start_from": {"seconds": 4.0}}}) == 7.0


@pytest.mark.parametrize("missing", ["run/default", "untrained/predicted"])
def test_a_network_without_results_says_nothing(missing: str) -> None:
    kept = [r for r in records([7.0, 3.0], [5.0, 2.0]) if r.get("key") != missing]
    results = Results(kept)
    assert break_even(results, results.networks(["long"])[0], 1000.0) is None
