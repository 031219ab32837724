"""Training one network from a given state."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from initialisation_targets import gpt2_target, vit_target

from logah.data.fashion_mnist import ImageSplits, Split
from logah.evaluation.fine_tune import FineTuneConfig, fine_tune, held_out, learning_rate_factor
from logah.evaluation.initialisations import Target, initial_state
from logah.targets.vit import VitTask

SETTINGS = FineTuneConfig(
    steps=40, batch_size=32, learning_rate=3e-3, seed=0, curve_every=10, curve_limit=50, final_limit=200
)


@pytest.fixture
def target() -> Target:
    """Ten classes told apart by brightness, in order of their class."""
    labels = torch.arange(10).repeat_interleave(40)
    images = (labels / 3 - 1.5).view(-1, 1, 1, 1).expand(400, 1, 28, 28)
    split = Split(images, labels)
    return replace(vit_target(), task=VitTask(ImageSplits(split, split, split)))


def test_a_network_learns_and_the_curve_has_a_point_at_every_tenth_step(target: Target) -> None:
    result = fine_tune(target.task, target.config, initial_state("default", target, 0), SETTINGS)
    assert [step for step, _ in result.curve] == [0, 10, 20, 30, 40]
    assert result.final.loss < 0.9 * result.zero_shot.loss
    assert result.seconds > 0


def test_the_same_seed_gives_the_same_curve_and_leaves_the_state_as_it_was(target: Target) -> None:
    state = initial_state("default", target, 0)
    before = {name: tensor.clone() for name, tensor in state.items()}
    first, again = (fine_tune(target.task, target.config, state, SETTINGS) for _ in range(2))
    assert first.curve == again.curve
    assert all(torch.equal(tensor, before[name]) for name, tensor in state.items())
    assert fine_tune(target.task, target.config, state, replace(SETTINGS, seed=1)).curve != first.curve


def test_a_loss_that_is_not_finite_ends_the_run_as_diverged(target: Target) -> None:
    state = {n: torch.full_like(t, math.inf) for n, t in initial_state("default", target, 0).items()}
    result = fine_tune(target.task, target.config, state, SETTINGS)
    assert result.final.loss == math.inf
    assert len(result.curve) == 2


def test_the_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    factors = [learning_rate_factor(step, 100, 0.05) for step in range(100)]
    assert factors[0] == pytest.approx(0.2)
    assert factors[4] == factors[5] == 1
    assert factors[-1] < 0.001
    assert factors[5:] == sorted(factors[5:], reverse=True)


def test_a_part_of_a_split_has_all_classes_alike(target: Target) -> None:
    part = held_out(target.task, target.config, "test", 50)
    assert part.targets.bincount(minlength=10).tolist() == [5] * 10
    text = gpt2_target()
    assert held_out(text.task, text.config, "test", 48).targets.shape == (3, 16)
