"""A ReLU that gradients pass where it is zero: the same prediction, and cores that had died wake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from minute import MINUTE, bright_images
from torch import nn

from logah.errors import ConfigurationError
from logah.hypernet.hypernetwork import Hypernetwork
from logah.hypernet.low_rank_decoder import LowRankDecoder
from logah.targets.task import predict_state
from logah.targets.vit import VitTask
from logah.training.configuration import train_configuration
from logah.training.leak import LeakDirection, LeakingRelu, let_leak
from logah.training.start import start_values
from logah.training.train import Trainer

CONFIG = train_configuration({**MINUTE, "penalty": 0.0, "weight_decay": 0.0}, "test")


def dead() -> Hypernetwork:
    """Whose cores are zero for every node: what it predicts is the expansion's bias alone."""
    torch.manual_seed(0)
    model = Hypernetwork(CONFIG.hypernet)
    assert isinstance(model.decoder, LowRankDecoder)
    last = model.decoder.core[-2]
    assert isinstance(last, nn.Linear)
    nn.init.constant_(last.bias, -0.5)
    return model


@pytest.mark.parametrize(("direction", "expected"), [("up", [0, -0.5, 4, -4]), ("both", [0.25, -0.5, 4, -4])])
def test_it_is_a_relu_below_whose_zero_a_part_of_the_gradient_passes(
    direction: LeakDirection, expected: list[float]
) -> None:
    x = torch.tensor([-2.0, 0.0, 3.0, 3.0], requires_grad=True)
    result = LeakingRelu(0.25, direction)(x)
    assert result.tolist() == [0, 0, 3, 3]
    result.backward(torch.tensor([1.0, -2.0, 4.0, -4.0]))
    assert x.grad is not None
    assert x.grad.tolist() == expected


@pytest.mark.parametrize("direction", ["up", "both"])
def test_what_pulls_down_moves_what_is_below_zero_in_one_direction_alone(direction: LeakDirection) -> None:
    """The loss falls with the output, which is at zero already."""
    x = torch.tensor([-1.0], requires_grad=True)
    descent = torch.optim.SGD([x], lr=1.0)
    for _ in range(10):
        descent.zero_grad()
        LeakingRelu(0.1, direction)(x).sum().backward()
        descent.step()
    assert x.item() == (-1 if direction == "up" else pytest.approx(-2))


@pytest.mark.parametrize(("leak", "wakes"), [(0.0, False), (0.2, True)])
def test_cores_that_have_died_wake_where_gradients_leak_and_nowhere_else(
    leak: float, wakes: bool, tmp_path: Path
) -> None:
    config = replace(CONFIG, leak=leak, cycles=((30, 2.0e-2),), checkpoint_every=30)
    trainer = Trainer(config, VitTask(bright_images()), tmp_path)
    trainer.model.load_state_dict(dead().state_dict())
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    trainer.run()
    name = "decoder.core.4.bias"
    assert (not torch.equal(trainer.model.state_dict()[name], before[name])) == wakes
    assert bool((trainer.model.state_dict()[name] > -0.4).any()) == wakes


def test_what_was_trained_with_a_leak_predicts_the_same_without(tmp_path: Path) -> None:
    task = VitTask(bright_images())
    trainer = Trainer(replace(CONFIG, leak=0.2, cycles=((5, 5.0e-3),)), task, tmp_path)
    trainer.run()
    graph = task.graph(CONFIG.space.config(width=24, layers=2, patch_size=14, heads=3, mlp_ratio=2))
    plain = Hypernetwork(CONFIG.hypernet)
    plain.load_state_dict(start_values(tmp_path / "checkpoint.pt", CONFIG.hypernet))
    with torch.no_grad():
        states = [predict_state(model, graph, torch.Generator().manual_seed(0)) for model in (trainer.ema, plain)]
    for name, tensor in states[0].items():
        assert torch.allclose(tensor, states[1][name], rtol=1e-4, atol=1e-6), name


def test_a_dense_decoder_has_no_cores() -> None:
    dense = {**MINUTE["hypernet"], "decoder": "dense", "rank": 0, "ck": 0, "max_shape": [8, 8, 4, 4]}
    model = Hypernetwork(train_configuration({**MINUTE, "hypernet": dense}, "test").hypernet)
    with pytest.raises(ValueError, match="leak: the decoder is 'dense', only low-rank ones have cores"):
        let_leak(model, 0.1)


def test_a_leak_of_more_than_the_whole_gradient_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"leak: got 1\.5, expected 0 to 1"):
        train_configuration({**MINUTE, "leak": 1.5}, "run.yaml")
