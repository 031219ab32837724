"""Traced modules: their graphs against the front-ends of the service and the authors' tracer, and bad modules."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import traced_networks as networks
import transformers
from client_servers import CLI
from golden_graphs import DEFAULTS, NAMES, build, read_config, read_graph
from parity_graphs import parity_graph
from torch import Tensor, nn
from transformers import PreTrainedModel

from logah.client import CoverageError, TraceError, trace
from logah.graph import ArchitectureGraph, Initialization, Parameter, Prediction

IMAGE = torch.empty(1, 3, 64, 64, device="meta")


def transformers_model(name: str, attention: str = "sdpa") -> PreTrainedModel:
    return build(read_config(name, attn_implementation=attention))


def structure(graph: ArchitectureGraph) -> tuple[list[Any], list[tuple[int, int]], tuple[Parameter, ...]]:
    nodes = [(node.operation, node.shape) for node in graph.nodes]
    edges = sorted((edge.source, edge.target) for edge in graph.edges)
    assert len(set(edges)) == len(edges)
    return nodes, edges, graph.parameters


def operations(graph: ArchitectureGraph) -> Counter[str]:
    return Counter(node.operation for node in graph.nodes)


def sources(graph: ArchitectureGraph, name: str) -> set[str]:
    """The names of the nodes that a node reads."""
    target = next(index for index, node in enumerate(graph.nodes) if node.name == name)
    return {graph.nodes[edge.source].name for edge in graph.edges if edge.target == target}


def origins(graph: ArchitectureGraph, name: str) -> list[tuple[int, Any]]:
    """A parameter's blocks: (length, slot) where predicted, (length, rule) where not."""
    parameter = next(parameter for parameter in graph.parameters if parameter.name == name)
    return [(b.length, b.origin.slot if isinstance(b.origin, Prediction) else b.origin) for b in parameter.blocks]


def named_edges(graph: ArchitectureGraph) -> set[tuple[Any, Any]]:
    """The edges between nodes that are told apart by the parameters they stand for, and by what they read."""
    owners = {
        block.origin.node: parameter.name
        for parameter in reversed(graph.parameters)
        for block in parameter.blocks
        if isinstance(block.origin, Prediction)
    }
    keys: dict[int, Any] = {}
    for index, node in enumerate(graph.nodes):
        read = frozenset(keys[edge.source] for edge in graph.edges if edge.target == index)
        keys[index] = (node.operation, node.shape, owners.get(index, read))
    assert len(set(keys.values())) == len(graph.nodes)
    return {(keys[edge.source], keys[edge.target]) for edge in graph.edges}


# Agreement


def test_there_are_golden_graphs_of_three_sizes_of_every_family() -> None:
    counts = Counter(name.split("-")[0] for name in NAMES)
    assert set(counts) == set(DEFAULTS)
    assert min(counts.values()) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_is_the_graph_that_the_config_front_end_builds(name: str) -> None:
    graph = trace(transformers_model(name))
    golden = ArchitectureGraph.from_json(read_graph(name))
    assert structure(graph) == structure(golden)
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


# Convolutional networks


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


# Parameters


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((5,), 0.25))
        self.lstm = nn.LSTM(8, 16, batch_first=True)
        self.conv = nn.Conv1d(16, 5, 4)
        self.norm = nn.GroupNorm(1, 5)
        self.head = nn.Linear(5, 2)
        self.unused = nn.Linear(4, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(self.lstm(x)[0].transpose(1, 2)))
        return self.head(x.mean(-1) * self.scale)


def test_what_is_not_predicted_has_the_frameworks_own_rule() -> None:
    graph = trace(Recurrent(), (torch.empty(1, 7, 8),))
    assert [node.operation for node in graph.nodes] == ["input", "conv", "bias"]
    bound = Initialization("RULE_UNIFORM", bound=0.25)
    assert origins(graph, "lstm.weight_hh_l0") == [(64, bound)]
    assert origins(graph, "lstm.bias_ih_l0") == [(64, bound)]
    assert origins(graph, "conv.bias") == [(5, Initialization("RULE_UNIFORM", bound=0.125))]
    assert origins(graph, "norm.weight") == [(5, Initialization("RULE_ONES"))]
    assert origins(graph, "norm.bias") == [(5, Initialization("RULE_ZEROS"))]
    assert origins(graph, "scale") == [(5, Initialization("RULE_CONSTANT", value=0.25))]
    assert origins(graph, "unused.weight")[0][1] == Initialization("RULE_UNIFORM", bound=pytest.approx(0.5))


def test_rules_of_the_caller_come_first_and_strict_allows_none() -> None:
    rules = {"lstm.*": Initialization("RULE_NORMAL", 0.5), "scale": Initialization("RULE_ONES")}
    graph = trace(Recurrent(), (torch.empty(1, 7, 8),), rules=rules)
    assert origins(graph, "lstm.weight_hh_l0") == [(64, Initialization("RULE_NORMAL", 0.5))]
    assert origins(graph, "scale") == [(5, Initialization("RULE_ONES"))]
    with pytest.raises(CoverageError, match=r"scale, lstm\.weight_ih_l0") as raised:
        trace(Recurrent(), (torch.empty(1, 7, 8),), strict=True)
    assert "head.weight" not in raised.value.names
    with torch.device("meta"):
        module = Recurrent()
    with pytest.raises(CoverageError, match="no rule is known that fills them: scale") as raised:
        trace(module, (torch.empty(1, 7, 8),))
    assert raised.value.names == ("scale",)


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
        # Experts are of three dimensions.
        ("Mixtral", {"num_local_experts": 2}, "q_proj.weight", 2),
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


def test_the_module_is_only_read() -> None:
    module = networks.VisionTransformer(32, 4, 1, 2, 16, 32, 10).train()
    module.heads.requires_grad_(False)
    before = {name: (value.data_ptr(), value.clone()) for name, value in module.state_dict().items()}
    frozen = [parameter.requires_grad for parameter in module.parameters()]
    random = torch.get_rng_state()
    trace(module, (torch.empty(1, 3, 32, 32),))
    for name, value in module.state_dict().items():
        assert value.data_ptr() == before[name][0]
        assert torch.equal(value, before[name][1])
    assert all(submodule.training for submodule in module.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())
    assert "forward" not in vars(module)
    assert [parameter.requires_grad for parameter in module.parameters()] == frozen
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_the_element_type_and_the_device_do_not_matter(dtype: torch.dtype) -> None:
    image = torch.empty(1, 3, 64, 64)
    expected = structure(trace(networks.Inception(), (image,)))
    assert structure(trace(networks.Inception().to(dtype), (image.to(dtype),))) == expected
    assert structure(trace(networks.Inception().to("meta"), (image,))) == expected


def test_dropout_of_a_module_in_training_is_no_part_of_the_graph() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 4)).train()
    assert operations(trace(module, (torch.empty(1, 4),))) == {"input": 1, "conv": 2, "bias": 2}


# Modules that cannot be traced


class Choice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Conditional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cond(x.sum() > 0, lambda y: self.layer(y), lambda y: y + 1, (x,))


class Quantised(nn.Linear):
    pass


Quantised.__module__ = "torch.ao.nn.quantized.modules.linear"


@pytest.mark.parametrize(
    ("make", "submodule", "operation", "message"),
    [
        (
            lambda: nn.Sequential(nn.Linear(4, 4), Choice()),
            "1",
            "torch.Tensor.__bool__",
            r'submodule "1" \(Choice\) at torch\.Tensor\.__bool__: its control flow depends on the values of tensors',
        ),
        (Conditional, "", "", "control flow depends on the values"),
        (
            lambda: nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.Linear(5, 4))),
            "1.0",
            "torch.nn.functional.linear",
            r'submodule "1\.0" \(Linear\) at torch\.nn\.functional\.linear: a and b must have same reduction dim',
        ),
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.LazyLinear(5)), "1", "", "has no shapes yet"),
        (lambda: nn.Sequential(nn.ReLU(), nn.Flatten()), "", "", "no parameters: there is nothing to predict"),
        (lambda: nn.Sequential(nn.Linear(4, 4), Quantised(4, 4)), "1", "", "is quantised"),
    ],
)
def test_a_module_that_cannot_be_followed_says_where(
    make: Callable[[], nn.Module], submodule: str, operation: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TraceError, match=message) as raised:
        trace(make(), (torch.empty(1, 4),))
    assert (raised.value.submodule, raised.value.operation) == (submodule, operation)
    assert capfd.readouterr() == ("", "")


def test_parameters_that_no_graph_holds_are_named() -> None:
    module = nn.Linear(4, 4)
    module.register_parameter("count", nn.Parameter(torch.zeros(3, dtype=torch.int8), requires_grad=False))
    with pytest.raises(CoverageError, match=r"count \(torch\.int8\)") as raised:
        trace(module, (torch.empty(1, 4),))
    assert raised.value.names == ("count",)
    with pytest.raises(CoverageError, match=r"weight \(2, 3, 1, 1, 1\); 1 to 4 dimensions"):
        trace(nn.Conv3d(3, 2, 1), (torch.empty(1, 3, 4, 4, 4),))


def test_inputs_are_asked_for_where_a_module_does_not_say_its_own() -> None:
    with pytest.raises(TraceError, match="pass example inputs"):
        trace(nn.Linear(4, 4))
    with pytest.raises(TraceError, match="missing a required argument: 'input'"):
        trace(nn.Linear(4, 4), ())
    with torch.device("meta"):
        audio = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(num_hidden_layers=1))
    with pytest.raises(TraceError, match='reads "input_values"'):
        trace(audio)
