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
    "bart": "BartForConditionalGeneration",
    "bert": "BertForMaskedLM",
    "bloom": "BloomForCausalLM",
    "camembert": "CamembertForMaskedLM",
    "clip": "CLIPModel",
    "clip_text_model": "CLIPTextModel",
    "clip_vision_model": "CLIPVisionModel",
    "convnext": "ConvNextForImageClassification",
    "deberta-v2": "DebertaV2ForMaskedLM",
    "deit": "DeiTForImageClassification",
    "dinov2": "Dinov2Model",
    "distilbert": "DistilBertForMaskedLM",
    "electra": "ElectraForPreTraining",
    "falcon": "FalconForCausalLM",
    "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
    "gpt2": "GPT2LMHeadModel",
    "gpt_neox": "GPTNeoXForCausalLM",
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "mixtral": "MixtralForCausalLM",
    "opt": "OPTForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM",
    "resnet": "ResNetForImageClassification",
    "roberta": "RobertaForMaskedLM",
    "siglip": "SiglipModel",
    "siglip_text_model": "SiglipTextModel",
    "siglip_vision_model": "SiglipVisionModel",
    "swin": "SwinForImageClassification",
    "t5": "T5ForConditionalGeneration",
    "vit": "ViTForImageClassification",
    "whisper": "WhisperForConditionalGeneration",
    "xlm-roberta": "XLMRobertaForMaskedLM",
}


def read_fields(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((GOLDEN / f"{name}.config.json").read_text())
    return fields


#: Of each golden graph.
MODEL_TYPES = {name: str(read_fields(name)["model_type"]) for name in NAMES}


def read_config(name: str, **fields: Any) -> PretrainedConfig:
    return AutoConfig.for_model(**read_fields(name), **fields)


def read_graph(name: str) -> dict[str, Any]:
    graph: dict[str, Any] = json.loads((GOLDEN / f"{name}.graph.json").read_text())
    return graph


def build(config: PretrainedConfig, device: str = "meta") -> PreTrainedModel:
    name = config.architectures[0] if config.architectures else DEFAULTS[config.model_type]
    cls: type[PreTrainedModel] = getattr(transformers, name)
    with torch.device(device):
        return cls(config)


def inputs(model: PreTrainedModel) -> dict[str, Any] | None:
    """What to trace a model with; None: its own inputs."""
    if type(model).__name__.endswith("ForMultipleChoice"):
        return {"input_ids": torch.zeros(1, 2, 4, dtype=torch.long, device="meta")}
    decodes = any(name.endswith("decoder") for name, _ in model.named_modules())
    if model.config.model_type == "t5" and decodes:
        tokens = torch.zeros(1, 4, dtype=torch.long, device="meta")
        return {"input_ids": tokens, "decoder_input_ids": tokens, "use_cache": False}
    if model.config.model_type == "whisper" and decodes and model.main_input_name == "input_features":
        sound = torch.zeros(1, model.config.num_mel_bins, 2 * model.config.max_source_positions, device="meta")
        tokens = torch.zeros(1, 4, dtype=torch.long, device="meta")
        return {"input_features": sound, "decoder_input_ids": tokens, "use_cache": False}
    return None
