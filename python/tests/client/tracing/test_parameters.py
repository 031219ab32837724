"""Where each parameter of a traced module comes from: a node, a rule, or another parameter."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from traced_graphs import origins
from transformers import CLIPConfig, CLIPModel

from logah.client import CoverageError, trace
from logah.graph import Initialization, Parameter


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


def test_parameters_that_no_graph_holds_are_named() -> None:
    module = nn.Linear(4, 4)
    module.register_parameter("count", nn.Parameter(torch.zeros(3, dtype=torch.int8), requires_grad=False))
    with pytest.raises(CoverageError, match=r"count \(torch\.int8\)") as raised:
        trace(module, (torch.empty(1, 4),))
    assert raised.value.names == ("count",)


class Odd(nn.Module):
    """Parameters of no dimension, of no elements, and of five dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.5))
        self.registers = nn.Parameter(torch.empty(1, 0, 8))
        self.patches = nn.Conv3d(3, 8, (2, 4, 4), (2, 4, 4))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2) * self.scale
        return torch.cat((self.registers, tokens + self.scale), 1)


def test_parameters_may_have_any_number_of_dimensions() -> None:
    graph = trace(Odd(), (torch.empty(1, 3, 4, 8, 8),))
    assert [(node.operation, node.shape) for node in graph.nodes[1:]] == [("conv", (8, 3, 2, 4, 4)), ("bias", (8,))]
    assert origins(graph, "scale") == [(1, Initialization("RULE_CONSTANT", value=2.5))]
    assert origins(graph, "registers") == []
    assert origins(graph, "patches.weight") == [(8, 0)]


class Sines(nn.Module):
    """A table that no rule of the contract says."""

    def __init__(self) -> None:
        super().__init__()
        self.rates = nn.Parameter(torch.linspace(1, 2, 8).exp())
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x * self.rates.sin())


class FilledSines(Sines):
    """The same, with code of its own that fills it."""

    def reset_parameters(self) -> None:
        self.rates.data.copy_(torch.linspace(1, 2, 8).exp())


def test_what_no_rule_says_is_kept_where_there_is_something_to_keep() -> None:
    for module in (Sines(), FilledSines().to("meta")):
        graph = trace(module, (torch.empty(1, 8),))
        assert graph.parameters[0] == Parameter("rates", (8,), keep="KEEP_ALWAYS")
    with pytest.raises(CoverageError, match="no rule is known that fills them: rates"):
        trace(Sines().to("meta"), (torch.empty(1, 8),))


def test_a_scalar_on_the_meta_device_is_what_its_constructor_says() -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    text = {**sizes, "vocab_size": 20, "max_position_embeddings": 8}
    vision = {**sizes, "image_size": 16, "patch_size": 8}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=8, logit_scale_init_value=1.25)
    with torch.device("meta"):
        model = CLIPModel(config)
    (scale,) = (parameter for parameter in trace(model).parameters if parameter.name == "logit_scale")
    assert (scale.shape, scale.keep) == ((), None)
    assert [block.origin for block in scale.blocks] == [Initialization("RULE_CONSTANT", value=1.25)]
