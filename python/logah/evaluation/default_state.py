"""The parameters with which transformers itself starts a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageClassification

_AUTO = {
    "vit": AutoModelForImageClassification,
    **dict.fromkeys(("gpt2", "llama", "mistral", "qwen2"), AutoModelForCausalLM),
}


def default_state(config: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
    """Of the network of a complete configuration, drawn from `seed`; tied parameters are left out.

    Leaves torch's own random numbers as they were.
    """
    family = config["model_type"]
    values = {key: value for key, value in config.items() if key != "model_type"}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kind: Any = _AUTO[family]
        module = kind.from_config(AutoConfig.for_model(family, **values))
    return {name: parameter.detach() for name, parameter in module.named_parameters()}
