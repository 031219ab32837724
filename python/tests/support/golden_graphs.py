"""The golden graphs, and the transformers models that they stand for."""

from __future__ import annotations

import json
from typing import Any

import torch
import transformers
from paths import FIXTURES
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel

GOLDEN = FIXTURES / "graphs"
NAMES = sorted(path.name.removesuffix(".config.json") for path in GOLDEN.glob("*.config.json"))
# The class that is meant where the configuration names none.
DEFAULTS = {
    "bert": "BertForMaskedLM",
    "deit": "DeiTForImageClassification",
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "opt": "OPTForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "roberta": "RobertaForMaskedLM",
    "vit": "ViTForImageClassification",
}


def read_config(name: str, **fields: Any) -> PretrainedConfig:
    return AutoConfig.for_model(**json.loads((GOLDEN / f"{name}.config.json").read_text()), **fields)


def read_graph(name: str) -> dict[str, Any]:
    graph: dict[str, Any] = json.loads((GOLDEN / f"{name}.graph.json").read_text())
    return graph


def build(config: PretrainedConfig, device: str = "meta") -> PreTrainedModel:
    name = config.architectures[0] if config.architectures else DEFAULTS[config.model_type]
    cls: type[PreTrainedModel] = getattr(transformers, name)
    with torch.device(device):
        return cls(config)
