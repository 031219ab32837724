"""Every initialisation fills the whole module, and each is what its name says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from initialisation_targets import gpt2_target, llama_target, vit_target

from logah.evaluation.default_state import default_state
from logah.evaluation.initialisations import (
    GAIN,
    KINDS,
    InitialisationError,
    Target,
    initial_state,
    parse_label,
)
from logah.evaluation.lifts import LIFTS
from logah.evaluation.mimetic import ALPHA_QK, ALPHA_V, BETA_QK, BETA_V, attention_weights

LABELS = [*KINDS, "predicted+noise=0.1", "predicted+noise=0.1+default_noise"]


def targets(label: str = "default") -> Iterator[Target]:
    """Those that the initialisation is for."""
    makes = {"impulse": (vit_target,), "mimetic": (vit_target, gpt2_target)}
    for make in makes.get(label, (vit_target, gpt2_target, llama_target)):
        yield from (make(width, heads) for width, heads in ((24, 3), (64, 8)))


@pytest.mark.parametrize("label", LABELS)
def test_every_initialisation_gives_exactly_the_parameters_of_the_module_with_finite_values(label: str) -> None:
    for target in targets(label):
        state = initial_state(label, target, 1)
        expected = {name: p.shape for name, p in target.task.module(target.config).named_parameters()}
        assert {name: tensor.shape for name, tensor in state.items()} == expected
        assert all(tensor.isfinite().all() and tensor.dtype == torch.float32 for tensor in state.values())


@pytest.mark.parametrize("label", LABELS)
def test_a_seed_gives_the_same_state_again_and_another_seed_another(label: str) -> None:
    target = vit_target()
    first, again, other = (initial_state(label, target, seed) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_orthogonal_matrices_are_orthogonal_and_the_thirds_of_a_fused_one_each_for_itself() -> None:
    square = GAIN**2 * torch.eye(32)
    state = initial_state("orthogonal", vit_target(), 0)
    weight = state["vit.layers.0.attention.q_proj.weight"]
    assert torch.allclose(weight @ weight.T, square, atol=1e-5)
    kernel = state["vit.embeddings.patch_embeddings.projection.weight"].flatten(1)
    assert torch.allclose(kernel @ kernel.T, square, atol=1e-5)
    for third in initial_state("orthogonal", gpt2_target(), 0)["transformer.h.1.attn.c_attn.weight"].chunk(3, 1):
        assert torch.allclose(third @ third.T, square, atol=1e-5)


def test_shuffled_entries_are_those_of_the_prediction_in_another_order() -> None:
    for target in targets():
        predicted, shuffled = (initial_state(label, target, 3) for label in ("predicted", "shuffled"))
        for name, tensor in predicted.items():
            assert torch.equal(tensor.flatten().sort().values, shuffled[name].flatten().sort().values), name
        assert sum(not torch.equal(predicted[name], shuffled[name]) for name in predicted) > len(predicted) / 2


def test_moment_matched_noise_has_the_mean_and_deviation_of_each_predicted_tensor() -> None:
    target = vit_target()
    predicted, noise = (initial_state(label, target, 3) for label in ("predicted", "moments"))
    for name, tensor in predicted.items():
        assert torch.allclose(noise[name].mean(), tensor.mean(), atol=1e-5), name
        assert torch.allclose(noise[name].std(), tensor.std(), atol=1e-5), name
    name = "vit.layers.0.mlp.fc1.weight"
    assert torch.corrcoef(torch.stack([predicted[name].flatten(), noise[name].flatten()]))[0, 1].abs() < 0.1


def test_random_matrices_of_low_rank_have_the_rank_and_the_deviation_of_the_predicted_ones() -> None:
    target = vit_target()
    predicted, noise = (initial_state(label, target, 3) for label in ("predicted", "random_rank"))
    name = "vit.layers.0.mlp.fc1.weight"
    assert torch.linalg.matrix_rank(noise[name]) == target.hypernetwork.config.rank == 8
    assert torch.allclose(noise[name].std(), predicted[name].std(), rtol=1e-4)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_mimetic_products_are_near_the_identity(sign: float) -> None:
    width, heads = 96, 3
    query, key, value, projection = attention_weights(width, heads, sign, torch.Generator().manual_seed(0))
    of_values = value @ projection
    assert of_values.diagonal().mean() == pytest.approx(sign * BETA_V, abs=0.05)
    rest = of_values - sign * BETA_V * torch.eye(width)
    assert rest.std() == pytest.approx(ALPHA_V / width**0.5, rel=0.05)
    for q, k in zip(query.chunk(heads, 1), key.chunk(heads, 1), strict=True):
        product = q @ k.T
        assert torch.linalg.matrix_rank(product, rtol=1e-4) == width // heads
        # The best approximation of that rank keeps the largest singular values.
        assert 0 < product.diagonal().mean() < BETA_QK
    assert ALPHA_QK == BETA_QK


def test_mimetic_attention_reaches_the_modules_in_their_own_layout() -> None:
    state = initial_state("mimetic", vit_target(), 0)
    prefix = "vit.layers.1.attention"
    product = (state[f"{prefix}.o_proj.weight"] @ state[f"{prefix}.v_proj.weight"]).T
    assert product.diagonal().mean() == pytest.approx(-BETA_V, abs=0.1)
    state = initial_state("mimetic", gpt2_target(), 0)
    value = state["transformer.h.1.attn.c_attn.weight"].chunk(3, 1)[2]
    product = value @ state["transformer.h.1.attn.c_proj.weight"]
    assert product.diagonal().mean() == pytest.approx(BETA_V, abs=0.1)


def test_a_network_outside_the_trained_sizes_is_predicted_at_its_base_and_repeated() -> None:
    state = initial_state("predicted", vit_target(64, 8), 0)
    weight = state["vit.layers.0.attention.q_proj.weight"]
    assert torch.equal(weight[:32], weight[32:])
    assert torch.equal(weight[:, :32], weight[:, 32:])


def test_noise_is_in_proportion_to_each_matrix_and_spares_vectors() -> None:
    target = vit_target()
    before, after = (initial_state(label, target, 0) for label in ("predicted", "predicted+noise=0.1"))
    name = "vit.layers.0.mlp.fc1.weight"
    assert (after[name] - before[name]).std() == pytest.approx(0.1 * before[name].std().item(), rel=0.1)
    assert torch.equal(after["vit.layernorm.weight"], before["vit.layernorm.weight"])
    default = default_state(target.config, 0)
    after = initial_state("predicted+default_noise=2", target, 0)
    assert (after[name] - before[name]).std() == pytest.approx(2 * default[name].std().item(), rel=0.1)


def test_a_fill_gives_silent_matrices_the_deviation_of_a_default_start_and_leaves_the_others() -> None:
    target = gpt2_target()
    plain = initial_state("predicted", target, 0)
    default = target.default(1)
    silent, loud = "transformer.h.0.mlp.c_fc.weight", "transformer.wte.weight"
    state = {**plain, silent: 0.1 * default[silent], loud: 2 * default[loud]}
    filled = LIFTS["fill"](1.0)(target.config, state, torch.Generator().manual_seed(3))
    assert torch.equal(filled[loud], state[loud])
    assert float(filled[silent].std()) == pytest.approx(float(default[silent].std()), rel=0.05)
    vectors = [name for name, tensor in state.items() if tensor.dim() < 2]
    assert vectors and all(torch.equal(filled[name], state[name]) for name in vectors)


def test_a_shrunk_prediction_and_one_of_its_table_alone() -> None:
    target = gpt2_target()
    plain, shrunk, table = (initial_state(f"predicted{lift}", target, 0) for lift in ("", "+shrink=0.5", "+table=0.5"))
    name = "transformer.wte.weight"
    assert torch.equal(shrunk[name], 0.5 * plain[name]) and torch.equal(table[name], shrunk[name])
    matrix, vector = "transformer.h.0.attn.c_attn.weight", "transformer.h.0.ln_1.weight"
    assert torch.equal(shrunk[matrix], 0.5 * plain[matrix]) and torch.equal(shrunk[vector], plain[vector])
    # What is no table is as transformers draws it.
    assert float(table[matrix].std()) == pytest.approx(0.02, rel=0.1)
    assert torch.equal(table[vector], torch.ones_like(table[vector]))


def test_a_lift_by_a_base_adds_a_default_start_of_its_own_to_each_matrix() -> None:
    target = vit_target()
    before, after = (initial_state(label, target, 0) for label in ("predicted", "predicted+base"))
    name = "vit.layers.0.mlp.fc1.weight"
    added = after[name] - before[name]
    assert added.std() == pytest.approx(default_state(target.config, 0)[name].std().item(), rel=0.1)
    assert not torch.allclose(added, default_state(target.config, 0)[name])
    assert torch.equal(after["vit.layernorm.weight"], before["vit.layernorm.weight"])


def test_the_default_state_is_that_of_the_task() -> None:
    for target in targets():
        of_task, of_config = target.default(4), default_state(target.config, 4)
        assert all(torch.equal(tensor, of_config[name]) for name, tensor in of_task.items())


def test_a_label_that_names_nothing_is_refused() -> None:
    with pytest.raises(InitialisationError, match="got 'xavier', expected one of default, compute"):
        parse_label("xavier")
    with pytest.raises(InitialisationError, match="impulse: got a network of family 'gpt2', expected 'vit'"):
        initial_state("impulse", gpt2_target(), 0)
    with pytest.raises(InitialisationError, match="got the lift 'louder', expected one of noise, default_noise"):
        parse_label("predicted+louder")
    with pytest.raises(InitialisationError, match="could not convert"):
        parse_label("predicted+noise=much")
    assert not parse_label("default").needs_hypernetwork
    assert parse_label("shuffled").needs_hypernetwork
    assert parse_label("predicted+noise=0.1").needs_hypernetwork
