"""The report says of a small set of results what they say, and says it again byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from logah.__main__ import main
from logah.evaluation.comparison.bars import MEASURES, is_reached
from logah.evaluation.comparison.records import RecordFile
from logah.evaluation.comparison.report import render
from logah.evaluation.comparison.results import Network, Results
from logah.evaluation.comparison.tables import table

SIZES = {"width": 24, "layers": 1, "patch_size": 14, "heads": 3}
NAME = "w24-l1-p14-h3"
CANDIDATE = "predicted+noise=0.1"
PLAN: dict[str, Any] = {
    "kind": "plan",
    "model": "minute",
    "hypernetwork": "abc",
    "data": "fashion-mnist",
    "candidate": CANDIDATE,
    "batch_size": 16,
    "epoch_size": 64,
    "full_epochs": 5,
    "compute_factor": 2,
    "curve_limit": 1000,
    "tuning": {"epochs": [1, 10], "rates": [0.001, 0.01], "seed": 9},
    "groups": {
        "in_range": {
            "networks": [SIZES],
            "representative": SIZES,
            "rates_of": None,
            "data": None,
            "full_epochs": None,
            "transfer": False,
        },
        "mnist": {
            "networks": [SIZES],
            "representative": SIZES,
            "rates_of": None,
            "data": "mnist",
            "full_epochs": None,
            "transfer": True,
        },
    },
    "bars": [
        {"measure": "steps_ratio", "group": "in_range", "at_least": None, "at_most": 0.5},
        {"measure": "shorter_budget_ratio", "group": "in_range", "at_least": None, "at_most": 0.4},
        {"measure": "better_than_closed_forms", "group": "in_range", "at_least": 1.0, "at_most": None},
        {"measure": "final_gain", "group": "in_range", "at_least": 0.0, "at_most": None},
        {"measure": "final_gain", "group": "mnist", "at_least": 0.0, "at_most": None},
    ],
}
IN_RANGE = Network("in_range", NAME, 1000)


def record(label: str, epochs: float, seed: int, points: list[float], **own: Any) -> dict[str, Any]:
    """A run whose accuracy goes through `points` at equal distances."""
    steps = round(4 * epochs)
    curve = [[round(n * steps / max(1, len(points) - 1)), 1 - p, p] for n, p in enumerate(points)]
    common = {"family": "vit", "data": "fashion-mnist", "group": "in_range", "network": NAME, "sizes": SIZES}
    return {
        "kind": "run" if epochs else "untrained",
        "key": f"{label}/{epochs}/{seed}/{own}",
        **common,
        "parameters": 1000,
        "initialisation": label,
        "hypernetwork": "abc" if label.startswith("predicted") else None,
        "seed": seed,
        "learning_rate": 0.01,
        "epochs": epochs,
        "steps": steps,
        "zero_shot": {"loss": 1 - points[0], "accuracy": points[0]},
        "final": {"loss": 1 - points[-1], "accuracy": points[-1]},
        "curve": curve,
        "seconds": 1.0,
        **own,
    }


def tries(label: str, data: str = "fashion-mnist") -> list[dict[str, Any]]:
    """Which say that a rate of 0.01 is best for any budget."""
    return [
        record(label, epochs, 9, [0.1, score], kind="try", learning_rate=rate, data=data)
        for epochs in (1, 10)
        for rate, score in ((0.001, 0.2), (0.01, 0.3))
    ]


def fixture() -> list[dict[str, Any]]:
    cosines = {"default": 0.02, CANDIDATE: 0.10}
    return [
        PLAN,
        *(record(label, 0, 9, [0.1], mean_absolute_cosine=cosine) for label, cosine in cosines.items()),
        *(one for label in ("default", "orthogonal", "mimetic", CANDIDATE) for one in tries(label)),
        *tries("default", "mnist"),
        *(record("default", 5, seed, [0.1, 0.5, 0.7, 0.78, 0.80 + seed / 100]) for seed in (0, 1)),
        *(record(CANDIDATE, 5, seed, [0.7, 0.75, 0.8, 0.82, 0.83 + seed / 100]) for seed in (0, 1)),
        *(record(CANDIDATE, epochs, 0, [0.7, final]) for epochs, final in ((1.667, 0.79), (2.5, 0.80))),
        *(record(label, 1, 0, [0.1, p]) for label, p in (("orthogonal", 0.6), ("mimetic", 0.8), (CANDIDATE, 0.75))),
        record("default", 10, 0, [0.1, 0.9]),
        record(CANDIDATE, 10, 0, [0.7, 0.88]),
        record(CANDIDATE, 5, 0, [0.9, 0.99], hypernetwork="another"),
        record(CANDIDATE, 5, 2, [0.9, 0.98], learning_rate=0.001),
        record("default", 1, 0, [0.1, 0.5], group="mnist", data="mnist"),
    ]


def test_steps_are_counted_to_the_first_point_as_good_as_default_at_its_end() -> None:
    results = Results(fixture())
    # 80.5 % is the mean of default; the candidate's mean passes it at the third of four quarters.
    assert results.share_of_steps(IN_RANGE, CANDIDATE) == 0.75
    assert results.share_of_steps(IN_RANGE, "default") == 1
    # With seed 0 alone, default ends at 80 %, which half the budget reaches and a third does not.
    assert results.share_of_budget(IN_RANGE, CANDIDATE) == 0.5
    assert results.share_of_budget(IN_RANGE, "default") is None


def test_bars_are_reached_or_missed() -> None:
    results = Results(fixture())
    verdicts = []
    for bar in PLAN["bars"][:4]:
        measured = MEASURES[bar["measure"]](results, [IN_RANGE])
        assert measured is not None
        verdicts.append((round(measured.value, 3), is_reached(bar, measured)))
    assert verdicts == [(0.75, False), (0.5, False), (0.0, False), (-2.0, False)]
    assert MEASURES["final_gain"](results, results.networks(["mnist"])) is None
    ratio = MEASURES["diversity_ratio"](results, [IN_RANGE])
    assert ratio is not None and ratio.value == pytest.approx(5)


def test_the_page_says_losses_as_plainly_as_wins() -> None:
    page = render({"compare-vit": Results(fixture())})
    assert "80.5 ± 0.7 (2)" in page
    # Of another hypernetwork, and at a rate that the tries do not choose.
    assert "99.0" not in page and "98.0" not in page
    assert "**missed**" in page and "not measured" in page
    against = next(line for line in page.split("\n") if "75.0 : 60.0" in line)
    assert "75.0 : 80.0" in against and "**no**" in against
    assert "`mnist` is MNIST" in page
    assert "0.01*" in page


def test_language_is_measured_by_perplexity_and_less_is_better() -> None:
    runs = [
        record(label, 5, 0, [0.1, 0.2], family="gpt2", final={"loss": loss, "accuracy": 0.2})
        for label, loss in (("default", 2.0), (CANDIDATE, 1.0), ("mimetic", None))
    ]
    chosen = [{**one, "family": "gpt2"} for label in ("default", CANDIDATE, "mimetic") for one in tries(label)]
    results = Results([PLAN, *chosen, *runs])
    gain = MEASURES["final_gain"](results, [IN_RANGE])
    assert gain is not None and gain.value == pytest.approx(100 * (1 - 1 / 2.718281828))
    page = render({"compare-gpt2": results})
    assert "7.4 (1)" in page and "diverged (1)" in page


def test_the_command_writes_the_same_page_and_plots_from_the_same_results(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "compare-vit.jsonl"
    for line in fixture():
        RecordFile(path).append(line)
    pages = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        assert main(["evaluate", "report", str(path), "--out", str(tmp_path / name / "results.md")]) == 0
        pages.append([file.read_bytes() for file in sorted((tmp_path / name).rglob("*.*"))])
    assert pages[0] == pages[1]
    assert len(pages[0]) == 2


def test_results_without_a_plan_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "compare-vit.jsonl"
    path.write_text(json.dumps(record("default", 1, 0, [0.1, 0.5])) + "\n")
    assert main(["evaluate", "report", str(path), "--out", str(tmp_path / "results.md")]) == 1
    assert "no record of a plan" in capsys.readouterr().err


def test_columns_of_a_table_are_aligned() -> None:
    assert table(["a", "b"], [["x", "1.25"]]).split("\n") == [
        "| a   |    b |",
        "| --- | ---: |",
        "| x   | 1.25 |",
    ]
