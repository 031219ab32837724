"""Operations as nodes: layers, attention and projections in the ways that modules write them."""

from __future__ import annotations

import torch
import transformers
from torch import Tensor, nn
from traced_graphs import operations, origins, predicted, sources, structure

from logah.client import trace
from logah.graph import Initialization, Parameter, Prediction


class WindowAttention(nn.Module):
    """Swin's attention: a fused projection taken apart by one view, and a table of relative positions."""

    def __init__(self) -> None:
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.zeros(49, 2))
        self.register_buffer("index", torch.zeros(256, dtype=torch.long))
        self.qkv = nn.Linear(8, 24)
        self.proj = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).reshape(1, 16, 3, 2, 4).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.index].view(16, 16, 2).permute(2, 0, 1)
        weights = (q @ k.transpose(-2, -1) + bias.unsqueeze(0)).softmax(-1)
        return x + self.proj((weights @ v).transpose(1, 2).reshape(1, 16, 8))


def test_a_table_of_relative_positions_is_no_node() -> None:
    graph = trace(WindowAttention(), (torch.empty(1, 16, 8),))
    assert [node.operation for node in graph.nodes] == ["input", "conv", "bias", "msa", "conv", "bias", "sum"]
    assert origins(graph, "relative_position_bias_table") == [(49, Initialization("RULE_ZEROS"))]
    assert origins(graph, "qkv.weight") == origins(graph, "qkv.bias") == [(8, 0), (8, 1), (8, 2)]
    t5 = transformers.T5Config(d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, vocab_size=40)
    with torch.device("meta"):
        module = transformers.T5EncoderModel(t5)
    graph = trace(module, kwargs={"input_ids": torch.zeros(1, 4, dtype=torch.long)})
    assert operations(graph)["pos_enc"] == 1
    table = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    assert isinstance(origins(graph, table)[0][1], Initialization)


class CrossAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Linear(8, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        y = self.encode(y)
        return self.attention(x, y, y)[0]


def test_a_packed_projection_of_two_inputs_is_a_node_for_each() -> None:
    graph = trace(CrossAttention(), (torch.empty(1, 4, 8), torch.empty(1, 5, 8)))
    packed = next(p for p in graph.parameters if p.name == "attention.in_proj_weight")
    read = [
        (block.length, graph.nodes[block.origin.node].shape, block.origin.slot)
        for block in packed.blocks
        if isinstance(block.origin, Prediction)
    ]
    assert read == [(8, (8, 8), 0), (8, (16, 8), 1), (8, (16, 8), 2)]


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 8), nn.Linear(8, 8)
        self.last.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.first(torch.relu(self.first(x)))))


def test_each_call_of_a_layer_is_a_node_and_the_first_stands_for_its_parameters() -> None:
    graph = trace(Shared(), (torch.empty(1, 8),))
    assert [node.operation for node in graph.nodes] == ["input"] + 3 * ["conv", "bias"]
    assert [edge.source + 1 for edge in graph.edges] == [edge.target for edge in graph.edges] == [1, 2, 3, 4, 5, 6]
    assert graph.parameters[0].blocks[0].origin == Prediction(1, "ROLE_MATRIX")
    assert graph.parameters[2] == Parameter("last.weight", (8, 8), tied_to="first.weight")


class WrittenNorms(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8))
        self.weight = nn.Parameter(torch.empty(8, 6))
        self.offset = nn.Parameter(torch.empty(6))

    def forward(self, x: Tensor) -> Tensor:
        centered = x - x.mean(-1, keepdim=True)
        x = self.gamma * (centered / torch.sqrt(centered.pow(2).mean(-1, keepdim=True) + 1e-5)) + self.beta
        return x @ self.weight + self.offset


def test_layers_written_out_as_operations_are_layers() -> None:
    graph = trace(WrittenNorms(), (torch.empty(2, 8),), strict=True)
    assert structure(graph)[0] == [("input", ()), ("ln", (8,)), ("conv", (8, 6)), ("bias", (6,))]
    assert graph.parameters[1].blocks[0].origin == Prediction(1, "ROLE_BIAS")


class Filled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        whole = x.new_zeros(1, 8)
        whole[:, :4] = self.left(x)
        whole[:, 4:] = self.right(x)
        return self.head(whole)


def test_what_is_written_in_place_is_read_from_the_whole() -> None:
    graph = trace(Filled(), (torch.empty(1, 4),), strict=True)
    assert sources(graph, "head.weight") == {"left.bias", "right.bias"}


def test_dropout_of_a_module_in_training_is_no_part_of_the_graph() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 4)).train()
    assert operations(trace(module, (torch.empty(1, 4),))) == {"input": 1, "conv": 2, "bias": 2}


class HyperConnections(nn.Module):
    """Streams that data mixes; what a layer makes is added to the mixture."""

    def __init__(self) -> None:
        super().__init__()
        self.start, self.mix, self.layer, self.head = (
            nn.Linear(8, 16), nn.Linear(8, 4), nn.Linear(8, 8), nn.Linear(8, 4)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        streams = self.start(x).unflatten(-1, (2, 8))
        mixture = self.mix(x).softmax(-1).unflatten(-1, (2, 2)) @ streams
        output: Tensor = self.head((mixture + self.layer(streams)).mean(-2))
        return output


def test_what_is_added_to_a_product_of_data_is_read_unless_it_is_of_attention() -> None:
    graph = trace(HyperConnections(), (torch.empty(1, 4, 8),))
    assert {"start.weight", "mix.weight", "layer.weight", "head.weight"} <= predicted(graph)
    assert "sum" in [node.operation for node in graph.nodes]
