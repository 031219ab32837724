"""The inputs that a module says its own."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from logah.errors import TraceError

#: Where a configuration does not say: the length of a text, and the side and the channels of an image.
_TOKENS = 4
_IMAGE_SIZE = 224
_CHANNELS = 3


def own_inputs(module: nn.Module) -> dict[str, Any]:
    """Keyword arguments for the forward pass of a transformers model, on the meta device; only their shapes count.

    Raises TraceError where the module does not say them.
    """
    config, name = getattr(module, "config", None), getattr(module, "main_input_name", None)
    if config is None or not isinstance(name, str):
        raise TraceError(f"a {type(module).__name__} does not say its inputs: pass example inputs to `trace`")
    inputs: dict[str, Any]
    if name == "input_ids":
        positions = getattr(config, "max_position_embeddings", None)
        tokens = min(_TOKENS, positions) if isinstance(positions, int) else _TOKENS
        # A model with inputs beside the text, such as a decoder's, overrides these.
        named = getattr(module, "dummy_inputs", {name: None})
        inputs = {key: torch.zeros(1, tokens, dtype=torch.long, device="meta") for key in named}
    elif name == "pixel_values":
        height, width = _height_and_width(getattr(config, "image_size", None) or _IMAGE_SIZE)
        channels = getattr(config, "num_channels", None) or _CHANNELS
        inputs = {name: torch.zeros(1, channels, height, width, device="meta")}
    else:
        raise TraceError(f'a {type(module).__name__} reads "{name}": pass example inputs to `trace`')
    if "use_cache" in inspect.signature(module.forward).parameters:
        inputs["use_cache"] = False
    return inputs


def _height_and_width(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
