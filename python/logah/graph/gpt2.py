"""The graph of transformers' `GPT2LMHeadModel`, for the networks that training samples.

The service builds the same graph in TypeScript; both are held to the same golden files. Why it looks as it does:
docs/decisions/010-gpt2-graph.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from logah.graph.architecture import ArchitectureGraph, Block, GraphBuilder, Parameter, Prediction, Role

TOKENS = "transformer.wte.weight"
POSITIONS = "transformer.wpe.weight"
HEAD = "lm_head.weight"


def gpt2_graph(config: Mapping[str, Any], name: str = "") -> ArchitectureGraph:
    """Builds the graph from a complete transformers GPT-2 configuration (every field present).

    Source: transformers `modeling_gpt2.py`; node and edge conventions of the LoGAH authors' tracer.
    """
    width: int = config["n_embd"]
    hidden: int = config["n_inner"] or 4 * width
    vocabulary: int = config["vocab_size"]
    positions: int = config["n_positions"]
    tied: bool = config["tie_word_embeddings"]

    graph = GraphBuilder()

    def conv1d(prefix: str, in_features: int, out_features: int, after: int) -> int:
        """transformers' Conv1D: a linear layer whose weight is stored as [in, out]."""
        weight = graph.node(f"{prefix}.weight", "conv", (in_features, out_features), [after])
        bias = graph.node(f"{prefix}.bias", "bias", (out_features,), [weight])
        graph.parameter(f"{prefix}.weight", (in_features, out_features), weight, "ROLE_MATRIX")
        graph.parameter(f"{prefix}.bias", (out_features,), bias, "ROLE_BIAS")
        return bias

    def query_key_value(prefix: str, after: int) -> int:
        """The fused projection: one node for q, k and v, three blocks of its parameter."""
        weight = graph.node(f"{prefix}.weight", "conv", (width, 3 * width), [after])
        bias = graph.node(f"{prefix}.bias", "bias", (3 * width,), [weight])
        matrices = _thirds(width, weight, "ROLE_MATRIX")
        biases = _thirds(width, bias, "ROLE_BIAS")
        graph.parameters.append(Parameter(f"{prefix}.weight", (width, 3 * width), matrices, axis=1))
        graph.parameters.append(Parameter(f"{prefix}.bias", (3 * width,), biases))
        return bias

    def layer_norm(prefix: str, after: int) -> int:
        node = graph.node(f"{prefix}.weight", "ln", (width,), [after])
        graph.parameter(f"{prefix}.weight", (width,), node, "ROLE_NORM_WEIGHT")
        graph.parameter(f"{prefix}.bias", (width,), node, "ROLE_BIAS")
        return node

    source = graph.node("input", "input")
    # A tied table is a linear layer's weight, which the tracer names last.
    token = graph.node(TOKENS, "conv" if tied else "pos_enc", (vocabulary, width), [source])
    position = graph.node(POSITIONS, "pos_enc", (positions, width), [source])
    graph.parameter(TOKENS, (vocabulary, width), token, "ROLE_MATRIX" if tied else "ROLE_EMBEDDING")
    graph.parameter(POSITIONS, (positions, width), position, "ROLE_EMBEDDING")
    stream = graph.node("transformer.sum", "sum", (), [token, position])

    for layer in range(config["n_layer"]):
        prefix = f"transformer.h.{layer}"
        before = layer_norm(f"{prefix}.ln_1", stream)
        heads = query_key_value(f"{prefix}.attn.c_attn", before)
        attention = graph.node(f"{prefix}.attn.softmax", "msa", (), [heads])
        output = conv1d(f"{prefix}.attn.c_proj", width, width, attention)
        stream = graph.node(f"{prefix}.attn.sum", "sum", (), [stream, output])
        after = layer_norm(f"{prefix}.ln_2", stream)
        inner = conv1d(f"{prefix}.mlp.c_fc", width, hidden, after)
        outer = conv1d(f"{prefix}.mlp.c_proj", hidden, width, inner)
        stream = graph.node(f"{prefix}.mlp.sum", "sum", (), [stream, outer])
    final = layer_norm("transformer.ln_f", stream)

    if tied:
        graph.parameters.append(Parameter(HEAD, (vocabulary, width), tied_to=TOKENS))
    else:
        head = graph.node(HEAD, "conv", (vocabulary, width), [final])
        graph.parameter(HEAD, (vocabulary, width), head, "ROLE_MATRIX", classifier=True)
    return graph.build(name, "gpt2")


def _thirds(width: int, node: int, role: Role) -> tuple[Block, ...]:
    """q, k and v: three blocks of one node."""
    return tuple(Block(width, Prediction(node, role, slot=slot)) for slot in range(3))
