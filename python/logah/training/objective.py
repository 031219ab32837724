"""What a step of training descends: the loss of a network with predicted parameters, and its gradient."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from logah.data.trigram import Trigram
from logah.errors import ConfigurationError
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.base import with_base
from logah.targets.task import Task, predict_state
from logah.targets.text import TextTask
from logah.training.lookahead import look_ahead
from logah.training.precision import autocast
from logah.training.settings import MixedTrainConfig, TrainConfig


class Objective:
    """Draws architectures and batches of a run, from the random streams that it is given."""

    def __init__(
        self,
        config: TrainConfig | MixedTrainConfig,
        task: Task,
        model: Hypernetwork,
        rng: random.Random,
        generator: torch.Generator,
    ) -> None:
        self.config, self.task, self.model, self.rng, self.generator = config, task, model, rng, generator
        self.trigram: Trigram | None = None
        if config.smoothing:
            if not isinstance(task, TextTask):
                raise ConfigurationError(f"smoothing: got {task.family}, expected one family, and one that reads text")
            self.trigram = Trigram(task.data.train, task.data.vocabulary)

    def backward(self, weight: float) -> tuple[float, float]:
        """Adds the gradient of one architecture's loss, times `weight`; returns the loss and the accuracy."""
        config = self.config
        architecture = config.space.sample(self.rng)
        inputs, targets = self.task.batch(architecture, config.batch_size_of(architecture), self.generator)
        alone = predict_state(self.model, self.task.graph(architecture), self.generator)
        state = with_base(self.task, architecture, alone, config.base, self._base_seed())
        predicted = {name: tensor for name, tensor in state.items() if tensor.requires_grad}
        ahead = self._look_ahead(architecture, state)
        leaves = {name: ahead[name].detach().requires_grad_() for name in predicted}
        loss, accuracy = self._network_backward(architecture, {**ahead, **leaves}, inputs, targets, weight)
        norms = sum(tensor.norm() for tensor in alone.values())
        # Through the hypernetwork once, whatever the number of parts in which the batch went through the network.
        used = [name for name, leaf in leaves.items() if leaf.grad is not None]
        torch.autograd.backward(
            [*(predicted[name] for name in used), weight * config.penalty * norms],
            [*(leaves[name].grad for name in used), None],
        )
        return loss, accuracy

    def _base_seed(self) -> int:
        """Of the next base; where there is none, nothing is drawn, which leaves such a run's streams as they were."""
        return 0 if self.config.base == "none" else self.rng.getrandbits(32)

    def _look_ahead(self, architecture: Mapping[str, Any], state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The state at which the loss is measured: the predicted one, or where a few steps of training take it."""
        settings = self.config.lookahead
        if settings is None:
            return state
        steps, rate = settings.draw(self.rng)
        module = self.task.module(architecture)

        def loss(parameters: Mapping[str, Tensor]) -> Tensor:
            inputs, targets = self.task.batch(architecture, settings.batch_size, self.generator)
            with autocast(self.config.precision, inputs.device):
                output = self.task.logits(module, parameters, inputs).flatten(0, -2).float()
            return torch.nn.functional.cross_entropy(output, targets.flatten())

        return look_ahead(state, loss, steps, rate)

    def _network_backward(
        self,
        architecture: Mapping[str, Any],
        state: Mapping[str, Tensor],
        inputs: Tensor,
        targets: Tensor,
        weight: float,
    ) -> tuple[float, float]:
        """Adds to the state's leaves the gradient of the batch's mean loss, times `weight`, one part at a time."""
        module = self.task.module(architecture)
        parts = self.config.accumulate
        total, right = 0.0, 0.0
        for part, expected in zip(inputs.chunk(parts), targets.chunk(parts), strict=True):
            share = len(part) / len(inputs)
            with autocast(self.config.precision, inputs.device):
                output = self.task.logits(module, state, part).flatten(0, -2).float()
            loss = torch.nn.functional.cross_entropy(output, expected.flatten())
            (weight * share * self._smoothed(loss, output, part)).backward()
            total += share * loss.item()
            right += share * (output.argmax(1) == expected.flatten()).float().mean().item()
        return total, right

    def _smoothed(self, loss: Tensor, output: Tensor, inputs: Tensor) -> Tensor:
        """The loss that a step descends: with `smoothing` in part that against what a trigram expects."""
        if self.trigram is None:
            return loss
        known = self.trigram.following(inputs.cpu()).to(output.device)
        # A vocabulary may be larger than the text's.
        expected = torch.nn.functional.pad(known, (0, output.shape[1] - known.shape[1]))
        share = self.config.smoothing
        return (1 - share) * loss + share * torch.nn.functional.cross_entropy(output, expected)
