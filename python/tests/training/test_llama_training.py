"""Llamas, Mistrals and Qwen2s as targets, and a hypernetwork that starts from one that knows fewer operations."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from minute import MINUTE, MINUTE_GPT2, MINUTE_LLAMA, bright_images, skewed_text
from transformers import AutoConfig, AutoModelForCausalLM

from logah.evaluation.zero_shot import evaluate_groups
from logah.export.bundle import BundleDescription, write_bundle
from logah.hypernet.config import LANGUAGE_OPERATIONS
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.gpt2 import Gpt2Task
from logah.targets.llama import LlamaTask
from logah.targets.mixture import MixedTask
from logah.targets.task import predict_state
from logah.targets.vit import VitTask
from logah.training.configuration import ConfigurationError, train_configuration
from logah.training.settings import TrainConfig
from logah.training.start import with_operations
from logah.training.train import Trainer


@pytest.fixture
def config() -> TrainConfig:
    return train_configuration(MINUTE_LLAMA, "test")


@pytest.fixture
def text() -> LlamaTask:
    return LlamaTask(skewed_text())


def test_the_loss_of_a_minute_size_hypernetwork_falls(config: TrainConfig, text: LlamaTask, tmp_path: Path) -> None:
    Trainer(replace(config, cycles=((200, 5.0e-3),)), text, tmp_path).run()
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    losses = [float(row[3]) for row in rows]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2"])
@pytest.mark.parametrize("tied", [0, 1])
def test_predicted_parameters_are_those_of_the_module_of_each_family(
    config: TrainConfig, text: LlamaTask, family: str, tied: int
) -> None:
    torch.manual_seed(0)
    sizes: dict[str, Any] = config.space.config(
        width=24, layers=2, context=16, heads=4, kv_group=2, mlp_ratio=2, tied=tied, biased=int(family == "qwen2")
    )
    complete = {**sizes, "model_type": family}
    state = predict_state(Hypernetwork(config.hypernet), text.graph(complete), torch.Generator())
    module = AutoModelForCausalLM.from_config(AutoConfig.for_model(**complete)).eval()
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert (missing, unexpected) == (["lm_head.weight"] if tied else [], [])
    module.tie_weights()
    tokens = text.data.test[:16].view(1, 16)
    with torch.no_grad():
        assert torch.allclose(text.logits(text.module(complete), state, tokens), module(tokens).logits, atol=1e-5)


def test_the_space_draws_every_kind_and_no_held_out_width(config: TrainConfig) -> None:
    rng = random.Random(0)
    drawn = [config.space.sample(rng) for _ in range(400)]
    assert {c["hidden_size"] for c in drawn} == {16, 32}
    assert {c["model_type"] for c in drawn} == {"llama", "qwen2"}
    assert {c["tie_word_embeddings"] for c in drawn} == {False, True}
    assert {c["num_attention_heads"] // c["num_key_value_heads"] for c in drawn} == {1, 2}
    assert all(c["num_attention_heads"] % c["num_key_value_heads"] == 0 for c in drawn)
    ranges = config.space.ranges()
    for name in ("hidden_size", "num_attention_heads", "num_key_value_heads", "max_position_embeddings"):
        values = [c[name] for c in drawn]
        assert ranges[name] == [min(values), max(values)]
    assert config.space.model_types == ("llama", "mistral", "qwen2")
    unbiased = train_configuration({**MINUTE_LLAMA, "space": {**MINUTE_LLAMA["space"], "biased": [0]}}, "test")
    assert unbiased.space.model_types == ("llama", "mistral")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("head_sizes", [1, 8, 16], "head_sizes: got 1; rotary embeddings need an even one"),
        ("kv_groups", [2], "kv_groups: got [2], expected positive numbers, 1 among them"),
        ("tied", [2], "tied: got [2], expected 0, 1 or both"),
        ("biased", [], "biased: got [], expected 0, 1 or both"),
    ],
)
def test_a_space_that_makes_no_llama_is_refused(field: str, value: list[int], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        train_configuration({**MINUTE_LLAMA, "space": {**MINUTE_LLAMA["space"], field: value}}, "run.yaml")
    assert str(error.value) == f"run.yaml: space: {message}"


def test_perplexity_is_measured_and_the_default_initialisation_knows_nothing(
    config: TrainConfig, text: LlamaTask
) -> None:
    sizes = {"width": 24, "layers": 1, "context": 16, "heads": 3, "biased": 1}
    wide = {"width": 64, "layers": 1, "context": 16, "heads": 8, "mlp_ratio": 2}
    records = evaluate_groups(Hypernetwork(config.hypernet), text, config.space, {"held_out": [sizes, wide]})
    assert records[0]["metric"] == "zero_shot_perplexity"
    assert records[0]["default_init"] == pytest.approx(64, rel=0.05)
    assert records[1]["copies"] == 2


def test_a_mixture_runs_each_network_by_its_own_family(config: TrainConfig, text: LlamaTask) -> None:
    task = MixedTask({"gpt2": Gpt2Task(skewed_text()), "llama": text})
    complete = config.space.config(width=16, layers=1, context=16, heads=2, biased=1)
    state = task.initialized(complete, 0)
    inputs, _ = task.batch(complete, 64, torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(
            task.logits(task.module(complete), state, inputs), text.logits(text.module(complete), state, inputs)
        )


def test_a_run_starts_from_a_bundle_that_knows_fewer_operations(
    config: TrainConfig, text: LlamaTask, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    gpt2 = Hypernetwork(train_configuration(MINUTE_GPT2, "test").hypernet).eval()
    write_bundle(gpt2, BundleDescription("start", families=["gpt2"]), tmp_path / "start")
    trainer = Trainer(replace(config, start_from=str(tmp_path / "start")), text, tmp_path / "run")
    assert torch.equal(trainer.model.decoder.l2.weight, gpt2.decoder.l2.weight)
    table, old = trainer.model.encoder.embed.weight, gpt2.encoder.embed.weight
    assert torch.equal(table[: len(old)], old)
    # A norm starts near the norm that is known, and two operations that start from one are not the same.
    norm = LANGUAGE_OPERATIONS.index("rmsnorm")
    distances = (old - table[norm]).norm(dim=1)
    assert distances.argmin() == LANGUAGE_OPERATIONS.index("ln")
    assert not torch.allclose(table[norm + 1], table[norm + 2])


def test_operations_are_added_behind_those_that_a_model_knows(config: TrainConfig) -> None:
    model = Hypernetwork(config.hypernet)
    state = with_operations(model, LANGUAGE_OPERATIONS)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    with pytest.raises(
        ValueError,
        match=r"operations: got rmsnorm, expected max_pool, .*, rmsnorm, rot_emb, gate and, behind them, of rmsnorm",
    ):
        with_operations(model, ("rmsnorm",))
    gpt2 = Hypernetwork(train_configuration(MINUTE_GPT2, "test").hypernet)
    with pytest.raises(ValueError, match=r"operations: got .* teleport, expected"):
        with_operations(gpt2, (*gpt2.config.operations, "teleport"))


def test_a_trigram_in_the_targets_lowers_the_loss_of_the_next_token_too(
    config: TrainConfig, text: LlamaTask, tmp_path: Path
) -> None:
    Trainer(replace(config, cycles=((200, 5.0e-3),), smoothing=0.8), text, tmp_path).run()
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert float(rows[-1][3]) < 0.9 * float(rows[0][3])


def test_smoothing_is_for_one_family_that_reads_text(tmp_path: Path) -> None:
    vision = train_configuration({**MINUTE, "smoothing": 0.5}, "test")
    with pytest.raises(ConfigurationError, match="smoothing: got vit, expected one family, and one that reads text"):
        Trainer(vision, VitTask(bright_images()), tmp_path)
    with pytest.raises(ConfigurationError, match=r"smoothing: got 2\.0, expected 0 to 1"):
        train_configuration({**MINUTE, "smoothing": 2.0}, "run.yaml")
