"""Traced graphs against the front-ends of the service and the authors' tracer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch
import traced_networks as networks
import transformers
from golden_graphs import DEFAULTS, MODEL_TYPES, NAMES, inputs, read_graph
from parity_graphs import parity_graph
from traced_graphs import IMAGE, named_edges, operations, origins, structure, transformers_model

from logah.client import trace
from logah.graph import ArchitectureGraph, Initialization, Prediction


def test_there_are_golden_graphs_of_three_sizes_of_every_family() -> None:
    counts = Counter(MODEL_TYPES.values())
    assert set(counts) == set(DEFAULTS)
    assert min(counts.values()) >= 3


def is_sinusoids(origin: Prediction | Initialization) -> bool:
    return isinstance(origin, Initialization) and origin.rule == "RULE_SINUSOIDS"


def without(graph: ArchitectureGraph, names: set[str]) -> ArchitectureGraph:
    return replace(graph, parameters=tuple(p for p in graph.parameters if p.name not in names))


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_is_the_graph_that_the_config_front_end_builds(name: str) -> None:
    model = transformers_model(name)
    graph = trace(model, kwargs=inputs(model))
    golden = ArchitectureGraph.from_json(read_graph(name))
    # Tables that are never trained or read: a trace leaves it to the caller to keep them, a configuration has but their
    # rules.
    left = {key for key, value in model.named_parameters() if not value.requires_grad}
    left |= {parameter.name for parameter in graph.parameters if parameter.keep == "KEEP_ALWAYS"}
    # DistilBERT's module does not say that it does not train its table of sines; its configuration does.
    left |= {p.name for p in golden.parameters for block in p.blocks if is_sinusoids(block.origin)}
    assert structure(without(graph, left)) == structure(without(golden, left))
    ruled = [block.origin for p in golden.parameters if p.name in left for block in p.blocks]
    assert all(isinstance(origin, Initialization) for origin in ruled)
    assert (graph.name, graph.family) == (golden.name, golden.family)
    assert graph.initializer_range == golden.initializer_range


@pytest.mark.parametrize("name", ["vit-width-96", "gpt2-tied", "llama-grouped", "bert-masked", "opt-norm-before"])
def test_attention_written_out_is_the_same_graph_as_the_fused_one(name: str) -> None:
    assert structure(trace(transformers_model(name, "eager"))) == structure(trace(transformers_model(name)))


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "sizes"),
    [("vit-c96-l2-p4", (32, 4, 2, 3, 96, 384, 10)), ("vit-c320-l2-p16", (64, 16, 2, 5, 320, 1280, 37))],
)
def test_a_vision_transformer_is_the_graph_of_the_authors_tracer(name: str, sizes: tuple[int, ...]) -> None:
    image = torch.empty(1, 3, sizes[0], sizes[0])
    graph, authors = trace(networks.VisionTransformer(*sizes), (image,)), parity_graph(name)
    assert structure(graph)[:2] == structure(authors)[:2]
    assert {p.name: p.shape for p in graph.parameters} == {p.name: p.shape for p in authors.parameters}


@pytest.mark.parity
def test_a_residual_network_is_the_graph_of_the_authors_tracer() -> None:
    """Theirs is in an order of its own where branches run side by side."""
    graph, authors = trace(networks.resnet18(), (IMAGE,)), parity_graph("ghn3-resnet18")
    assert named_edges(graph) == named_edges(authors)
    assert {p.name: p.shape for p in graph.parameters} == {p.name: p.shape for p in authors.parameters}


SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
}


@pytest.mark.parametrize(
    ("kind", "fields", "attention", "by_rule"),
    [
        ("Phi3", {"pad_token_id": 0}, "qkv_proj.weight", 0),
        ("Qwen3", {"head_dim": 8}, "q_proj.weight", 0),
        # Norms whose weight is added to 1.
        ("Gemma2", {"head_dim": 8}, "q_proj.weight", 5),
        ("Mixtral", {"num_local_experts": 2}, "q_proj.weight", 0),
    ],
)
def test_decoders_without_a_front_end_are_traced(
    kind: str, fields: dict[str, int], attention: str, by_rule: int
) -> None:
    config = getattr(transformers, f"{kind}Config")(**SIZES, **fields)
    with torch.device("meta"):
        module = getattr(transformers, f"{kind}ForCausalLM")(config)
    graph = trace(module)
    counts = operations(graph)
    assert (counts["msa"], counts["rot_emb"], counts["sum"]) == (1, 2, 2)
    assert sum(not isinstance(p.blocks[0].origin, Prediction) for p in graph.parameters if p.blocks) == by_rule
    fused = origins(graph, f"model.layers.0.self_attn.{attention}")
    assert fused == ([(32, 0), (16, 1), (16, 2)] if kind == "Phi3" else [(32, 0)])


def test_experts_are_a_matrix_each_of_one_node() -> None:
    config = transformers.MixtralConfig(**SIZES, num_local_experts=3)
    with torch.device("meta"):
        module = transformers.MixtralForCausalLM(config)
    graph = trace(module)
    own = {p.name.rpartition(".")[2]: p for p in graph.parameters if ".experts." in p.name}
    up, down = own["gate_up_proj"], own["down_proj"]
    assert (up.shape, up.view, up.repetitions, up.block_shapes()) == ((3, 96, 32), (288, 32), 3, [(96, 32)])
    assert (down.shape, down.view, down.repetitions, down.block_shapes()) == ((3, 32, 48), (96, 48), 3, [(32, 48)])
    read = [p.blocks[0].origin for p in (up, down)]
    assert [graph.nodes[o.node].shape for o in read if isinstance(o, Prediction)] == [(96, 32), (32, 48)]
