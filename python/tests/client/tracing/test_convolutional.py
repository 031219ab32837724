"""Traced convolutional networks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import traced_networks as networks
import transformers
from client_servers import CLI
from torch import nn
from traced_graphs import IMAGE, operations, origins, sources, structure

from logah.client import trace
from logah.graph import ArchitectureGraph, Initialization, Prediction


def test_a_resnet_50_is_predicted_to_its_last_parameter() -> None:
    with torch.device("meta"):
        module = networks.resnet50()
    graph = trace(module, (IMAGE,), strict=True)
    counts = {"input": 1, "conv": 54, "bn": 53, "max_pool": 1, "sum": 16, "glob_avg": 1, "bias": 1}
    assert operations(graph) == counts
    assert [p.name for p in graph.parameters] == [name for name, _ in module.named_parameters()]
    assert sources(graph, "layer1.0.sum") == {"layer1.0.bn3.weight", "layer1.0.downsample.1.weight"}
    config = transformers.ResNetConfig(num_labels=1000)
    with torch.device("meta"):
        other = transformers.ResNetForImageClassification(config)
    assert operations(trace(other, strict=True)) == counts


def test_a_convnext_is_predicted_save_its_layer_scales() -> None:
    graph = trace(networks.convnext_tiny(), (IMAGE,))
    assert operations(graph)["sep_conv"] == 18
    scale = torch.tensor(1e-6).item()
    assert origins(graph, "features.1.0.layer_scale") == [(96, Initialization("RULE_CONSTANT", value=scale))]
    with torch.device("meta"):
        module = transformers.ConvNextForImageClassification(transformers.ConvNextConfig())
    graph = trace(module)
    assert origins(graph, "convnext.encoder.stages.0.layers.0.layer_scale_parameter") == [
        (96, Initialization("RULE_CONSTANT", value=1e-6))
    ]
    by_rule = [p.name for p in graph.parameters if not isinstance(p.blocks[0].origin, Prediction)]
    assert all(name.endswith("layer_scale_parameter") for name in by_rule)
    assert len(by_rule) == 18


def test_squeeze_and_excitation_is_one_product_and_dilated_convolutions_are_told() -> None:
    graph = trace(networks.MobileNetV3(), (IMAGE,), strict=True)
    counts = operations(graph)
    assert (counts["cse"], counts["glob_avg"], counts["sep_conv"], counts["dil_conv"]) == (3, 1, 4, 1)
    before, after = "features.1.block.1.1.weight", "features.1.block.2.fc2.bias"
    assert sources(graph, "features.1.block.2.cse") == {before, after}
    assert sources(graph, "features.1.block.2.fc1.weight") == {before}


def test_branches_are_joined_and_pools_have_their_kernels() -> None:
    graph = trace(networks.Inception(), (IMAGE,), strict=True)
    assert sources(graph, "concat") == {"branch1.bias", "branch2.1.bias", "branch3.1.bias"}
    pools = {node.operation: node.shape for node in graph.nodes if "pool" in node.operation}
    assert pools == {"avg_pool": (1, 1, 3, 3), "max_pool": (1, 1, 3, 3)}


@pytest.mark.server
@pytest.mark.parametrize("make", [networks.resnet50, networks.convnext_tiny, networks.MobileNetV3, networks.Inception])
def test_the_service_reads_what_was_traced(make: Callable[[], nn.Module], tmp_path: Path) -> None:
    graph = trace(make(), (IMAGE,))
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(graph.to_json()))
    output = subprocess.run(["node", str(CLI), "graph", str(path)], check=True, capture_output=True, timeout=60).stdout
    assert structure(ArchitectureGraph.from_json(json.loads(output))) == structure(graph)
