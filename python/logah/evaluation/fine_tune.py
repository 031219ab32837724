"""Trains one network from a given state: the yardstick by which initialisations are compared.

AdamW, linear warm-up and a cosine to zero, gradients clipped, bf16 where the device has it. Two runs of equal seed and
size see the same batches in the same order, whatever their initialisation.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from logah.evaluation.zero_shot import Score
from logah.targets.task import SplitName, Task
from logah.training.precision import autocast

#: Examples' entries (pixels or tokens) that are read at once in an evaluation.
ENTRIES = 200_000


@dataclass(frozen=True)
class FineTuneConfig:
    """steps: the whole budget, to whose end the cosine falls. batch_size: images or tokens a step.

    curve_every: steps between two points of the curve. curve_limit, final_limit: images or tokens of `split` that a
    point and the final score are measured on, spread evenly over it.
    """

    steps: int
    batch_size: int
    learning_rate: float
    seed: int
    curve_every: int
    curve_limit: int
    final_limit: int
    split: SplitName = "test"
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    warmup: float = 0.05


@dataclass(frozen=True)
class FineTuneResult:
    """The score before the first step and after the last one, and on the way: (step, score), the first at step 0.

    A run whose loss is no longer finite stops there; its final loss is infinite and its accuracy 0. state: the
    parameters at the end.
    """

    zero_shot: Score
    final: Score
    curve: list[tuple[int, Score]]
    seconds: float
    state: dict[str, Tensor]


@dataclass(frozen=True)
class HeldOut:
    """A part of a held-out split: inputs [N, ...] and targets [N] or [N, T]."""

    inputs: Tensor
    targets: Tensor


def held_out(task: Task, config: Mapping[str, Any], split: SplitName, limit: int) -> HeldOut:
    """About `limit` images or tokens: every n-th example, since splits may be sorted by class."""
    inputs, targets = (torch.cat(parts) for parts in zip(*_whole_batches(task, config, split), strict=True))
    every = max(1, targets.numel() // limit)
    return HeldOut(inputs[::every], targets[::every])


def _whole_batches(task: Task, config: Mapping[str, Any], split: SplitName) -> list[tuple[Tensor, Tensor]]:
    return list(task.batches(config, split))


@torch.no_grad()
def measure(task: Task, module: nn.Module, state: Mapping[str, Tensor], examples: HeldOut) -> Score:
    """Loss and accuracy on the examples; the forward pass is the one that training has."""
    rows = max(1, ENTRIES // max(1, examples.inputs[0].numel()))
    loss, right = 0.0, 0
    for inputs, targets in zip(examples.inputs.split(rows), examples.targets.split(rows), strict=True):
        with autocast("auto", inputs.device):
            output = task.logits(module, state, inputs)
        flat, expected = output.flatten(0, -2).float(), targets.flatten()
        loss += cross_entropy(flat, expected, reduction="sum").item()
        right += int((flat.argmax(1) == expected).sum())
    count = examples.targets.numel()
    return Score(loss / count, right / count) if math.isfinite(loss) else DIVERGED


DIVERGED = Score(math.inf, 0.0)


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Share of the peak at a step: rises linearly over the first `warmup` of all steps, then falls to 0."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def fine_tune(
    task: Task, config: Mapping[str, Any], state: Mapping[str, Tensor], settings: FineTuneConfig
) -> FineTuneResult:
    """Trains the network of `config` from `state`, which is not changed."""
    started = time.process_time()
    module = task.module(config)
    parameters = {name: tensor.detach().clone().requires_grad_() for name, tensor in state.items()}
    values = list(parameters.values())
    optimizer = torch.optim.AdamW(values, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)
    generator = torch.Generator().manual_seed(settings.seed)
    points = held_out(task, config, settings.split, settings.curve_limit)
    whole = held_out(task, config, settings.split, settings.final_limit)
    zero_shot = measure(task, module, parameters, whole)
    curve = [(0, measure(task, module, parameters, points))]
    final = None
    for step in range(settings.steps):
        inputs, targets = task.batch(config, settings.batch_size, generator)
        with autocast("auto", inputs.device):
            output = task.logits(module, parameters, inputs)
        loss = cross_entropy(output.flatten(0, -2).float(), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(values, settings.clip_norm)
        if not math.isfinite(norm.item()):
            final = DIVERGED
            curve.append((step, DIVERGED))
            break
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * learning_rate_factor(step, settings.steps, settings.warmup)
        optimizer.step()
        done = step + 1
        if done % settings.curve_every == 0 or done == settings.steps:
            curve.append((done, measure(task, module, parameters, points)))
    if final is None:
        final = measure(task, module, parameters, whole)
    # Of the processor, since other work on the machine is none of this run's cost.
    seconds = time.process_time() - started
    state = {name: tensor.detach() for name, tensor in parameters.items()}
    return FineTuneResult(zero_shot, final, curve, seconds, state)
