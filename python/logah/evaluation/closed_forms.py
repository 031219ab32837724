"""Starts that a formula gives: torchtitan's recipe, small initialisation, and orthogonal matrices with muP's norms.

Each takes a default start, and gives it back with its matrices drawn anew; norms and biases stay as transformers has
them. Nothing here reads a hypernetwork.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from logah.graph import ArchitectureGraph, Prediction
from logah.targets.state_blocks import is_matrix, map_predicted

#: torchtitan's deviation of matrices that do not write to the residual stream.
DEVIATION = 0.02
#: Deviations at which torchtitan cuts the head's distribution.
HEAD_CUTOFF = 3.0
#: Of `small`: deviation = fan_in^-GAMMA. 0.5 keeps the variance of activations; larger is smaller.
GAMMA = 1.0

_LAYER = re.compile(r"\.(?:layers|h)\.(\d+)\.")
#: Matrices that torchtitan scales by depth: what attention writes, and the second and third matrix of the MLP, of which
#: an MLP without a gate has the second alone.
_DEPTH_SCALED = (
    ".attention.o_proj.weight",
    ".mlp.fc2.weight",
    ".c_proj.weight",
    ".self_attn.o_proj.weight",
    ".mlp.up_proj.weight",
    ".mlp.down_proj.weight",
)
TOKEN_TABLES = ("model.embed_tokens.weight", "transformer.wte.weight")
_HEADS = ("lm_head.weight", "classifier.weight")


def torchtitan_state(
    config: Mapping[str, Any], default: Mapping[str, Tensor], generator: torch.Generator
) -> dict[str, Tensor]:
    """torchtitan's Llama 3: `torchtitan/models/llama3`, there for Llama alone, here by the same roles for all.

    Matrices have a deviation of 0.02, those that `_DEPTH_SCALED` names 0.02 / sqrt(2 (layer + 1)), layers counted from
    0. The head has 1 / sqrt(width), cut at three deviations; a token table of its own has 1, one that is the head too
    is drawn as the head. Positions and patches, which Llama has none of, stay as transformers has them.
    """
    tied = bool(config.get("tie_word_embeddings", False))

    def drawn(name: str, tensor: Tensor) -> Tensor:
        if name in _HEADS or (tied and name in TOKEN_TABLES):
            deviation = tensor.shape[1] ** -0.5
            return _truncated(tensor, deviation, HEAD_CUTOFF * deviation, generator)
        if name in TOKEN_TABLES:
            return torch.randn(tensor.shape, generator=generator)
        layer = _LAYER.search(name)
        if layer is None or tensor.dim() != 2:
            return tensor
        depth = 2 * (int(layer[1]) + 1) if name.endswith(_DEPTH_SCALED) else 1
        # torch's own bounds, which lie a hundred deviations away.
        return _truncated(tensor, DEVIATION / math.sqrt(depth), 2.0, generator)

    return {name: drawn(name, tensor) for name, tensor in default.items()}


def small_state(
    graph: ArchitectureGraph, default: Mapping[str, Tensor], gamma: float, generator: torch.Generator
) -> dict[str, Tensor]:
    """Every matrix and table Gaussian with a deviation of fan_in^-gamma (arXiv 2606.17945).

    gamma as its authors define it in arXiv 2502.04375; a table reads its own width back as a head, so that is its
    fan-in. At a width of 4,096 gamma 0.5 is 0.016, about the usual 0.02; at the widths here that is 0.8 already.
    """

    def drawn(block: Tensor, origin: Prediction) -> Tensor:
        if not is_matrix(block):
            return block
        return fan_in(graph, block, origin) ** -gamma * torch.randn(block.shape, generator=generator)

    return map_predicted(graph, default, drawn)


def mup_orthogonal_state(
    graph: ArchitectureGraph, default: Mapping[str, Tensor], generator: torch.Generator
) -> dict[str, Tensor]:
    """Orthogonal matrices times sqrt(fan_out / fan_in): the spectral condition of muP (arXiv 2310.17813).

    A block has that number as all of its singular values. Tables of embeddings and positions stay as they are, also one
    that is the head too: reading and writing ask for different norms.
    """
    tables = {parameter.tied_to for parameter in graph.parameters if parameter.tied_to}
    shared = {
        block.origin.node
        for parameter in graph.parameters
        if parameter.name in tables
        for block in parameter.blocks
        if isinstance(block.origin, Prediction)
    }

    def drawn(block: Tensor, origin: Prediction) -> Tensor:
        if not is_matrix(block) or origin.role == "ROLE_EMBEDDING" or origin.node in shared:
            return block
        inputs = fan_in(graph, block, origin)
        fresh = torch.empty(block.shape)
        torch.nn.init.orthogonal_(fresh, math.sqrt(block.numel() / inputs / inputs), generator=generator)
        return fresh

    return map_predicted(graph, default, drawn)


def fan_in(graph: ArchitectureGraph, block: Tensor, origin: Prediction) -> int:
    """What an output of the block sums over. GPT-2 stores its linear layers as [in, out], all others [out, in]."""
    if graph.family == "gpt2" and block.dim() == 2 and ".h." in graph.nodes[origin.node].name:
        return block.shape[0]
    return block.numel() // block.shape[0]


def _truncated(like: Tensor, deviation: float, bound: float, generator: torch.Generator) -> Tensor:
    return torch.nn.init.trunc_normal_(torch.empty(like.shape), 0.0, deviation, -bound, bound, generator=generator)
