"""Widening keeps the function: a network k times as wide gives the logits of its base."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from minute import MINUTE, MINUTE_GPT2, MINUTE_LLAMA

from logah.data.fashion_mnist import ImageSplits, Split
from logah.data.kjv import TokenSplits
from logah.evaluation.default_state import default_state
from logah.evaluation.widening import GROWING, base_configuration, copies_needed, widened
from logah.graph.gpt2 import gpt2_graph
from logah.graph.llama import llama_graph
from logah.graph.vit import vit_graph
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.gpt2 import Gpt2Task
from logah.targets.llama import LlamaTask
from logah.targets.task import predict_state
from logah.targets.vit import VitTask
from logah.training.configuration import train_configuration

RANGES = {
    "hidden_size": [16, 32],
    "intermediate_size": [32, 64],
    "num_attention_heads": [1, 4],
    "num_key_value_heads": [1, 4],
}


def vit(width: int, heads: int) -> dict[str, Any]:
    space = train_configuration(MINUTE, "test").space
    return space.config(width=width, layers=2, patch_size=14, heads=heads, mlp_ratio=2)


def gpt2(width: int, heads: int, tied: bool = True) -> dict[str, Any]:
    space = train_configuration(MINUTE_GPT2, "test").space
    config = space.config(width=width, layers=2, context=16, heads=heads, mlp_ratio=2)
    return {**config, "tie_word_embeddings": tied}


def llama(width: int, heads: int, kv_group: int = 2, tied: int = 0, biased: int = 1) -> dict[str, Any]:
    space = train_configuration(MINUTE_LLAMA, "test").space
    return space.config(
        width=width, layers=2, context=16, heads=heads, kv_group=kv_group, mlp_ratio=2, tied=tied, biased=biased
    )


@pytest.mark.parametrize("copies", [2, 3])
def test_a_widened_vit_gives_the_logits_of_its_base(copies: int) -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 1, 28, 28)
    split = Split(images, torch.arange(4))
    task = VitTask(ImageSplits(split, split, split))
    base, wide = vit(16, 2), vit(16 * copies, 2 * copies)
    hypernetwork = Hypernetwork(train_configuration(MINUTE, "test").hypernet)
    with torch.no_grad():
        state = predict_state(hypernetwork, vit_graph(base), torch.Generator().manual_seed(0))
        expected = task.logits(task.module(base), state, images)
        found = task.logits(task.module(wide), widened(base, state, copies), images)
    assert expected.std() > 0.01
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("copies", [2, 3])
def test_a_widened_gpt2_gives_the_logits_of_its_base(copies: int, tied: bool) -> None:
    torch.manual_seed(0)
    tokens = torch.randint(64, (200,))
    task = Gpt2Task(TokenSplits(tokens, tokens, tokens, vocabulary=64))
    base, wide = gpt2(16, 2, tied), gpt2(16 * copies, 2 * copies, tied)
    # Large enough that attention and MLP matter, and no entry equals another.
    state = {n: t + 0.2 * torch.randn(t.shape) for n, t in default_state(base, 0).items()}
    with torch.no_grad():
        inputs = tokens[:64].view(4, 16)
        expected = task.logits(task.module(base), state, inputs)
        found = task.logits(task.module(wide), widened(base, state, copies), inputs)
    assert expected.std() > 0.1
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("tied", "biased"), [(0, 1), (1, 0)])
@pytest.mark.parametrize("copies", [2, 3])
def test_a_widened_llama_gives_the_logits_of_its_base(copies: int, tied: int, biased: int) -> None:
    torch.manual_seed(0)
    tokens = torch.randint(64, (200,))
    task = LlamaTask(TokenSplits(tokens, tokens, tokens, vocabulary=64))
    base, wide = (llama(16 * k, 4 * k, tied=tied, biased=biased) for k in (1, copies))
    state = {n: t + 0.2 * torch.randn(t.shape) for n, t in default_state(base, 0).items()}
    with torch.no_grad():
        inputs = tokens[:64].view(4, 16)
        expected = task.logits(task.module(base), state, inputs)
        found = task.logits(task.module(wide), widened(base, state, copies), inputs)
    assert expected.std() > 0.1
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("make", "graph"), [(vit, vit_graph), (gpt2, gpt2_graph), (llama, llama_graph)])
def test_a_widened_state_has_the_shapes_of_the_wide_network(make: Any, graph: Any) -> None:
    wide = widened(make(16, 2), default_state(make(16, 2), 0), 2)
    assert {n: tuple(t.shape) for n, t in wide.items()} == {
        p.name: p.shape for p in graph(make(32, 4)).parameters if not p.tied_to
    }


def test_the_fewest_copies_that_reach_the_trained_sizes_are_chosen() -> None:
    assert copies_needed(vit(32, 4), RANGES) == 1
    assert copies_needed(vit(64, 8), RANGES) == 2
    # The width would do with three copies, the heads with four; eight heads of 96 are divided by four alone.
    assert copies_needed(gpt2(96, 8), RANGES) == 4
    base = base_configuration(gpt2(96, 8), 4)
    assert [base[name] for name in GROWING["gpt2"]] == [24, 48, 2]
    # Keys and values are shared by as many heads as before.
    assert [base_configuration(llama(64, 8), 2)[name] for name in GROWING["llama"]] == [32, 64, 4, 2]
    assert copies_needed(llama(64, 8, kv_group=8), RANGES) == 1


def test_what_no_base_divides_is_left_as_it_is() -> None:
    assert copies_needed(vit(34, 1), RANGES) == 1
    with pytest.raises(ValueError, match="num_attention_heads: got 1, which 2 copies do not divide"):
        base_configuration(vit(34, 1), 2)
