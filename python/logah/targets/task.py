"""Target networks: what training and evaluation need of a family, and how predicted blocks become its state."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from logah.graph import ArchitectureGraph, Initialization
from logah.hypernet.hypernetwork import GraphFeatures, Hypernetwork

SplitName = Literal["validation", "test"]


class Space(Protocol):
    """The architectures that training samples; never those of a width in `held_out_widths`."""

    @property
    def held_out_widths(self) -> tuple[int, ...]: ...

    @property
    def model_types(self) -> tuple[str, ...]:
        """transformers' `model_type` of the architectures: for most families one, its name."""

    def sample(self, rng: random.Random) -> dict[str, Any]:
        """The complete transformers configuration of one architecture."""

    @property
    def config(self) -> Callable[..., dict[str, Any]]:
        """A complete transformers configuration of given sizes."""

    def ranges(self) -> dict[str, list[int]]:
        """Smallest and largest value of each size, for the manifest."""


class Task(Protocol):
    """A family of target networks and the data that they learn. Targets are classes, int64."""

    #: As `FAMILIES` names it: transformers' `model_type`, or the first of those that are one family.
    family: str
    #: transformers' `model_type` of its networks.
    model_types: tuple[str, ...]
    #: Where batches are.
    device: torch.device

    def graph(self, config: Mapping[str, Any]) -> ArchitectureGraph:
        """The graph of a complete transformers configuration."""

    def module(self, config: Mapping[str, Any]) -> nn.Module:
        """The real module on the meta device: structure without weights."""

    def initialized(self, config: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
        """The state with which transformers itself starts, drawn from `seed`; tied parameters are left out."""

    def logits(self, module: nn.Module, state: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """Runs the module with `state` in place of its own (meta) parameters; classes are the last dimension."""

    def references(self) -> dict[str, float]:
        """What simpler models reach on the test split."""

    def batch(self, config: Mapping[str, Any], size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Inputs and targets drawn from the training split; `size` counts images or tokens."""

    def batches(
        self, config: Mapping[str, Any], split: SplitName, limit: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """A held-out split in order, or its first `limit` images or tokens, in batches."""


def predict_state(
    hypernetwork: Hypernetwork, graph: ArchitectureGraph, generator: torch.Generator
) -> dict[str, Tensor]:
    """Every parameter of a network: predicted blocks and, where nothing predicts, the family's rule.

    They are on the hypernetwork's device; `generator` is a CPU one, so that what it draws is the same on all devices.
    """
    features = GraphFeatures.of(graph, hypernetwork.config).to(hypernetwork.device)
    predicted: Mapping[tuple[str, int], Tensor] = hypernetwork(features)
    return assemble(graph, predicted, generator)


def assemble(
    graph: ArchitectureGraph, predicted: Mapping[tuple[str, int], Tensor], generator: torch.Generator
) -> dict[str, Tensor]:
    """Joins the blocks of each parameter that is not tied; rule-initialised blocks are drawn from `generator`."""
    state = {}
    device = next(iter(predicted.values())).device
    for parameter in graph.parameters:
        if parameter.tied_to:
            continue
        parts = []
        for position, (block, shape) in enumerate(zip(parameter.blocks, parameter.block_shapes(), strict=True)):
            if isinstance(block.origin, Initialization):
                drawn = torch.randn(shape, generator=generator) * block.origin.standard_deviation
                parts.append(drawn.to(device))
            else:
                parts.append(predicted[parameter.name, position])
        state[parameter.name] = parts[0] if len(parts) == 1 else torch.cat(parts, dim=parameter.axis)
    return state
