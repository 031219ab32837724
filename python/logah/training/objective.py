"""What a step of training descends: the loss of a network with predicted parameters, and its gradient."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from logah.data.trigram import Trigram
from logah.errors import ConfigurationError
from logah.graph import ArchitectureGraph
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.base import with_base
from logah.targets.state_blocks import is_matrix, predicted_blocks
from logah.targets.task import Task, predict_state
from logah.targets.text import TextTask
from logah.training.layer_drop import depth_of, draw_kept, without_layers
from logah.training.lookahead import look_ahead
from logah.training.precision import autocast
from logah.training.settings import MixedTrainConfig, TrainConfig
from logah.training.terms import excess, likeness, silence


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
        graph = self.task.graph(architecture)
        alone = predict_state(self.model, graph, self.generator)
        state = with_base(self.task, architecture, alone, config.base, self._base_seed())
        predicted = {name: tensor for name, tensor in state.items() if tensor.requires_grad}
        ahead = self._look_ahead(architecture, state)
        by_way = config.lookahead is not None and config.lookahead.gradient == "way"
        leaves = {name: ahead[name].detach().requires_grad_(not by_way) for name in predicted}
        network = self._thinned(architecture, {**ahead, **leaves})
        loss, accuracy = self._network_backward(*network, inputs, targets, weight)
        gradients = {
            name: weight * (predicted[name].detach() - leaf) if by_way else leaf.grad for name, leaf in leaves.items()
        }
        # Through the hypernetwork once, whatever the number of parts in which the batch went through the network.
        used = [name for name, gradient in gradients.items() if gradient is not None]
        torch.autograd.backward(
            [*(predicted[name] for name in used), weight * self._terms(graph, alone)],
            [*(gradients[name] for name in used), None],
        )
        return loss, accuracy

    def _terms(self, graph: ArchitectureGraph, predicted: Mapping[str, Tensor]) -> Tensor:
        """What the loss has of the prediction itself, without a network that is run."""
        config = self.config
        total = config.penalty * torch.stack([tensor.norm() for tensor in predicted.values()]).sum()
        if config.likeness or config.silence or config.excess:
            blocks = [(block, origin.role) for block, origin in predicted_blocks(graph, predicted) if is_matrix(block)]
            matrices = [block for block, _ in blocks]
            # A table's rows go into the stream as they are: their size says how much of it the token is.
            inner = [block for block, role in blocks if role != "ROLE_EMBEDDING"]
            total = total + config.likeness * likeness(matrices)
            total = total + config.silence * silence(matrices, graph.initializer_range)
            total = total + config.excess * excess(inner, config.excess_from * graph.initializer_range)
        return total

    def _thinned(
        self, architecture: Mapping[str, Any], state: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """The network whose loss is measured: with `layer_drop` without some of its layers."""
        if not self.config.layer_drop:
            return architecture, state
        kept = draw_kept(depth_of(architecture), self.config.layer_drop, self.rng)
        return without_layers(architecture, state, kept)

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
        """The loss and the accuracy; adds to leaves of the state that ask for it the loss's gradient, times `weight`.

        The batch goes through the network one part at a time.
        """
        module = self.task.module(architecture)
        parts = self.config.accumulate
        total, right = 0.0, 0.0
        for part, expected in zip(inputs.chunk(parts), targets.chunk(parts), strict=True):
            share = len(part) / len(inputs)
            with autocast(self.config.precision, inputs.device):
                output = self.task.logits(module, state, part).flatten(0, -2).float()
            loss = torch.nn.functional.cross_entropy(output, expected.flatten())
            if output.requires_grad:
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
