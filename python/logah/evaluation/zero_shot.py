"""Zero-shot evaluation: how well networks do with predicted parameters and no training of their own."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from logah.evaluation.widening import base_configuration, copies_needed, widened
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.base import Base, with_base
from logah.targets.mixture import Member
from logah.targets.task import Space, SplitName, Task, predict_state
from logah.training.configuration import Networks, ValidationConfig

#: Families that are measured by perplexity.
LANGUAGE_FAMILIES = ("gpt2", "llama")


@dataclass(frozen=True)
class Score:
    """Mean cross-entropy in nats, and the share of images or next tokens that were right."""

    loss: float
    accuracy: float

    @property
    def perplexity(self) -> float:
        """exp(loss)."""
        return math.exp(self.loss)


@torch.no_grad()
def zero_shot(
    hypernetwork: Hypernetwork,
    task: Task,
    config: Mapping[str, Any],
    split: SplitName,
    limit: int | None = None,
    seed: int = 0,
    copies: int = 1,
    base: Base = "none",
) -> Score:
    """The score of one network with predicted parameters; `seed` draws what is not predicted, and the base.

    copies: predict a network so many times narrower, and widen it. base: what the hypernetwork was trained with; it has
    the network's own width, so that copies differ.
    """
    narrow = base_configuration(config, copies)
    state = predict_state(hypernetwork, task.graph(narrow), torch.Generator().manual_seed(seed))
    whole = state if copies == 1 else widened(narrow, state, copies)
    return score(task, config, with_base(task, config, whole, base, seed), split, limit)


@torch.no_grad()
def score(
    task: Task, config: Mapping[str, Any], state: Mapping[str, Tensor], split: SplitName, limit: int | None = None
) -> Score:
    """The score of one network with the given parameters."""
    module = task.module(config)
    loss, right, count = 0.0, 0, 0
    for inputs, targets in task.batches(config, split, limit):
        output, flat = task.logits(module, state, inputs).flatten(0, -2), targets.flatten()
        loss += cross_entropy(output, flat, reduction="sum").item()
        right += int((output.argmax(1) == flat).sum())
        count += flat.numel()
    return Score(loss / count, right / count)


def validation_loss(
    hypernetwork: Hypernetwork,
    task: Task,
    space: Space,
    architectures: Sequence[Mapping[str, int]],
    limit: int,
    base: Base = "none",
) -> float:
    """Mean loss of several networks on the first `limit` images or tokens of the validation split."""
    configs = [space.config(**sizes) for sizes in architectures]
    return statistics.fmean(
        zero_shot(hypernetwork, task, config, "validation", limit, base=base).loss for config in configs
    )


def validation_losses(
    hypernetwork: Hypernetwork,
    tasks: Mapping[str, Task],
    members: Sequence[Member],
    validation: ValidationConfig,
    base: Base = "none",
) -> dict[str, float]:
    """`loss`, the mean of the families' mean losses, and where there are several, `FAMILY_loss` of each.

    Each family counts the same, however many networks it has.
    """
    losses = {
        family: validation_loss(
            hypernetwork, tasks[family], space, validation.networks[family], validation.limits[family], base
        )
        for family, space in ((member.family, member.space) for member in members)
    }
    own = {f"{family}_loss": loss for family, loss in losses.items()} if len(losses) > 1 else {}
    return {"loss": statistics.fmean(losses.values()), **own}


def evaluate_members(
    hypernetwork: Hypernetwork,
    tasks: Mapping[str, Task],
    members: Sequence[Member],
    groups: Mapping[str, Networks],
    base: Base = "none",
) -> list[dict[str, Any]]:
    """The records of `evaluate_groups` of each family; where there are several, each record names its own."""
    records: list[dict[str, Any]] = []
    for member in members:
        own = {group: networks[member.family] for group, networks in groups.items() if member.family in networks}
        found = evaluate_groups(hypernetwork, tasks[member.family], member.space, own, base)
        label = {"family": member.family} if len(members) > 1 else {}
        records += [{**label, **record} for record in found]
    return records


def evaluate_groups(
    hypernetwork: Hypernetwork,
    task: Task,
    space: Space,
    groups: Mapping[str, Sequence[Mapping[str, int]]],
    base: Base = "none",
) -> list[dict[str, Any]]:
    """One record a network: its group, sizes, number of parameters and value; a record of means ends each group.

    The value is the accuracy on the test split, and for language the perplexity; `default_init` is that of the same
    network as transformers starts it (seed 0). A network wider than any that training saw is predicted at the widest
    base that training covered, and widened `copies` times; `unwidened` is the value without that.
    """
    metric = "zero_shot_perplexity" if task.family in LANGUAGE_FAMILIES else "zero_shot_accuracy"
    records: list[dict[str, Any]] = []
    for group, architectures in groups.items():
        values = []
        for sizes in architectures:
            config = space.config(**sizes)
            copies = copies_needed(config, space.ranges())

            def value_of(found: Score) -> float:
                return found.perplexity if metric == "zero_shot_perplexity" else found.accuracy

            value = value_of(zero_shot(hypernetwork, task, config, "test", copies=copies, base=base))
            default = value_of(score(task, config, task.initialized(config, 0), "test"))
            values.append(value)
            parameters = sum(p.numel() for p in task.module(config).parameters())
            record = {"metric": metric, "group": group, **sizes, "parameters": parameters}
            if copies > 1:
                unwidened = value_of(zero_shot(hypernetwork, task, config, "test", base=base))
                record = {**record, "copies": copies, "unwidened": unwidened}
            records.append({**record, "value": value, "default_init": default})
            print(f"{group}: {sizes} {parameters:,} parameters, {metric} {value:.3f} ({default:.3f})", flush=True)
        records.append({"metric": f"mean_{metric}", "group": group, "value": round(statistics.fmean(values), 4)})
    return records
