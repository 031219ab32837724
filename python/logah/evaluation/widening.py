"""Function-preserving widening: a network k times as wide that computes what its base computes.

Every entry of the residual stream, of the heads and of the MLP is there k times: entry i of the wide network reads
entry i mod n of the base. A sum over k copies is k times too large, so weights are divided by k where they read. A
normalisation sees the same mean and deviation in the copies as in the original. Known as Net2WiderNet (Chen et al.,
arXiv 1511.05641) where the division is uneven and random; here it is even, heads keep their size, and nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

_WIDTH, _HIDDEN, _HEADS = "hidden_size", "intermediate_size", "num_attention_heads"
_SHARED = "num_key_value_heads"
_LLAMA = {name: name for name in (_WIDTH, _HIDDEN, _HEADS, _SHARED)}
#: The sizes that grow, by family: the configuration's name of each, and that of training's ranges.
GROWING: Mapping[str, Mapping[str, str]] = {
    "vit": {name: name for name in (_WIDTH, _HIDDEN, _HEADS)},
    "gpt2": {"n_embd": _WIDTH, "n_inner": _HIDDEN, "n_head": _HEADS},
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
}


def copies_needed(config: Mapping[str, Any], ranges: Mapping[str, Sequence[int]]) -> int:
    """The fewest copies whose base lies in the trained `ranges` (name -> [least, most]) of the sizes that grow.

    1 where the configuration lies there itself, and also where no base does: then it is predicted as it is.
    """
    growing = GROWING[config["model_type"]]
    sizes = [config[name] for name in growing]
    bounds = [ranges[name] for name in growing.values()]
    for copies in range(1, min(sizes) + 1):
        if all(
            size % copies == 0 and least <= size // copies <= most
            for size, (least, most) in zip(sizes, bounds, strict=True)
        ):
            return copies
    return 1


def base_configuration(config: Mapping[str, Any], copies: int) -> dict[str, Any]:
    """The configuration that is `copies` times narrower: heads of the same size, as many layers."""
    names = GROWING[config["model_type"]]
    for name in names:
        if config[name] % copies:
            raise ValueError(f"{name}: got {config[name]}, which {copies} copies do not divide")
    return {**config, **{name: config[name] // copies for name in names}}


def widened(config: Mapping[str, Any], state: Mapping[str, Tensor], copies: int) -> dict[str, Tensor]:
    """The state of a network `copies` times as wide as the one of `config` and `state`.

    Raises KeyError for a family that has no rule.
    """
    family = config["model_type"]
    rule = {"vit": _vit, "gpt2": _gpt2, "llama": _llama, "mistral": _llama, "qwen2": _llama}[family]
    tied = bool(config.get("tie_word_embeddings", False))
    return {name: rule(name, tensor, copies, tied) for name, tensor in state.items()}


def _vit(name: str, tensor: Tensor, copies: int, tied: bool) -> Tensor:
    if name == "classifier.bias":
        return tensor
    if name == "classifier.weight":
        return _tiled(tensor, copies, 1) / copies
    if name.endswith((".cls_token", ".position_embeddings")):
        return _tiled(tensor, copies, tensor.dim() - 1)
    if tensor.dim() == 2:
        return _tiled(tensor, copies, 0, 1) / copies
    # Norms and biases, and the patch projection [width, channels, patch, patch], which reads pixels, not copies.
    return _tiled(tensor, copies, 0)


def _gpt2(name: str, tensor: Tensor, copies: int, tied: bool) -> Tensor:
    if name.endswith((".wte.weight", ".wpe.weight")):
        return _tiled(tensor, copies, 1)
    if name == "lm_head.weight":
        return _tiled(tensor, copies, 1) / copies
    if ".ln_f." in name:
        # A tied table reads and writes; what its sums over copies have too much, the norm before it takes away.
        return _tiled(tensor, copies, 0) / (copies if tied else 1)
    if ".c_attn." in name:
        # q, k and v are each repeated for itself.
        last = tensor.dim() - 1
        parts = [_tiled(part, copies, *range(tensor.dim())) for part in tensor.chunk(3, last)]
        return torch.cat(parts, last) / (copies if tensor.dim() == 2 else 1)
    if tensor.dim() == 2:
        return _tiled(tensor, copies, 0, 1) / copies
    return _tiled(tensor, copies, 0)


def _llama(name: str, tensor: Tensor, copies: int, tied: bool) -> Tensor:
    if name == "model.embed_tokens.weight":
        return _tiled(tensor, copies, 1)
    if name == "lm_head.weight":
        return _tiled(tensor, copies, 1) / copies
    if name == "model.norm.weight":
        # As GPT-2's last norm.
        return _tiled(tensor, copies, 0) / (copies if tied else 1)
    return _tiled(tensor, copies, *range(tensor.dim())) / (copies if tensor.dim() == 2 else 1)


def _tiled(tensor: Tensor, copies: int, *dims: int) -> Tensor:
    """`copies` times along each of the dimensions."""
    return tensor.repeat(*(copies if dim in dims else 1 for dim in range(tensor.dim())))
