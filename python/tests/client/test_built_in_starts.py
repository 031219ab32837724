"""Starts that a formula gives, against what transformers draws and in modules of the user's own."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from golden_graphs import MODEL_TYPES, NAMES, build, read_config, read_fields
from torch import Tensor, nn

import logah

pytestmark = pytest.mark.server

#: Of those that tensors are pooled over: few, so that small tensors tell little, and enough for what differs.
SEEDS = (0, 1)
#: One configuration of each family, the first.
FAMILIES = sorted({model_type: name for name, model_type in reversed(MODEL_TYPES.items())}.values())


def unlike(own: Tensor, drawn: Tensor) -> str | None:
    """How two samples of one tensor differ by more than chance, six standard errors; None: not at all."""
    count = own.numel()
    (own_mean, own_deviation), (mean, deviation) = moments(own), moments(drawn)
    if own_deviation == 0 or deviation == 0:
        return None if (own_mean, own_deviation) == (mean, deviation) else f"{mean}, {deviation}"
    error = 6 / math.sqrt(count)
    # transformers draws the rows of padding as others, and sets them to 0 afterwards.
    alike = abs(math.log(deviation / own_deviation)) < error + 0.04 and abs(mean - own_mean) < error * 2 * own_deviation
    return None if alike else f"{own_mean}, {own_deviation}: {mean}, {deviation}"


def moments(values: Tensor) -> tuple[float, float]:
    mean = float(values.double().mean())
    return mean, float((values.double() - mean).square().mean().sqrt())


def pooled(states: list[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([state[name].float().flatten() for state in states]) for name in states[0]}


@pytest.mark.parametrize("name", FAMILIES)
def test_default_draws_every_parameter_as_transformers_does(name: str, server: str) -> None:
    fields = read_fields(name)
    own, drawn = [], []
    with logah.connect(server) as client:
        for seed in SEEDS:
            torch.manual_seed(seed)
            own.append(dict(build(read_config(name), device="cpu").state_dict()))
            state = client.state_dict(fields, model="default", seed=seed)
            drawn.append({key: torch.as_tensor(value) for key, value in state.items()})
    expected, got = pooled(own), pooled(drawn)
    differences = {key: unlike(expected[key], got[key]) for key in got}
    assert {key: difference for key, difference in differences.items() if difference} == {}


def test_every_family_is_among_those_compared() -> None:
    assert {MODEL_TYPES[name] for name in FAMILIES} == {MODEL_TYPES[name] for name in NAMES}


def test_a_module_of_the_users_own_starts_as_its_layers_do(server: str) -> None:
    module = nn.Sequential(nn.Linear(96, 200), nn.LayerNorm(200), nn.ReLU(), nn.Linear(200, 10, bias=False))
    with logah.connect(server) as client:
        client.initialize(module, logah.client.trace(module, (torch.zeros(1, 96),)), model="default", seed=1)
    weight = module[0].weight
    assert float(weight.detach().abs().max()) <= 96**-0.5
    assert math.isclose(float(weight.detach().std()), (3 * 96) ** -0.5, rel_tol=0.02)


def test_orthogonal_matrices_reach_a_module_as_such(server: str) -> None:
    module = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 48))
    with logah.connect(server) as client:
        client.initialize(module, logah.client.trace(module, (torch.zeros(1, 64),)), model="orthogonal", seed=1)
    for layer, rows in ((module[0], True), (module[2], False)):
        matrix = layer.weight.detach().double()
        square = matrix @ matrix.T if rows else matrix.T @ matrix
        torch.testing.assert_close(square, 2 * torch.eye(len(square), dtype=torch.float64), atol=1e-6, rtol=0)
