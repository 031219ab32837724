"""The graph of transformers' `LlamaForCausalLM` and its kin, for the networks that training samples.

The service builds the same graph in TypeScript; both are held to the same golden files. Why it looks as it does:
docs/decisions/011-llama-graph.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from logah.graph.architecture import ArchitectureGraph, GraphBuilder, Parameter

TOKENS = "model.embed_tokens.weight"
HEAD = "lm_head.weight"


def llama_graph(config: Mapping[str, Any], name: str = "") -> ArchitectureGraph:
    """Builds the graph from a complete configuration of Llama, Mistral or Qwen2 (every field present).

    Source: transformers `modeling_llama.py`, `modeling_mistral.py` and `modeling_qwen2.py`; node and edge conventions
    of the LoGAH authors' tracer.
    """
    family: str = config["model_type"]
    width: int = config["hidden_size"]
    hidden: int = config["intermediate_size"]
    vocabulary: int = config["vocab_size"]
    heads: int = config["num_attention_heads"]
    head_size: int = config.get("head_dim") or width // heads
    queries, keys = heads * head_size, config["num_key_value_heads"] * head_size
    tied: bool = config["tie_word_embeddings"]
    query_bias, output_bias, mlp_bias = _biases(config)

    graph = GraphBuilder()

    def linear(prefix: str, out_features: int, in_features: int, after: int, bias: bool, slot: int = 0) -> int:
        node = graph.node(f"{prefix}.weight", "conv", (out_features, in_features), [after])
        graph.parameter(f"{prefix}.weight", (out_features, in_features), node, "ROLE_MATRIX", slot=slot)
        if not bias:
            return node
        last = graph.node(f"{prefix}.bias", "bias", (out_features,), [node])
        graph.parameter(f"{prefix}.bias", (out_features,), last, "ROLE_BIAS", slot=slot)
        return last

    def norm(prefix: str, after: int) -> int:
        return graph.node(f"{prefix}.weight", "rmsnorm", (width,), [after])

    def norm_parameter(prefix: str, node: int) -> None:
        graph.parameter(f"{prefix}.weight", (width,), node, "ROLE_NORM_WEIGHT")

    source = graph.node("input", "input")
    # A tied table is a linear layer's weight, which the tracer names last.
    stream = graph.node(TOKENS, "conv" if tied else "pos_enc", (vocabulary, width), [source])
    graph.parameter(TOKENS, (vocabulary, width), stream, "ROLE_MATRIX" if tied else "ROLE_EMBEDDING")

    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}"
        before = norm(f"{prefix}.input_layernorm", stream)
        attention = f"{prefix}.self_attn"
        query = linear(f"{attention}.q_proj", queries, width, before, query_bias, 0)
        key = linear(f"{attention}.k_proj", keys, width, before, query_bias, 1)
        value = linear(f"{attention}.v_proj", keys, width, before, query_bias, 2)
        rotated_query = graph.node(f"{attention}.q_rotary", "rot_emb", (), [query])
        rotated_key = graph.node(f"{attention}.k_rotary", "rot_emb", (), [key])
        softmax = graph.node(f"{attention}.softmax", "msa", (), [rotated_query, rotated_key, value])
        output = linear(f"{attention}.o_proj", width, queries, softmax, output_bias)
        stream = graph.node(f"{attention}.sum", "sum", (), [stream, output])
        after = norm(f"{prefix}.post_attention_layernorm", stream)
        # Gate and up look alike to the hypernetwork, as query, key and value do.
        gate = linear(f"{prefix}.mlp.gate_proj", hidden, width, after, mlp_bias, 0)
        up = linear(f"{prefix}.mlp.up_proj", hidden, width, after, mlp_bias, 1)
        product = graph.node(f"{prefix}.mlp.gate", "gate", (), [gate, up])
        down = linear(f"{prefix}.mlp.down_proj", width, hidden, product, mlp_bias)
        stream = graph.node(f"{prefix}.mlp.sum", "sum", (), [stream, down])
        # The module registers its norms last.
        norm_parameter(f"{prefix}.input_layernorm", before)
        norm_parameter(f"{prefix}.post_attention_layernorm", after)
    final = norm("model.norm", stream)
    norm_parameter("model.norm", final)

    if tied:
        graph.parameters.append(Parameter(HEAD, (vocabulary, width), tied_to=TOKENS))
    else:
        head = graph.node(HEAD, "conv", (vocabulary, width), [final])
        graph.parameter(HEAD, (vocabulary, width), head, "ROLE_MATRIX", classifier=True)
    return graph.build(name, family)


def _biases(config: Mapping[str, Any]) -> tuple[bool, bool, bool]:
    """Whether queries, keys and values have a bias, the output projection, the MLP."""
    if config["model_type"] == "llama":
        return config["attention_bias"], config["attention_bias"], config["mlp_bias"]
    return config["model_type"] == "qwen2", False, False
