"""Comparisons: what is finished is not run again, shares are disjoint, and a wrong field of a plan is named."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from initialisation_targets import gpt2_target
from minute import MINUTE
from paths import CONFIGS

from logah.commands.evaluate import _share
from logah.data.fashion_mnist import ImageSplits, Split
from logah.errors import ConfigurationError
from logah.evaluation.comparison.names import network_name
from logah.evaluation.comparison.plan import plan_from, read_plan
from logah.evaluation.comparison.rates import rates_to_try
from logah.evaluation.comparison.records import RecordFile
from logah.evaluation.comparison.results import Results
from logah.evaluation.comparison.run import Comparison, Job, Model
from logah.evaluation.default_state import default_state
from logah.evaluation.diversity import mean_absolute_cosine
from logah.export.bundle import BundleDescription, write_bundle
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.vit import VitTask
from logah.training.configuration import read_configuration, train_configuration
from logah.training.trained_model import fingerprint, load_model

SIZES = {"width": 24, "layers": 1, "patch_size": 14, "heads": 3, "mlp_ratio": 2}
WIDE = {**SIZES, "width": 64, "heads": 8}
PLAN: dict[str, Any] = {
    "configuration": "none.yaml",
    "model": "models/none",
    "data": "fashion-mnist",
    "candidate": "predicted",
    "batch_size": 16,
    "epoch_size": 64,
    "full_epochs": 2,
    "compute_factor": 3,
    "curve_every": 2,
    "curve_limit": 20,
    "final_limit": 40,
    "tuning": {"epochs": [1], "rates": [1.0e-3, 1.0e-2], "limit": 40, "seed": 9, "extensions": 0},
    "groups": {
        "in_range": {"representative": SIZES, "networks": [SIZES]},
        "outside": {"rates_of": "in_range", "networks": [WIDE]},
    },
    "stages": [
        {"groups": ["in_range"], "initialisations": ["default", "predicted"], "seeds": [0], "epochs": [2]},
        {"groups": ["in_range", "outside"], "initialisations": ["predicted"], "seeds": [0, 1], "epochs": [2]},
        {"groups": ["in_range"], "initialisations": ["compute"], "seeds": [0], "epochs": [1]},
    ],
    "bars": [{"measure": "steps_ratio", "group": "in_range", "at_most": 0.5}],
}


def comparison(path: Path, plan: dict[str, Any] = PLAN, seed: int = 0) -> Comparison:
    config = train_configuration(MINUTE, "test")
    torch.manual_seed(seed)
    hypernetwork = Hypernetwork(config.hypernet)
    labels = torch.arange(10).repeat(10)
    images = (labels / 3 - 1.5).view(-1, 1, 1, 1).expand(100, 1, 28, 28)
    split = Split(images, labels)
    model = Model(hypernetwork, "minute", fingerprint(hypernetwork), config.space.ranges())
    other = Hypernetwork(config.hypernet)
    models = {"": model, "other": Model(other, "another", fingerprint(other), config.space.ranges())}
    return Comparison(
        plan_from(plan, "test"),
        models,
        config.space.config,
        lambda _: VitTask(ImageSplits(split, split, split)),
        RecordFile(path),
    )


def kinds(path: Path) -> list[str]:
    return [record["kind"] for record in RecordFile(path).read()]


def test_what_is_finished_is_recorded_and_not_run_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    lines: list[str] = []
    assert comparison(path).run(say=lines.append) == 0
    # Two rates of two initialisations; runs: default, predicted twice on two networks, compute; untrained: three.
    assert sorted(kinds(path)) == ["plan"] + 6 * ["run"] + 4 * ["try"] + 3 * ["untrained"]
    assert len(lines) == 13
    before = path.read_bytes()
    assert comparison(path).run(say=lines.append) == 0
    assert path.read_bytes() == before
    # Another hypernetwork makes anew what depends on it.
    assert comparison(path, seed=1).run(say=lines.append) == 0
    records = RecordFile(path).read()
    assert sum(r["kind"] == "run" and r["initialisation"] == "default" for r in records) == 1
    assert sum(r["kind"] == "run" and r["initialisation"] == "predicted" for r in records) == 8


def test_hypernetworks_of_other_names_predict_beside_the_plans_own(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    plan = copy.deepcopy(PLAN)
    plan["models"] = {"other": "models/another"}
    plan["stages"][0]["initialisations"] = ["default", "predicted", "predicted:other"]
    assert comparison(path, plan).run(say=lambda _: None) == 0
    own, other = (
        next(r for r in RecordFile(path).read() if r["kind"] == "run" and r["initialisation"] == label)
        for label in ("predicted", "predicted:other")
    )
    assert own["hypernetwork"] != other["hypernetwork"]
    assert own["zero_shot"] != other["zero_shot"]
    assert Results(RecordFile(path).read()).labels == ["default", "compute", "predicted", "predicted:other"]


def test_a_run_says_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    comparison(path).run(say=lambda _: None)
    runs = [record for record in RecordFile(path).read() if record["kind"] == "run"]
    default, compute = (next(r for r in runs if r["initialisation"] == label) for label in ("default", "compute"))
    assert (default["steps"], compute["steps"]) == (8, 12)
    assert [row[0] for row in default["curve"]] == [0, 2, 4, 6, 8]
    assert default["network"] == network_name(SIZES) == "w24-l1-p14-h3-m2"
    assert default["hypernetwork"] is None
    tries = [r for r in RecordFile(path).read() if r["kind"] == "try" and r["initialisation"] == "default"]
    best = min(tries, key=lambda record: record["final"]["loss"])
    assert default["learning_rate"] == compute["learning_rate"] == best["learning_rate"]


def test_a_run_has_the_rate_that_was_tried_at_its_own_budget(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    comparison(path).run(say=lambda _: None)
    plan = copy.deepcopy(PLAN)
    plan["tuning"]["epochs"] = [1, 2]
    before = len(RecordFile(path).read())
    assert comparison(path, plan).run(say=lambda _: None) == 0
    added = RecordFile(path).read()[before:]
    # The tries at two epochs are new; of the runs only those whose rate they change.
    tries = [record for record in added if record["kind"] == "try"]
    assert {(record["initialisation"], record["epochs"]) for record in tries} == {("default", 2), ("predicted", 2)}
    chosen = {
        label: min((r for r in tries if r["initialisation"] == label), key=lambda r: r["final"]["loss"])
        for label in ("default", "predicted")
    }
    runs = [r for r in RecordFile(path).read() if r["kind"] == "run" and r["epochs"] == 2]
    for label, best in chosen.items():
        assert best["learning_rate"] in {r["learning_rate"] for r in runs if r["initialisation"] == label}
    counted = [r for r in Results(RecordFile(path).read()).of_kind("run") if r["epochs"] == 2]
    assert len(counted) == 5
    assert all(r["learning_rate"] == chosen[r["initialisation"]]["learning_rate"] for r in counted)


def test_beyond_an_end_of_the_grid_rates_are_tried_until_the_best_lies_between_others(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    plan = copy.deepcopy(PLAN)
    # What a network learns in eight steps at these rates grows with them.
    plan["tuning"] |= {"rates": [1.0e-6, 1.0e-5], "extensions": 2}
    assert comparison(path, plan).run(say=lambda _: None) == 0
    records = RecordFile(path).read()
    tried = [r["learning_rate"] for r in records if r["kind"] == "try" and r["initialisation"] == "default"]
    assert tried == [1e-6, 1e-5, 1e-4, 1e-3]
    runs = {r["learning_rate"] for r in records if r["kind"] == "run" and r["initialisation"] == "default"}
    assert runs == {1e-3}
    results = Results(records)
    assert {r["learning_rate"] for r in results.of_kind("run") if r["initialisation"] == "default"} == {1e-3}
    assert all(results.has_rate_at_end(r) for r in results.of_kind("run") if r["initialisation"] == "default")
    before = len(records)
    assert comparison(path, plan).run(say=lambda _: None) == 0
    assert len(RecordFile(path).read()) == before


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ({}, (1e-3, 3e-3, 1e-2)),
        ({1e-3: 2.0, 3e-3: 1.0, 1e-2: None}, (1e-3, 3e-3, 1e-2)),
        ({1e-3: 1.0, 3e-3: 2.0}, (1e-3, 3e-3, 1e-2)),
        ({1e-3: 1.0, 3e-3: 2.0, 1e-2: 3.0}, (3e-4, 1e-3, 3e-3, 1e-2)),
        ({1e-3: 1.0, 3e-3: 2.0, 1e-2: 3.0, 3e-4: 1.5}, (3e-4, 1e-3, 3e-3, 1e-2)),
        ({1e-3: 1.0, 3e-3: 2.0, 1e-2: 3.0, 3e-4: 0.5}, (9e-5, 3e-4, 1e-3, 3e-3, 1e-2)),
        ({1e-3: 3.0, 3e-3: 2.0, 1e-2: 1.0}, (1e-3, 3e-3, 1e-2, 3e-2)),
        # No more than two.
        ({1e-3: 3.0, 3e-3: 2.0, 1e-2: 1.0, 3e-2: 0.5, 9e-2: 0.4}, (1e-3, 3e-3, 1e-2, 3e-2, 9e-2)),
        # Where nothing holds at any rate, lower ones may.
        ({1e-3: None, 3e-3: None, 1e-2: None}, (3e-4, 1e-3, 3e-3, 1e-2)),
    ],
)
def test_the_rates_to_try_grow_from_the_end_that_is_best(
    losses: dict[float, float | None], expected: tuple[float, ...]
) -> None:
    assert rates_to_try(losses, [1e-3, 3e-3, 1e-2], 2) == expected


def test_shares_are_disjoint_and_together_everything(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    for number in range(2):
        assert comparison(path).run((number, 2), say=lambda _: None) == 0
    keys = [record["key"] for record in RecordFile(path).read() if record["kind"] != "plan"]
    assert len(keys) == len(set(keys)) == 13
    assert _share("1/2") == (1, 2)


def test_a_limit_of_time_stops_before_the_next_run_and_says_what_is_left(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    assert comparison(path).run(hours=0, say=lambda _: None) == 9
    assert kinds(path) == ["plan"]


def test_what_is_left_is_what_has_not_run_with_the_rate_that_was_chosen(tmp_path: Path) -> None:
    one = comparison(tmp_path / "results.jsonl")
    assert one.left(one.jobs()) == one.jobs()
    one.run(say=lambda _: None)
    assert one.left(one.jobs()) == []


def test_the_first_stage_comes_first_and_then_what_needs_no_training(tmp_path: Path) -> None:
    jobs = comparison(tmp_path / "results.jsonl").jobs()
    assert [job.label for job in jobs[:2]] == ["default", "predicted"]
    assert [job.epochs for job in jobs[2:5]] == [0, 0, 0]
    assert jobs[-1] == Job("in_range", SIZES, "compute", 0, 1)


def test_half_a_line_of_a_process_that_was_killed_is_left_out(tmp_path: Path) -> None:
    records = RecordFile(tmp_path / "results.jsonl")
    records.append({"kind": "run", "key": "a"})
    with records.path.open("a") as file:
        file.write('{"kind": "run", "ke')
    assert records.finished() == {"a"}
    records.append({"kind": "run", "key": "b"})
    assert records.finished() == {"a", "b"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plan: plan.pop("candidate"), "test: missing fields: candidate"),
        (lambda plan: plan.update(candidate="best"), "test: candidate: best: got 'best', expected one of default"),
        (lambda plan: plan["tuning"].update(rate=1), "test: tuning: unknown fields: rate"),
        (lambda plan: plan["tuning"].update(epochs=[]), "test: tuning: epochs: got none, expected at least one"),
        (lambda plan: plan["stages"][1].pop("seeds"), "test: stages[1]: missing fields: seeds"),
        (lambda plan: plan["stages"][0].update(groups=["inside"]), "test: stages[0]: groups: got 'inside'"),
        (lambda plan: plan["stages"][0].update(networks=["w1"]), "test: stages[0]: networks: got 'w1'"),
        (lambda plan: plan["groups"]["outside"].update(rates_of="none"), "test: groups: outside: rates_of: 'none'"),
        (lambda plan: plan["groups"]["outside"].pop("rates_of"), "test: groups: outside: expected one of represent"),
        (lambda plan: plan["groups"]["outside"].update(data="cifar"), "test: groups: outside: data: got 'cifar'"),
        (lambda plan: plan.pop("configuration"), "test: expected one of configuration and network"),
        (lambda plan: plan.update(network="config.json"), "test: expected one of configuration and network"),
        (lambda plan: plan.pop("model"), "test: stages[0]: initialisations: predicted needs a hypernetwork"),
        (lambda plan: plan.update(data=["mnist"]), "test: groups: in_range: data: got ['mnist'], expected a name"),
        (
            lambda plan: plan["stages"][0].update(initialisations=["predicted:a"]),
            "test: stages[0]: initialisations: predicted:a: got 'a', expected one of",
        ),
        (lambda plan: plan.update(candidate="default:a"), "test: candidate: default:a: a hypernetwork's name"),
        (lambda plan: plan["bars"][0].pop("at_most"), "test: bars[0]: expected one of at_least and at_most"),
    ],
)
def test_a_wrong_field_of_a_plan_is_named(change: Any, message: str) -> None:
    plan = copy.deepcopy(PLAN)
    change(plan)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        plan_from(plan, "test")


def test_a_name_does_not_depend_on_the_order_of_sizes() -> None:
    assert network_name(dict(reversed(SIZES.items()))) == network_name(SIZES)


@pytest.mark.parametrize("name", ["compare-vit", "compare-gpt2"])
def test_the_shipped_plans_are_complete(name: str) -> None:
    plan = read_plan(CONFIGS / f"{name}.yaml")
    assert (len(plan.groups["in_range"].networks), len(plan.groups["outside"].networks)) == (8, 4)


@pytest.mark.parametrize(("name", "model"), [("gpt2", "logah-tiny-gpt2-kjv"), ("vit", "logah-tiny-vit-fashion")])
def test_a_plan_of_long_runs_has_three_networks_of_different_held_out_widths(name: str, model: str) -> None:
    plan = read_plan(CONFIGS / f"compare-{name}-long.yaml")
    held_out = read_configuration(CONFIGS / f"{model}.yaml").train.members[0].space.held_out_widths
    assert sorted(sizes["width"] for sizes in plan.groups["long"].networks) == sorted(held_out)
    assert plan.candidate in plan.stages[0].initialisations


def test_the_plan_of_decoders_has_the_networks_of_the_vision_plan_and_three_hypernetworks() -> None:
    plan, vision = (read_plan(CONFIGS / f"{name}.yaml") for name in ("compare-vit-decoders", "compare-vit"))
    assert plan.groups["in_range"].networks == vision.groups["in_range"].networks
    assert sorted(plan.models) == ["ghn3", "published"]


@pytest.mark.parametrize("name", ["compare-vit-objectives", "compare-gpt2-objectives"])
def test_the_plans_of_objectives_name_models_whose_runs_have_a_configuration(name: str) -> None:
    plan = read_plan(CONFIGS / f"{name}.yaml")
    assert plan.models
    for path in plan.models.values():
        run = Path(path).parent.name
        settings = read_configuration(CONFIGS / "objectives" / f"{run}.yaml").train
        assert path == f"runs/{run}/checkpoint.pt"
        assert settings.start_from == plan.model


def test_matrices_that_are_the_same_have_a_cosine_of_one_and_random_ones_nearly_none() -> None:
    target = gpt2_target()
    state = default_state(target.config, 0)
    assert mean_absolute_cosine(target.graph, state) < 0.05
    assert mean_absolute_cosine(target.graph, {n: torch.ones_like(t) for n, t in state.items()}) == pytest.approx(1)


def test_a_bundle_and_its_checkpoint_have_the_same_fingerprint_and_other_weights_another(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Hypernetwork(train_configuration(MINUTE, "test").hypernet)
    write_bundle(model, BundleDescription(name="minute"), tmp_path / "minute")
    loaded = load_model(tmp_path / "minute")
    assert fingerprint(loaded.hypernetwork) == fingerprint(model)
    assert loaded.steps == 0
    other = Hypernetwork(replace(model.config))
    assert fingerprint(other) != fingerprint(model)
