"""One run for several families of networks: who is drawn, what is validated and recorded, and single runs as ever."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from minute import MINUTE, MINUTE_GPT2, MINUTE_MIXED, bright_images, skewed_text

from logah.__main__ import main
from logah.errors import ConfigurationError
from logah.evaluation.zero_shot import validation_loss, validation_losses
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.gpt2 import Gpt2Task
from logah.targets.mixture import MixedTask
from logah.targets.task import Task
from logah.targets.vit import VitTask
from logah.training.configuration import read_configuration, run_configuration
from logah.training.settings import MixedTrainConfig
from logah.training.train import Trainer

VIT = {"width": 24, "layers": 1, "patch_size": 14, "heads": 3, "mlp_ratio": 2}
GPT2 = {"width": 24, "layers": 1, "context": 16, "heads": 3, "mlp_ratio": 2}
NETWORKS = [{"family": "vit", **VIT}, {"family": "gpt2", **GPT2}]
VALIDATION = {"limit": {"vit": 100, "gpt2": 200}, "networks": NETWORKS}
RUN = {**MINUTE_MIXED, "validation": VALIDATION, "evaluation": {"held_out": NETWORKS}}


@pytest.fixture
def config() -> MixedTrainConfig:
    config = run_configuration(MINUTE_MIXED, "test")
    assert isinstance(config, MixedTrainConfig)
    return config


@pytest.fixture
def tasks() -> dict[str, Task]:
    return {"vit": VitTask(bright_images()), "gpt2": Gpt2Task(skewed_text())}


def write(path: Path, value: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(value))
    return path


def test_one_run_lowers_the_losses_of_both_families_and_records_both_for_export(
    tasks: dict[str, Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logah.training.tasks.load_tasks", lambda *_: tasks)
    # Of two widths alone so small a hypernetwork does not learn what a third one needs.
    trained = [{**network, "width": 32, "heads": 4} for network in NETWORKS]
    validation = {**VALIDATION, "networks": trained}
    run = write(tmp_path / "run.yaml", {**RUN, "validation": validation, "cycles": [[200, 5.0e-3]]})
    assert main(["train", str(run), "--out", str(tmp_path), "--device", "cpu"]) == 0
    with (tmp_path / "validation.csv").open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert list(rows[0]) == ["step", "seconds", "loss", "vit_loss", "gpt2_loss"]
    for row in rows:
        assert row["loss"] == pytest.approx((row["vit_loss"] + row["gpt2_loss"]) / 2)
    assert rows[-1]["vit_loss"] < 0.8 * rows[0]["vit_loss"]
    assert rows[-1]["gpt2_loss"] < 0.97 * rows[0]["gpt2_loss"]

    checkpoint, record = tmp_path / "checkpoint.pt", tmp_path / "record.json"
    assert main(["evaluate", "zero-shot", str(run), str(checkpoint), "--out", str(record)]) == 0
    found = json.loads(record.read_text())
    assert found["ranges"]["vit"]["hidden_size"] == found["ranges"]["gpt2"]["hidden_size"] == [16, 32]
    assert "patch_size" in found["ranges"]["vit"]
    assert "vocab_size" in found["ranges"]["gpt2"]
    assert [(record["family"], record["metric"], record["group"]) for record in found["metrics"]] == [
        ("vit", "zero_shot_accuracy", "held_out"),
        ("vit", "mean_zero_shot_accuracy", "held_out"),
        ("gpt2", "zero_shot_perplexity", "held_out"),
        ("gpt2", "mean_zero_shot_perplexity", "held_out"),
    ]
    assert found["batch_size"] == {"vit": 16, "gpt2": 128}

    bundle = tmp_path / "both"
    arguments = ["export", str(checkpoint), "--out", str(bundle), "--families", "vit", "gpt2"]
    assert main([*arguments, "--training", str(record)]) == 0
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["families"] == ["vit", "gpt2"]
    assert set(manifest["training"]["ranges"]) == {"vit", "gpt2"}


def test_a_mixed_run_that_was_stopped_goes_on_to_the_same_weights(
    config: MixedTrainConfig, tasks: dict[str, Task], tmp_path: Path
) -> None:
    task = MixedTask(tasks)
    Trainer(config, task, tmp_path / "whole").run(until=40)
    # The first checkpoint is written at step 20; the run is lost a few steps later.
    Trainer(config, task, tmp_path / "parts").run(until=26)
    resumed = Trainer(config, task, tmp_path / "parts")
    assert resumed.step == 20
    resumed.run(until=40)
    whole, parts = (torch.load(tmp_path / d / "checkpoint.pt", weights_only=True) for d in ("whole", "parts"))
    for weights in ("state_dict", "ema_state_dict"):
        for name, tensor in whole[weights].items():
            assert torch.equal(tensor, parts[weights][name]), name


def test_held_out_widths_of_both_families_are_never_sampled(config: MixedTrainConfig) -> None:
    rng = random.Random(0)
    drawn = [config.space.sample(rng) for _ in range(400)]
    widths = {
        family: {d[name] for d in drawn if name in d} for family, name in (("vit", "hidden_size"), ("gpt2", "n_embd"))
    }
    assert widths == {"vit": {16, 32}, "gpt2": {16, 32}}


@pytest.mark.parametrize(("weight", "expected"), [(1.0, 0.5), (3.0, 0.75)])
def test_members_are_drawn_by_their_weights(weight: float, expected: float) -> None:
    first, second = MINUTE_MIXED["members"]
    space = run_configuration({**MINUTE_MIXED, "members": [{**first, "weight": weight}, second]}, "test").space
    rng = random.Random(0)
    share = sum(space.sample(rng)["model_type"] == "vit" for _ in range(2000)) / 2000
    assert share == pytest.approx(expected, abs=0.04)


def test_each_architecture_has_a_batch_of_its_own_familys_size(
    config: MixedTrainConfig, tasks: dict[str, Task]
) -> None:
    task, rng = MixedTask(tasks), random.Random(0)
    sizes = {}
    for _ in range(10):
        architecture = config.space.sample(rng)
        _, targets = task.batch(architecture, config.batch_size_of(architecture), torch.Generator())
        sizes[architecture["model_type"]] = targets.numel()
    assert sizes == {"vit": 16, "gpt2": 128}


@pytest.mark.parametrize(
    ("run", "names"),
    [
        (MINUTE, ("hidden_size", "num_hidden_layers", "patch_size", "num_attention_heads")),
        (MINUTE_GPT2, ("n_embd", "n_layer", "n_positions", "n_head")),
    ],
    ids=["vit", "gpt2"],
)
def test_a_run_of_one_family_draws_its_sizes_alone_and_in_the_same_order_as_before(
    run: dict[str, Any], names: tuple[str, ...]
) -> None:
    config = run_configuration(run, "test")
    drawn, expected = random.Random(1), random.Random(1)
    for _ in range(20):
        architecture = config.space.sample(drawn)
        width, layers = expected.choice([16, 32]), expected.choice([1, 2])
        own = expected.choice(run["space"].get("patch_sizes") or run["space"]["contexts"])
        heads = expected.choice([width // size for size in (8, 16) if width % size == 0])
        expected.choice([2])
        assert tuple(architecture[name] for name in names) == (width, layers, own, heads)
    assert drawn.getstate() == expected.getstate()


def test_a_run_of_one_family_needs_no_family_beside_sizes_and_has_one_validation_loss(
    tasks: dict[str, Task], tmp_path: Path
) -> None:
    value = {**MINUTE, "validation": {"limit": 100, "networks": [VIT]}, "evaluation": {"held_out": [VIT]}}
    configuration = read_configuration(write(tmp_path / "run.yaml", value))
    assert configuration.evaluation == {"held_out": {"vit": [VIT]}}
    assert configuration.validation is not None
    torch.manual_seed(0)
    model, (member,) = Hypernetwork(configuration.train.hypernet), configuration.train.members
    losses = validation_losses(model, tasks, configuration.train.members, configuration.validation)
    assert losses == {"loss": validation_loss(model, tasks["vit"], member.space, [VIT], 100)}


def changed(**change: Any) -> dict[str, Any]:
    """A mixed run whose first member has other fields."""
    first, second = MINUTE_MIXED["members"]
    return {**MINUTE_MIXED, "members": [{**first, **change}, second]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({**MINUTE_MIXED, "family": "vit", "data": "mnist"}, "family, data: with members, each member has its own"),
        ({k: v for k, v in MINUTE_MIXED.items() if k != "members"}, r"missing fields: family \(or members\), space"),
        ({**MINUTE_MIXED, "members": MINUTE_MIXED["members"][0]}, "members: expected a list, found dict"),
        ({**MINUTE_MIXED, "members": []}, r"members: got the families \[\], expected at least one"),
        ({**MINUTE_MIXED, "members": MINUTE_MIXED["members"][:1] * 2}, "members: got the families .*each once"),
        ({**MINUTE_MIXED, "lookahead": {"steps": [1], "rates": [1e-3, 1e-2], "batch_size": 4}}, "lookahead: its"),
        ({**MINUTE_MIXED, "weight": 2.0}, "unknown fields: weight"),
        ({**MINUTE, "weight": 2.0}, "unknown fields: weight"),
        ({**MINUTE, "batch_size": 0}, "batch_size: got 0, expected at least 1"),
        (changed(family="bert"), r"members\[0\]: family: got 'bert', expected one of vit, gpt2"),
        (changed(batch_size=0), r"members\[0\]: batch_size: got 0, expected at least 1"),
        (changed(weight=0.0), r"members\[0\]: weight: got 0.0, expected a finite number above 0"),
        (changed(data="kjv"), r"members\[0\]: data: got 'kjv', expected fashion-mnist"),
        (changed(seed=2), r"members\[0\]: unknown fields: seed"),
        (changed(space={**MINUTE["space"], "widths": []}), r"members\[0\]: space: widths: got \[\]"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^test: {message}"):
        run_configuration(value, "test")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"evaluation": {"held_out": [VIT]}},
            r"evaluation: held_out\[0\]: family: got None, expected one of vit, gpt2",
        ),
        (
            {"evaluation": {"held_out": [{**VIT, "family": "gpt2"}]}},
            r"held_out\[0\]: unknown fields: patch_size; known: context",
        ),
        (
            {"validation": {**VALIDATION, "networks": NETWORKS[:1]}},
            "validation: networks: there is none of family gpt2",
        ),
        ({"validation": {**VALIDATION, "limit": {"vit": 10}}}, "validation: limit: got .*each of vit, gpt2"),
        ({"validation": {**VALIDATION, "limit": "all"}}, "validation: limit: got 'all' for vit"),
        (
            {"validation": {**VALIDATION, "networks": [{**NETWORKS[0], "width": "24"}]}},
            "width: got '24', expected a whole",
        ),
    ],
    ids=str,
)
def test_a_wrong_network_to_measure_is_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_configuration(write(tmp_path / "run.yaml", {**RUN, **change}))
