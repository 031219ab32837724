"""An objective that looks past step 0: the target takes a few steps of Adam before its loss counts."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from minute import MINUTE
from torch import Tensor

from logah.data.splits import ImageSplits, Split
from logah.errors import ConfigurationError
from logah.targets.vit import VitTask
from logah.training.configuration import train_configuration
from logah.training.lookahead import Lookahead, look_ahead
from logah.training.train import Trainer

LOOKAHEAD = {"steps": [3], "rates": [1.0e-3, 1.0e-3], "batch_size": 8}


def test_the_steps_are_those_of_torchs_adam() -> None:
    torch.manual_seed(0)
    state = {"a": torch.randn(4, 3), "b": torch.randn(3), "unused": torch.randn(2)}
    inputs = torch.randn(5, 6, 4)

    def batches(parameters: Mapping[str, Tensor], at: int) -> Tensor:
        return (inputs[at] @ parameters["a"] + parameters["b"]).tanh().square().mean()

    drawn = iter(range(5))
    ahead = look_ahead(state, lambda parameters: batches(parameters, next(drawn)), 5, 0.01)
    expected = {name: tensor.clone().requires_grad_() for name, tensor in state.items()}
    optimizer = torch.optim.Adam(expected.values(), lr=0.01)
    for at in range(5):
        optimizer.zero_grad()
        batches(expected, at).backward()
        optimizer.step()
    for name, tensor in ahead.items():
        assert torch.allclose(tensor, expected[name], atol=1e-6), name


def test_no_steps_leave_the_prediction_as_it_is() -> None:
    state = {"a": torch.ones(2)}
    ahead = look_ahead(state, lambda parameters: parameters["a"].sum(), 0, 0.1)
    assert torch.equal(ahead["a"], state["a"])


def test_each_architecture_draws_its_steps_and_a_rate_within_the_bounds() -> None:
    rng = random.Random(0)
    draws = [Lookahead((0, 4), (1e-4, 1e-2), 8).draw(rng) for _ in range(200)]
    assert {steps for steps, _ in draws} == {0, 4}
    assert all(1e-4 <= rate <= 1e-2 for _, rate in draws)


def test_training_with_it_lowers_the_loss_after_the_steps(tmp_path: Path) -> None:
    labels = torch.arange(10).repeat(40)
    images = (labels / 3 - 1.5).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    split = Split(images, labels)
    config = train_configuration({**MINUTE, "lookahead": LOOKAHEAD, "cycles": [[100, 5.0e-3]]}, "test")
    Trainer(config, VitTask(ImageSplits(split, split, split)), tmp_path).run()
    losses = [float(line.split(",")[3]) for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert losses[-1] < 0.9 * losses[0]


def test_a_wrong_field_of_it_is_named() -> None:
    with pytest.raises(ConfigurationError, match="lookahead: unknown fields: step"):
        train_configuration({**MINUTE, "lookahead": {**LOOKAHEAD, "step": 1}}, "test")
