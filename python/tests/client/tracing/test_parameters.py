"""Where each parameter of a traced module comes from: a node, a rule, or another parameter."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from traced_graphs import origins

from logah.client import CoverageError, trace
from logah.graph import Initialization


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
    with pytest.raises(CoverageError, match=r"weight \(2, 3, 1, 1, 1\); 1 to 4 dimensions"):
        trace(nn.Conv3d(3, 2, 1), (torch.empty(1, 3, 4, 4, 4),))
