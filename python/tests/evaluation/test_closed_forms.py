"""Closed forms against the formulas of their papers."""

from __future__ import annotations

import math

import pytest
import torch
from initialisation_targets import gpt2_target, llama_target, vit_target
from torch import Tensor

from logah.evaluation.closed_forms import GAMMA
from logah.evaluation.impulse import OFFSETS, POSITION_SCALE, QUERY_KEY_NORM, impulse_attention, impulse_map
from logah.evaluation.initialisations import initial_state


def deviation(tensor: Tensor) -> float:
    return tensor.std().item()


def test_torchtitan_scales_what_writes_to_the_residual_stream_by_depth() -> None:
    state = initial_state("torchtitan", llama_target(64, 4), 0)
    for layer in range(2):
        prefix = f"model.layers.{layer}"
        for part in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj"):
            assert deviation(state[f"{prefix}.{part}.weight"]) == pytest.approx(0.02, rel=0.05)
        for part in ("self_attn.o_proj", "mlp.up_proj", "mlp.down_proj"):
            expected = 0.02 / math.sqrt(2 * (layer + 1))
            assert deviation(state[f"{prefix}.{part}.weight"]) == pytest.approx(expected, rel=0.05)
        assert (state[f"{prefix}.input_layernorm.weight"] == 1).all()
        assert not state[f"{prefix}.self_attn.q_proj.bias"].any()
    assert deviation(state["model.embed_tokens.weight"]) == pytest.approx(1, rel=0.05)
    head = state["lm_head.weight"]
    # A normal distribution that is cut at three deviations has 0.9866 of its deviation.
    assert deviation(head) == pytest.approx(0.9866 * 64**-0.5, rel=0.05)
    assert head.abs().max() <= 3 * 64**-0.5


def test_torchtitan_draws_a_shared_table_as_the_head_that_it_is() -> None:
    for target, name in (
        (llama_target(64, 4, tied=1), "model.embed_tokens.weight"),
        (gpt2_target(64, 4), "transformer.wte.weight"),
    ):
        assert deviation(initial_state("torchtitan", target, 0)[name]) == pytest.approx(0.9866 * 64**-0.5, rel=0.05)


def test_torchtitan_leaves_positions_and_patches_as_transformers_has_them() -> None:
    target = vit_target()
    state, default = initial_state("torchtitan", target, 0), target.default(0)
    for name in ("position_embeddings", "patch_embeddings.projection.weight"):
        assert torch.equal(state[f"vit.embeddings.{name}"], default[f"vit.embeddings.{name}"])
    fc2 = state["vit.layers.1.mlp.fc2.weight"]
    assert deviation(fc2) == pytest.approx(0.02 / 2, rel=0.1)


def test_small_matrices_have_a_deviation_of_a_power_of_their_fan_in() -> None:
    state = initial_state("small", gpt2_target(64, 4), 0)
    # GPT-2 stores [in, out].
    for name, inputs in (
        ("transformer.h.0.attn.c_attn.weight", 64),
        ("transformer.h.0.mlp.c_fc.weight", 64),
        ("transformer.h.0.mlp.c_proj.weight", 128),
        ("transformer.wte.weight", 64),
    ):
        assert deviation(state[name]) == pytest.approx(inputs**-GAMMA, rel=0.05), name
    state = initial_state("small", llama_target(64, 4), 0)
    assert deviation(state["model.layers.0.mlp.down_proj.weight"]) == pytest.approx(128**-GAMMA, rel=0.05)
    kernel = initial_state("small", vit_target(64, 4), 0)["vit.embeddings.patch_embeddings.projection.weight"]
    assert deviation(kernel) == pytest.approx(196**-GAMMA, rel=0.05)


def test_orthogonal_matrices_of_mup_have_one_singular_value_and_it_is_the_root_of_fan_out_over_fan_in() -> None:
    state = initial_state("mup_orthogonal", gpt2_target(64, 4), 0)
    for third in state["transformer.h.0.attn.c_attn.weight"].chunk(3, 1):
        assert torch.allclose(torch.linalg.svdvals(third), torch.ones(64), atol=1e-4)
    for name, ratio in (("mlp.c_fc", 2.0), ("mlp.c_proj", 0.5)):
        values = torch.linalg.svdvals(state[f"transformer.h.0.{name}.weight"])
        assert torch.allclose(values, torch.full((64,), ratio**0.5), atol=1e-4), name
    target = llama_target(32, 4)
    state, default = initial_state("mup_orthogonal", target, 0), target.default(0)
    assert torch.allclose(torch.linalg.svdvals(state["lm_head.weight"]), torch.full((32,), 2**0.5), atol=1e-4)
    assert torch.equal(state["model.embed_tokens.weight"], default["model.embed_tokens.weight"])


def test_orthogonal_matrices_of_mup_spare_a_table_that_is_the_head_too() -> None:
    for target, name in (
        (llama_target(32, 4, tied=1), "model.embed_tokens.weight"),
        (gpt2_target(32, 4), "transformer.wte.weight"),
    ):
        assert torch.equal(initial_state("mup_orthogonal", target, 0)[name], target.default(0)[name])


def test_an_impulse_looks_at_the_neighbour_at_its_offset_and_at_nothing_beyond_the_edge() -> None:
    image = torch.arange(16.0)
    moved = (impulse_map(4, -1, 1) @ image).view(4, 4)
    expected = torch.zeros(4, 4)
    expected[1:, :-1] = image.view(4, 4)[:-1, 1:]
    assert torch.equal(moved, expected)
    assert torch.equal(impulse_map(4, 0, 0), torch.eye(16))
    assert set(OFFSETS) == {(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)}


def test_heads_of_structured_attention_look_at_their_offsets() -> None:
    torch.manual_seed(0)
    side, width, heads = 4, 96, 3
    positions = 0.36 * torch.randn(side**2, width)
    queries, keys = impulse_attention(positions, side, heads, torch.Generator().manual_seed(0))
    normal = torch.nn.functional.layer_norm(positions, [width])
    for head, (q, k) in enumerate(zip(queries.chunk(heads, 1), keys.chunk(heads, 1), strict=True)):
        assert q.norm().item() == pytest.approx(QUERY_KEY_NORM, rel=1e-4)
        assert k.norm().item() == pytest.approx(QUERY_KEY_NORM, rel=1e-4)
        logits = (normal @ q) @ (normal @ k).T
        wanted = impulse_map(side, *OFFSETS[head])
        rows = wanted.sum(1) > 0
        assert torch.equal(logits.argmax(1)[rows], wanted.argmax(1)[rows])


def test_structured_attention_reaches_the_module_with_positions_large_enough_to_matter() -> None:
    target = vit_target()
    state, default = initial_state("impulse", target, 0), target.default(0)
    name = "vit.embeddings.position_embeddings"
    assert torch.equal(state[name], POSITION_SCALE * default[name])
    query = state["vit.layers.1.attention.q_proj.weight"]
    assert all(part.norm().item() == pytest.approx(QUERY_KEY_NORM, rel=1e-4) for part in query.chunk(4, 0))
    assert torch.equal(state["vit.layers.1.mlp.fc1.weight"], default["vit.layers.1.mlp.fc1.weight"])
