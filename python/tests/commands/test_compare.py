"""`logah compare` writes plans that `logah evaluate compare` runs, for networks and data of the user's own."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from paths import REPOSITORY

from logah.__main__ import main
from logah.evaluation.comparison.plan import read_plan
from logah.evaluation.comparison.prepare import prepared
from logah.evaluation.comparison.records import RecordFile
from logah.targets.own_network import read_network

GPT2 = {"model_type": "gpt2", "vocab_size": 300, "n_positions": 16, "n_embd": 24, "n_layer": 1, "n_head": 3}
VIT = {
    "model_type": "vit",
    "hidden_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "image_size": 8,
    "patch_size": 4,
    "num_channels": 1,
    "initializer_range": 0.1,
    "qkv_bias": False,
    "id2label": {"0": "a", "1": "b", "2": "c"},
}
LLAMA = {
    "model_type": "mistral",
    "vocab_size": 300,
    "hidden_size": 24,
    "intermediate_size": 56,
    "num_hidden_layers": 1,
    "num_attention_heads": 3,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": 16,
}


def written(directory: Path, config: dict[str, Any]) -> Path:
    path = directory / "config.json"
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    words = random.Random(0).choices(["light", "was", "upon", "the", "waters", "and", "it", "good"], k=20_000)
    path.write_text("".join(word + ("\n" if place % 9 == 8 else " ") for place, word in enumerate(words)))
    return path


@pytest.mark.parametrize("config", [GPT2, LLAMA], ids=["gpt2", "mistral"])
def test_a_network_and_a_text_of_ones_own_are_compared_from_plan_to_tables(
    config: dict[str, Any],
    book: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LOGAH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    network = written(tmp_path, config)
    given = ["compare", str(network), "--models", "small", "--data", f"text={book}", "--seeds", "1", "--epochs", "0.04"]
    assert main(given) == 0
    assert "compare-config.yaml: 2 trainings, and 12 to choose learning rates" in capsys.readouterr().out
    assert main(["evaluate", "compare", "compare-config.yaml", "--out", "results.jsonl"]) == 0
    runs = [record for record in RecordFile(tmp_path / "results.jsonl").read() if record["kind"] == "run"]
    assert {run["initialisation"] for run in runs} == {"default", "small"}
    assert {run["data"] for run in runs} == {f"text {book}"}
    pytest.importorskip("matplotlib")
    assert main(["evaluate", "report", "results.jsonl", "--out", "results.md"]) == 0
    text = (tmp_path / "results.md").read_text()
    assert f"Networks that learn text {book}; 2,048 tokens a step" in text
    # A plan that is there is not written over.
    assert main(given) == 1
    assert "compare-config.yaml exists; --out names another file" in capsys.readouterr().err


def test_a_bundle_predicts_for_a_network_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    network = written(tmp_path, {**GPT2, "vocab_size": 1024})
    bundle = str(REPOSITORY / "models" / "logah-tiny-gpt2-kjv")
    # One that is named twice is compared once.
    assert main(["compare", str(network), "--models", f"{bundle},torchtitan,{bundle}/"]) == 0
    plan = read_plan(tmp_path / "compare-config.yaml")
    assert (plan.candidate, plan.model, plan.data) == ("predicted", bundle, "kjv")
    assert plan.stages[0].initialisations == ["default", "predicted", "torchtitan"]
    comparison = prepared(plan, "test", RecordFile(tmp_path / "results.jsonl"), tmp_path)
    model = comparison.model_of("predicted")
    assert model is not None
    assert model.ranges["hidden_size"] == [32, 192]


@pytest.mark.parametrize("config", [GPT2, VIT, LLAMA], ids=["gpt2", "vit", "mistral"])
def test_the_network_is_the_configurations_to_the_last_parameter(config: dict[str, Any], tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM, ViTForImageClassification

    own = read_network(written(tmp_path, config))
    complete = AutoConfig.for_model(**config)
    expected = ViTForImageClassification(complete) if config is VIT else AutoModelForCausalLM.from_config(complete)
    shapes = {name: tuple(parameter.shape) for name, parameter in expected.named_parameters()}
    graph = {p.name: p.shape for p in own.graph().parameters if not p.tied_to}
    assert graph == shapes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "best"], "models: got 'best', expected a bundle's directory, a checkpoint, or one of default"),
        (["--models", "default,copies"], "models: copies starts with a narrower network"),
        (["--models", "default"], "models: there is nothing to compare with default"),
        (["--models", "predicted"], "models: predicted needs a hypernetwork: give its bundle's directory"),
        (["--models", "small", "--data", "mnist"], "data: got 'mnist', expected kjv"),
        (["--models", "small", "--data", "images=a"], "data: got ['images'], expected kjv"),
        (["--models", "small", "--seeds", "0"], "seeds: got 0, expected at least 1"),
        (["--models", "small", "--epochs", "nan"], "epochs: got 'nan', expected numbers above 0, to 1,000,000"),
        (["--models", "small", "--epochs", "1,inf"], "epochs: got '1,inf', expected numbers above 0, to 1,000,000"),
        (["--models", "small", "--data", ""], "data: got '', expected kjv"),
        (["--models", "small", "--data", "datasets="], "data: got 'datasets=', expected something behind"),
        (["--models", "small", "--data", "text=/no/such"], "data: got 'text=/no/such', expected a file there"),
        (["--models", "small", "--epochs", "one"], "epochs: got 'one', expected numbers with commas"),
        (
            ["--models", str(REPOSITORY / "models" / "logah-tiny-vit-fashion")],
            "does not know the operations",
        ),
    ],
)
def test_what_cannot_be_planned_is_said(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plan.yaml"
    config = LLAMA if "does not know" in message else GPT2
    assert main(["compare", str(written(tmp_path, config)), *arguments, "--out", str(out)]) == 1
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({**GPT2, "model_type": "t5"}, "model_type: got 't5', expected one of vit, gpt2, llama, mistral, qwen2"),
        ({**GPT2, "n_head": 5}, "the width 24 is no multiple of 5 heads"),
        ({**GPT2, "n_embd": 0}, "n_embd: got 0, expected a positive number"),
        ({**GPT2, "n_positions": 0}, "n_positions: got 0, expected a positive number"),
        ({**GPT2, "n_embd": 24.0}, "Validation error for field 'n_embd'"),
        ({**GPT2, "activation_function": "none"}, "transformers does not build it: KeyError: 'none'"),
        ({**VIT, "patch_size": 0}, "patch_size: got 0, expected a positive number"),
        ({**LLAMA, "num_key_value_heads": 2}, "num_key_value_heads: got 2, expected a divisor of 3 heads"),
        ({**VIT, "patch_size": 9}, "patch_size: got 9, expected no more than image_size, 8"),
        ({**VIT, "patch_size": [4, 2]}, "patch_size: got [4, 2], expected one number, of squares"),
    ],
)
def test_a_network_that_is_not_trained_here_is_refused_by_its_field(
    config: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(written(tmp_path, config)), "--models", "small"]) == 1
    assert f"config.json: {message}" in capsys.readouterr().err


def test_images_of_datasets_are_counted_as_images(tmp_path: Path) -> None:
    out = tmp_path / "plan.yaml"
    given = ["--models", "small", "--data", "datasets=beans", "--out", str(out)]
    assert main(["compare", str(written(tmp_path, VIT)), *given]) == 0
    assert read_plan(out).batch_size == 128


def test_results_of_another_configuration_of_the_same_sizes_are_not_taken_for_those_of_this_one(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOGAH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    given = ["--models", "small", "--data", f"text={book}", "--seeds", "1", "--epochs", "0.02"]
    assert main(["compare", str(written(tmp_path, GPT2)), *given]) == 0
    run = ["evaluate", "compare", "compare-config.yaml", "--out", "results.jsonl"]
    assert main(run) == 0
    assert main(run) == 0
    written(tmp_path, {**GPT2, "activation_function": "relu"})
    assert main(run) == 1
    assert "results.jsonl: its results are of another" in capsys.readouterr().err


def test_the_plan_reads_as_yaml_in_the_order_of_its_fields(tmp_path: Path) -> None:
    out = tmp_path / "plan.yaml"
    assert main(["compare", str(written(tmp_path, VIT)), "--models", "impulse", "--out", str(out)]) == 0
    assert list(yaml.safe_load(out.read_text()))[:3] == ["network", "data", "candidate"]
