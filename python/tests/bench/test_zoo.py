"""A sample of public model zoos: every parameter of every network has an origin."""

from __future__ import annotations

import math

import pytest
import torch

from bench.zoo import transformers_types
from logah.client import trace
from logah.graph import Prediction

#: Texts, images, audio, video, series; encoders, decoders and both; experts, state spaces, convolutions.
TYPES = (
    "albert", "audio-spectrogram-transformer", "bart", "beit", "bert", "bloom", "camembert", "clip", "convnext",
    "convnextv2", "deit", "dinov2", "dinov3_vit", "distilbert", "electra", "falcon", "gemma2", "gpt2", "gpt_neox",
    "hubert", "levit", "llama", "m2m_100", "mamba", "mixtral", "mobilenet_v2", "opt", "patchtst", "pegasus", "phi3",
    "qwen3_moe", "regnet", "resnet", "roberta", "siglip", "swin", "t5", "timesformer", "videomae", "whisper",
)  # fmt: skip
#: Whose inputs are made in ways of their own, or whose default configuration is mended.
UNUSUAL = (
    "audioflamingo3_encoder", "deepseek_v2", "glm4v_moe_text", "granite_speech5_encoder", "inkling2_vision",
    "kyutai_speech_to_text", "muse_spark_vision", "perceiver", "xmod",
)  # fmt: skip
NETWORKS = {network.name: network for network in transformers_types()}


def test_the_sample_is_of_40_types() -> None:
    assert len(set(TYPES)) == 40
    assert NETWORKS.keys() >= set(TYPES)


@pytest.mark.parametrize("name", (*TYPES, *UNUSUAL))
def test_a_network_of_a_zoo_is_traced_to_its_last_parameter(name: str) -> None:
    with torch.device("meta"):
        module = NETWORKS[name].build()
    graph = trace(module)
    own = {name: tuple(p.shape) for name, p in module.named_parameters(remove_duplicate=False)}
    assert {parameter.name: parameter.shape for parameter in graph.parameters} == own
    assert all(p.blocks or p.tied_to or p.keep or 0 in p.shape for p in graph.parameters)
    predicted = sum(
        math.prod(parameter.shape)
        for parameter in graph.parameters
        if any(isinstance(block.origin, Prediction) for block in parameter.blocks)
    )
    assert predicted > 0.5 * sum(p.numel() for p in module.parameters())
