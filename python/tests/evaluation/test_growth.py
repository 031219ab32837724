"""Growth preserves the function of the narrow network, and its copies are not all equal."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from initialisation_targets import gpt2_target, llama_target, vit_target
from torch import Tensor

from logah.evaluation.default_state import default_state
from logah.evaluation.growth import SIGNAL_TO_NOISE, hypercloned, net2wider
from logah.evaluation.initialisations import InitialisationError, Target, initial_state
from logah.evaluation.narrow import trained_narrow
from logah.evaluation.widening import GROWING, base_configuration, widened

TARGETS = {"vit": vit_target, "gpt2": gpt2_target, "llama": llama_target}


def trained(target: Target) -> dict[str, Tensor]:
    """Large enough that attention and MLP matter, and no entry equals another."""
    generator = torch.Generator().manual_seed(1)
    start = default_state(target.config, 0)
    return {name: t + 0.2 * torch.randn(t.shape, generator=generator) for name, t in start.items()}


def outputs(target: Target, config: Any, state: dict[str, Tensor]) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    if target.task.family == "vit":
        inputs = torch.randn(3, 1, 28, 28, generator=generator)
    else:
        inputs = torch.randint(64, (3, 16), generator=generator)
    with torch.no_grad():
        return target.task.logits(target.task.module(config), state, inputs)


@pytest.mark.parametrize("grow", [hypercloned, net2wider])
@pytest.mark.parametrize("copies", [2, 3])
@pytest.mark.parametrize("family", ["vit", "gpt2", "llama"])
def test_a_grown_network_gives_the_logits_of_the_narrow_one(family: str, copies: int, grow: Any) -> None:
    narrow, wide = (TARGETS[family](16 * k, 2 * k) for k in (1, copies))
    state = trained(narrow)
    grown = grow(narrow.config, state, copies, torch.Generator().manual_seed(0))
    assert {name: t.shape for name, t in grown.items()} == {
        name: p.shape for name, p in wide.task.module(wide.config).named_parameters()
    }
    expected = outputs(narrow, narrow.config, state)
    assert expected.std() > 0.1
    assert torch.allclose(outputs(wide, wide.config, grown), expected, atol=1e-4)


@pytest.mark.parametrize("family", ["vit", "gpt2", "llama"])
def test_noise_of_hypercloning_has_the_power_that_is_asked_for_and_cancels(family: str) -> None:
    narrow = TARGETS[family](16, 2)
    state = trained(narrow)
    name = {
        "vit": "vit.layers.0.mlp.fc1.weight",
        "gpt2": "transformer.h.0.mlp.c_fc.weight",
        "llama": "model.layers.0.mlp.up_proj.weight",
    }[family]
    even = widened(narrow.config, state, 2)
    noisy = hypercloned(narrow.config, state, 2, torch.Generator().manual_seed(0))
    added = noisy[name] - even[name]
    first, second = added.chunk(2, 0 if family == "gpt2" else 1)
    assert torch.allclose(first, -second, atol=1e-6)
    power = even[name].square().mean() / added.square().mean()
    assert 10 * math.log10(power) == pytest.approx(SIGNAL_TO_NOISE, abs=0.1)
    # What no copy is read by stays as it is.
    tables = {"vit": "vit.layernorm.weight", "gpt2": "transformer.wpe.weight", "llama": "model.embed_tokens.weight"}
    assert torch.equal(noisy[tables[family]], even[tables[family]])


def test_net2net_copies_units_at_random_and_divides_by_their_number() -> None:
    narrow = vit_target(16, 2)
    state = trained(narrow)
    wide = net2wider(narrow.config, state, 2, torch.Generator().manual_seed(0))
    before, after = state["vit.layers.0.mlp.fc1.bias"], wide["vit.layers.0.mlp.fc1.bias"]
    assert torch.equal(after[: len(before)], before)
    counts = torch.tensor([(after == unit).sum() for unit in before])
    assert counts.sum() == 2 * len(before)
    assert len(counts.unique()) > 1
    read = wide["vit.layers.0.mlp.fc2.weight"]
    for unit, bias in enumerate(before):
        columns = read[:, after == bias]
        assert torch.allclose(columns, columns[:, :1].expand_as(columns))
        expected = state["vit.layers.0.mlp.fc2.weight"][:, unit].repeat(2)
        assert torch.allclose(columns.sum(1), expected, atol=1e-6)


def test_a_network_that_grows_begins_as_the_trained_narrow_one_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logah.evaluation.narrow.STEPS", 3)
    monkeypatch.setattr("logah.evaluation.narrow._trained", {})
    wide = vit_target()
    ranges = {name: (1, size // 2) for name, size in wide.config.items() if name in GROWING["vit"].values()}
    target = Target(wide.task, wide.config, ranges=ranges)
    narrow = base_configuration(wide.config, 2)
    base = trained_narrow(wide.task, narrow, 7)
    assert not torch.equal(base["classifier.weight"], wide.task.initialized(narrow, 7)["classifier.weight"])
    for label in ("copies", "hypercloned", "net2wider"):
        state = initial_state(label, target, 7)
        torch.testing.assert_close(
            outputs(target, wide.config, state), outputs(target, narrow, base), rtol=1e-3, atol=1e-4
        )
    with pytest.raises(InitialisationError, match="no hypernetwork is given"):
        initial_state("copies", Target(wide.task, wide.config), 0)
