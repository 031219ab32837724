"""Mimetic initialisation: attention that starts as attention of pretrained transformers looks.

Source: Trockman and Kolter, "Mimetic Initialization of Self-Attention Layers" (arXiv 2305.09828). For each head
W_Q W_K^T = alpha Z + beta I of rank d / heads, and for all heads together W_V W_proj = alpha Z - beta I, each
factored by a singular value decomposition; Z has entries of variance 1 / d. Positions are sinusoids.

The paper's values for vision are used throughout. For language the paper finds the product of values and projection
to be positive, so that sign is turned there; the sinusoids are scaled to the deviation that GPT-2's own table has,
since tokens start as small as that and would be drowned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from logah.hypernet.encoder import sinusoids

#: Of queries and keys.
ALPHA_QK = BETA_QK = 0.7
#: Of values and projection.
ALPHA_V = BETA_V = 0.4


def mimetic_state(
    config: Mapping[str, Any], default: Mapping[str, Tensor], generator: torch.Generator
) -> dict[str, Tensor]:
    """`default` with attention and positions replaced. Raises KeyError for a family other than vit and gpt2."""
    return {"vit": _vit, "gpt2": _gpt2}[config["model_type"]](config, dict(default), generator)


def attention_weights(
    width: int, heads: int, sign: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """W_Q, W_K, W_V and W_proj, each [in, out]: rows of inputs are multiplied from the left."""
    size = width // heads
    queries, keys = [], []
    for _ in range(heads):
        U, S, Vh = torch.linalg.svd(_near_identity(width, ALPHA_QK, BETA_QK, generator))
        root = S[:size].sqrt()
        queries.append(U[:, :size] * root)
        keys.append(Vh[:size].T * root)
    U, S, Vh = torch.linalg.svd(_near_identity(width, ALPHA_V, sign * BETA_V, generator))
    root = S.sqrt()
    return torch.cat(queries, 1), torch.cat(keys, 1), U * root, root[:, None] * Vh


def _near_identity(width: int, alpha: float, beta: float, generator: torch.Generator) -> Tensor:
    noise = torch.randn(width, width, generator=generator) / math.sqrt(width)
    return alpha * noise + beta * torch.eye(width)


def _vit(config: Mapping[str, Any], state: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    width, heads = config["hidden_size"], config["num_attention_heads"]
    for layer in range(config["num_hidden_layers"]):
        for part, weight in zip("qkvo", attention_weights(width, heads, -1.0, generator), strict=True):
            # A linear layer stores [out, in].
            state[f"vit.layers.{layer}.attention.{part}_proj.weight"] = weight.T.contiguous()
    positions = state["vit.embeddings.position_embeddings"]
    state["vit.embeddings.position_embeddings"] = _waves(positions.shape[1], width)[None]
    return state


def _gpt2(config: Mapping[str, Any], state: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    width, heads = config["n_embd"], config["n_head"]
    for layer in range(config["n_layer"]):
        query, key, value, projection = attention_weights(width, heads, 1.0, generator)
        prefix = f"transformer.h.{layer}.attn"
        state[f"{prefix}.c_attn.weight"] = torch.cat([query, key, value], 1)
        state[f"{prefix}.c_proj.weight"] = projection
    table = state["transformer.wpe.weight"]
    waves = _waves(*table.shape)
    state["transformer.wpe.weight"] = waves * (table.std() / waves.std())
    return state


def _waves(rows: int, columns: int) -> Tensor:
    return sinusoids(rows, columns + columns % 2)[:, :columns].contiguous()
