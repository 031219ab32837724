"""Networks that lose layers at random, so that the others must do without them, and each is the last one sometimes.

Stochastic depth (arXiv 1603.09382) for what is predicted: a network's graph, and so its prediction, has all layers, but
the loss is that of the same network without some of them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

_LAYER = re.compile(r"(.*\.(?:layers|h)\.)(\d+)(\..*)")
#: Of transformers' configurations.
_DEPTHS = ("num_hidden_layers", "n_layer")


def draw_kept(layers: int, dropped: float, rng: random.Random) -> list[int]:
    """The layers that stay, each dropped with probability `dropped`; at least one stays."""
    kept = [layer for layer in range(layers) if rng.random() >= dropped]
    return kept or [rng.randrange(layers)]


def depth_of(config: Mapping[str, Any]) -> int:
    """How many layers a transformers configuration has."""
    return int(config[_depth_field(config)])


def without_layers(
    config: Mapping[str, Any], state: Mapping[str, Tensor], kept: Sequence[int]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The configuration and the state of the network that has the layers `kept` alone, in their order."""
    positions = {layer: position for position, layer in enumerate(kept)}
    shallower = {}
    for name, tensor in state.items():
        found = _LAYER.fullmatch(name)
        if found is None:
            shallower[name] = tensor
        elif (position := positions.get(int(found[2]))) is not None:
            shallower[f"{found[1]}{position}{found[3]}"] = tensor
    return {**config, _depth_field(config): len(kept)}, shallower


def _depth_field(config: Mapping[str, Any]) -> str:
    return next(field for field in _DEPTHS if field in config)
