"""Growth: a wide network that starts from a trained narrow one, and computes what that does.

Beside the even copies of `widening`: HyperCloning's copies with noise that cancels, and Net2Net's at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from logah.evaluation.widening import widened

#: Decibels by which the weights are louder than the noise, as in HyperCloning's experiments.
SIGNAL_TO_NOISE = 10.0


def hypercloned(
    config: Mapping[str, Any],
    state: Mapping[str, Tensor],
    copies: int,
    generator: torch.Generator,
    decibels: float = SIGNAL_TO_NOISE,
) -> dict[str, Tensor]:
    """HyperCloning, symmetric with noise (Samragh et al., arXiv 2409.12903): of the network of `config` and `state`.

    Even copies; a matrix that reads copies gets noise, added for one copy of its inputs and taken away for the next, so
    that it cancels in the sum. Of an odd number of copies the last has none.
    """

    def noisy(name: str, tensor: Tensor) -> Tensor:
        axis = _input_axis(config, name, tensor)
        if axis is None or copies == 1:
            return tensor
        parts = list(tensor.chunk(copies, axis))
        for first in range(0, copies - 1, 2):
            noise = torch.randn(parts[first].shape, generator=generator)
            power = parts[first].square().mean() / 10 ** (decibels / 10)
            noise = noise * (power / noise.square().mean()).sqrt()
            parts[first], parts[first + 1] = parts[first] + noise, parts[first + 1] - noise
        return torch.cat(parts, axis)

    return {name: noisy(name, tensor) for name, tensor in widened(config, state, copies).items()}


def net2wider(
    config: Mapping[str, Any], state: Mapping[str, Tensor], copies: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """Net2WiderNet (Chen et al., arXiv 1511.05641): of the network of `config` and `state`.

    The hidden units of an MLP are its own; each further one copies one that is drawn at random, and whatever reads a
    unit is divided by the number of its copies. The residual stream and the heads are copied evenly, since norms and
    rotations see all of them.
    """
    wide = widened(config, state, copies)
    for layer in _mlps(wide):
        *into, out = layer
        axis = _input_axis(config, out, wide[out])
        assert axis is not None
        hidden = wide[out].shape[axis] // copies
        drawn = torch.randint(hidden, ((copies - 1) * hidden,), generator=generator)
        sources = torch.cat([torch.arange(hidden), drawn])
        counts = torch.bincount(sources, minlength=hidden)
        for name in into:
            # A bias has one axis, which is that of the units.
            own = 1 - axis if wide[name].dim() == 2 else 0
            wide[name] = wide[name].narrow(own, 0, hidden).index_select(own, sources)
        # Even copies were divided by their number already.
        share = copies / counts[sources]
        wide[out] = wide[out].narrow(axis, 0, hidden).index_select(axis, sources) * (
            share[None] if axis == 1 else share[:, None]
        )
    return wide


#: The matrices and biases that lead to the hidden units, and the matrix that reads them, by the names of families.
_INTO = {
    ".mlp.fc2.weight": (".mlp.fc1.weight", ".mlp.fc1.bias"),
    ".mlp.c_proj.weight": (".mlp.c_fc.weight", ".mlp.c_fc.bias"),
    ".mlp.down_proj.weight": (
        ".mlp.gate_proj.weight",
        ".mlp.gate_proj.bias",
        ".mlp.up_proj.weight",
        ".mlp.up_proj.bias",
    ),
}


def _mlps(state: Mapping[str, Tensor]) -> list[list[str]]:
    """Of each layer the names of what leads to its hidden units, and last the one that reads them."""
    return [
        [*(prefix + into for into in names if prefix + into in state), name]
        for name in state
        for out, names in _INTO.items()
        if name.endswith(out)
        for prefix in [name.removesuffix(out)]
    ]


def _input_axis(config: Mapping[str, Any], name: str, tensor: Tensor) -> int | None:
    """The axis along which a matrix reads what has copies; None for tables, kernels and vectors."""
    if tensor.dim() != 2 or name.endswith(("embed_tokens.weight", ".wte.weight", ".wpe.weight")):
        return None
    return 0 if config["model_type"] == "gpt2" and name != "lm_head.weight" else 1
