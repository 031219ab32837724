"""Spaces of architectures: the published ones as presets, and what a space refuses."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from minute import MINUTE, MINUTE_GPT2, bright_images

from logah.data.splits import TokenSplits
from logah.errors import ConfigurationError
from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.families import FAMILIES
from logah.targets.gpt2 import Gpt2Space, Gpt2Task
from logah.targets.spaces import SPACES
from logah.targets.task import Task, predict_state
from logah.targets.vit import VitSpace, VitTask
from logah.training.configuration import train_configuration

#: Least and greatest width by the number of layers, in thirty-seconds and eighths.
VIT_WIDTHS = {3: (384, 512), 4: (256, 384), 5: (256, 384), **dict.fromkeys(range(6, 10), (128, 256))}
GPT_WIDTHS = {3: (176, 256), 4: (128, 176), 5: (128, 176), **dict.fromkeys(range(6, 10), (72, 176))}


def task_of(family: str) -> Task:
    if family == "vit":
        return VitTask(bright_images())
    tokens = torch.zeros(2000, dtype=torch.int64)
    return Gpt2Task(TokenSplits(tokens, tokens, tokens, vocabulary=50257))


def test_vits_1k_has_the_published_ranges() -> None:
    space = SPACES["vits-1k"]
    rng = random.Random(0)
    seen: dict[int, set[int]] = {}
    for _ in range(2000):
        config = space.sample(rng)
        width, layers, heads = (config[f"{n}"] for n in ("hidden_size", "num_hidden_layers", "num_attention_heads"))
        seen.setdefault(layers, set()).add(width)
        assert config["intermediate_size"] == 4 * width
        assert heads in ((3, 6, 12) if width % 3 == 0 else (4, 8))
        assert config["patch_size"] in (16, 32)
        assert (config["image_size"], config["num_channels"], config["num_labels"]) == (224, 3, 1000)
    assert seen == {layers: set(range(low, high + 1, 32)) for layers, (low, high) in VIT_WIDTHS.items()}
    assert space.ranges()["hidden_size"] == [128, 512]
    assert space.ranges()["num_attention_heads"] == [3, 12]


def test_gpts_1k_has_the_published_ranges() -> None:
    space = SPACES["gpts-1k"]
    rng = random.Random(0)
    seen: dict[int, set[int]] = {}
    for _ in range(3000):
        config = space.sample(rng)
        seen.setdefault(config["n_layer"], set()).add(config["n_embd"])
        assert config["n_inner"] == 4 * config["n_embd"]
        assert (config["n_head"], config["n_positions"], config["vocab_size"]) == (8, 1024, 50257)
        assert not config["tie_word_embeddings"]
    assert seen == {layers: set(range(low, high + 1, 8)) for layers, (low, high) in GPT_WIDTHS.items()}


@pytest.mark.parametrize("family", ["vit", "gpt2"])
def test_what_a_published_space_samples_is_built_by_transformers_and_predicted_whole(family: str) -> None:
    space = next(space for space in SPACES.values() if isinstance(space, FAMILIES[family].space))
    task = task_of(family)
    torch.manual_seed(0)
    hypernet = train_configuration(MINUTE, "test").hypernet
    model = Hypernetwork(replace(hypernet, max_shape=(512, 512, 32, 32), ck=512))
    rng = random.Random(0)
    for _ in range(3):
        config = space.sample(rng)
        with torch.no_grad():
            state = predict_state(model, task.graph(config), torch.Generator().manual_seed(0))
        shapes = {name: parameter.shape for name, parameter in task.module(config).named_parameters()}
        assert {name: tensor.shape for name, tensor in state.items()} == shapes


def test_a_configuration_names_a_published_space_and_may_differ_from_it() -> None:
    assert train_configuration({**MINUTE, "space": "vits-1k"}, "test").space == SPACES["vits-1k"]
    cifar = {"preset": "vits-1k", "image_size": 32, "num_labels": 10, "patch_sizes": [2, 4]}
    space = train_configuration({**MINUTE, "space": cifar}, "test").space
    assert isinstance(space, VitSpace)
    assert (space.image_size, space.patch_sizes, space.depth_widths) == (32, (2, 4), SPACES["vits-1k"].depth_widths)
    text = train_configuration({**MINUTE_GPT2, "space": "gpts-1k"}, "test").space
    assert isinstance(text, Gpt2Space)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": [[2]]}, "expected either head_sizes or heads"),
        ({"layers": []}, r"layers: got \[\], expected positive numbers"),
        ({"depth_widths": [[1, 16, 32]]}, "layers: no width that is not held out is left for 2 layers"),
        ({"held_out_widths": [16, 24, 32]}, "layers: no width that is not held out is left for 1 layers"),
    ],
    ids=str,
)
def test_a_space_with_nothing_to_choose_from_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^test: space: {message}"):
        train_configuration({**MINUTE, "space": {**MINUTE["space"], **change}}, "test")


def test_shapes_of_a_hypernetwork_are_read_as_tuples() -> None:
    assert isinstance(train_configuration(MINUTE, "test").hypernet, HypernetConfig)
    assert train_configuration(MINUTE, "test").hypernet.max_shape == (64, 64, 16, 16)
