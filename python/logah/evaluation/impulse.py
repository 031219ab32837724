"""Structured initialisation: attention of a ViT that starts as a convolution with impulses.

Source: Zheng, Li, Saratchandran and Lucey, "Structured Initialization for Vision Transformers" (arXiv 2505.19985), and
the values of its authors' code. Each head looks at one place of a 3 x 3 window around a patch, whatever the image:
queries and keys are the factors of lowest error of A, where P A P^T is the map of that impulse and P the normalised
positions. Values and projection are those of mimetic initialisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from logah.evaluation.mimetic import attention_weights

#: Offsets (rows, columns) of the heads, in the order of the authors' code; more heads begin again.
OFFSETS = ((0, 0), (-1, 0), (0, 1), (0, -1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
#: Logit of the place that a head looks at, and the deviation of the others', cut at two in the authors' noise.
IMPULSE, NOISE, NOISE_DEVIATION, NOISE_BOUND = 1000.0, 3.0, 0.6, 2.0
#: Factor of the positions, and Frobenius norm of each head's queries and keys.
POSITION_SCALE, QUERY_KEY_NORM = 18.0, 7.0


def impulse_state(
    config: Mapping[str, Any], default: Mapping[str, Tensor], generator: torch.Generator
) -> dict[str, Tensor]:
    """`default` with attention and positions replaced. Raises KeyError for a family other than vit."""
    if config["model_type"] != "vit":
        raise KeyError(config["model_type"])
    width, heads = config["hidden_size"], config["num_attention_heads"]
    side = config["image_size"] // config["patch_size"]
    state = dict(default)
    name = "vit.embeddings.position_embeddings"
    state[name] = POSITION_SCALE * state[name]
    # The class token stands in front of the patches.
    positions = state[name][0, 1:]
    for layer in range(config["num_hidden_layers"]):
        queries, keys = impulse_attention(positions, side, heads, generator)
        _, _, value, projection = attention_weights(width, heads, -1.0, generator)
        for part, weight in zip("qkvo", (queries, keys, value, projection), strict=True):
            # A linear layer stores [out, in].
            state[f"vit.layers.{layer}.attention.{part}_proj.weight"] = weight.T.contiguous()
    return state


def impulse_attention(positions_TC: Tensor, side: int, heads: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """W_Q and W_K, each [width, width]: the columns of each head's own size stand side by side."""
    tokens, width = positions_TC.shape
    size = width // heads
    maps_HTT = torch.stack([impulse_map(side, *OFFSETS[head % len(OFFSETS)]) for head in range(heads)])
    noise = torch.empty(heads, tokens, tokens)
    torch.nn.init.trunc_normal_(noise, 0.0, NOISE_DEVIATION, -NOISE_BOUND, NOISE_BOUND, generator=generator)
    logits_HTT = torch.where(maps_HTT > 0, IMPULSE, NOISE * noise)
    inverse_CT = _inverse(torch.nn.functional.layer_norm(positions_TC, [width]), size)
    U, S, Vh = torch.linalg.svd(inverse_CT @ logits_HTT @ inverse_CT.T)
    root_H1D = S[:, None, :size].sqrt()
    factors = U[:, :, :size] * root_H1D, Vh[:, :size].transpose(1, 2) * root_H1D
    norms = (factor.flatten(1).norm(dim=1)[:, None, None] for factor in factors)
    queries, keys = (QUERY_KEY_NORM * f / n for f, n in zip(factors, norms, strict=True))
    return torch.cat(list(queries), 1), torch.cat(list(keys), 1)


def impulse_map(side: int, rows: int, columns: int) -> Tensor:
    """[side^2, side^2]: 1 where a patch looks at the one so many rows below it and columns right of it, if any."""

    def shifted(offset: int) -> Tensor:
        return torch.diag(torch.ones(side - abs(offset)), offset)

    return torch.kron(shifted(rows), shifted(columns))


def _inverse(positions_TC: Tensor, rank: int) -> Tensor:
    """The pseudoinverse [C, T] by way of P^T P, of whose singular values the largest `rank` count."""
    U, S, Vh = torch.linalg.svd(positions_TC.T @ positions_TC)
    # Fewer patches than columns of a head leave the rest at zero.
    kept = (S > S[0] * positions_TC.shape[1] * torch.finfo(S.dtype).eps) & (torch.arange(len(S)) < rank)
    inverse = torch.where(kept, 1 / S, 0.0)
    return (Vh.T * inverse) @ U.T @ positions_TC.T
