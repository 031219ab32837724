"""Parameters of every shape through the client: scalars, empty ones, kernels of three dimensions, experts, the kept."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from client_servers import run_node
from safetensors.numpy import load_file

import logah
from logah.__main__ import main
from logah.graph.architecture import ArchitectureGraph, Block, Edge, Initialization, Node, Parameter, Prediction

pytestmark = pytest.mark.server

NODES = (
    Node("input", "input"),
    Node("patch", "conv", (16, 3, 2, 4, 4)),
    Node("up", "conv", (24, 16)),
    Node("down", "conv", (16, 24)),
)


def matrix(length: int, node: int, slot: int = 0) -> Block:
    return Block(length, Prediction(node, "ROLE_MATRIX", slot=slot))


def ruled(name: str, shape: tuple[int, ...], rule: Initialization) -> Parameter:
    return Parameter(name, shape, (Block(shape[0] if shape else 1, rule),))


PARAMETERS = (
    Parameter("nothing", (0,)),
    ruled("logit_scale", (), Initialization("RULE_CONSTANT", value=2.6592)),
    Parameter("temperature", (), keep="KEEP_ALWAYS"),
    Parameter("frozen", (5, 5), keep="KEEP_ALWAYS"),
    ruled("registers", (1, 0, 16), Initialization("RULE_ZEROS")),
    Parameter("patch.weight", (16, 3, 2, 4, 4), (matrix(16, 1),)),
    Parameter("gate_up", (4, 48, 16), (matrix(24, 2), matrix(24, 2, 1)), view=(192, 16), repetitions=4),
    Parameter("down", (4, 16, 24), (matrix(16, 3),), view=(64, 24), repetitions=4),
    ruled("A_log", (8, 4), Initialization("RULE_SEQUENCE", start=1.0, step=1.0, function="FUNCTION_LOG")),
    Parameter("left", (3,), (Block(3, Initialization("RULE_ZEROS")),), keep="KEEP_UNLESS_PREDICTED"),
    Parameter("again", (), tied_to="logit_scale"),
)
GRAPH = ArchitectureGraph(NODES, tuple(Edge(at, at + 1) for at in range(3)), PARAMETERS, name="every shape")
KEPT = {"temperature", "frozen", "left"}


def test_a_graph_of_every_shape_comes_back_from_its_json() -> None:
    assert ArchitectureGraph.from_json(json.loads(json.dumps(GRAPH.to_json()))) == GRAPH


@pytest.mark.parametrize("representation", ["dense", "factors", "core"])
def test_every_parameter_arrives_in_its_shape_or_is_kept(server: str, representation: Any) -> None:
    with logah.connect(server) as client:
        plan = client.plan(GRAPH)
        arrays = dict(client.predict(GRAPH, representation=representation))
        dense = dict(client.predict(GRAPH))
        state = client.state_dict(GRAPH, representation=representation)
    assert {tensor.name for tensor in plan.tensors if tensor.source == "kept"} == KEPT
    assert (plan.coverage.kept, plan.coverage.tied) == (1 + 25 + 3, 1)
    assert sum(module.coverage.kept for module in plan.modules) == plan.coverage.kept
    shapes = {parameter.name: parameter.shape for parameter in PARAMETERS if parameter.name not in {*KEPT, "again"}}
    assert {name: array.shape for name, array in arrays.items()} == shapes
    assert set(state) == {*shapes, "again"}
    assert state["again"] is state["logit_scale"]
    assert arrays["logit_scale"] == np.float32(2.6592)
    assert arrays["A_log"].tolist() == [[np.float32(math.log(k)) for k in range(1, 5)]] * 8
    for name, array in arrays.items():
        np.testing.assert_allclose(array, dense[name], rtol=0, atol=1e-6 * max(1.0, np.abs(dense[name]).max(initial=0)))
    for experts in (arrays["gate_up"], arrays["down"]):
        # A product's last bits depend on where its rows lie among those multiplied at a time.
        assert all(np.allclose(experts[0], expert, rtol=0, atol=1e-6) for expert in experts[1:])
    assert not np.array_equal(arrays["gate_up"][0, :24], arrays["gate_up"][0, 24:])


def test_slices_and_shards_of_them_are_parts_of_the_whole(server: str) -> None:
    with logah.connect(server) as client:
        whole = dict(client.predict(GRAPH))
        sliced = dict(client.predict(GRAPH, slices={"gate_up": ((1, 3), (20, 30)), "patch.weight": ((2, 5), (1, 2))}))
        shards = [dict(client.predict(GRAPH, shard=(index, 3))) for index in range(3)]
    np.testing.assert_array_equal(sliced["gate_up"], whole["gate_up"][1:3, 20:30])
    np.testing.assert_array_equal(sliced["patch.weight"], whole["patch.weight"][2:5, 1:2])
    for name, array in whole.items():
        parts = [shard[name] for shard in shards if name in shard]
        if array.ndim == 0:
            assert [part.tolist() for part in parts] == [array.tolist()]
        elif array.size == 0:
            assert [part.shape for part in parts] == [array.shape] * 3
        else:
            np.testing.assert_array_equal(np.concatenate(parts), array)


def test_files_have_scalars_and_empty_tensors_as_those_of_the_node_command_line(server: str, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH.to_json()))
    run_node("predict", str(path), "--out", str(tmp_path / "node"), "--server", server, "--quiet")
    assert main(["predict", str(path), "--out", str(tmp_path / "python"), "--server", server, "--quiet"]) == 0
    written = (tmp_path / "python" / "model.safetensors").read_bytes()
    assert written == (tmp_path / "node" / "model.safetensors").read_bytes()
    tensors = load_file(tmp_path / "python" / "model.safetensors")
    assert tensors["logit_scale"].shape == ()
    assert tensors["registers"].shape == (1, 0, 16)
    assert not KEPT & set(tensors)


@pytest.mark.parametrize("representation", ["dense", "factors", "core"])
def test_a_module_of_such_parameters_is_filled(server: str, representation: Any) -> None:
    class Towers(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.full((16, 3, 2, 4, 4), torch.nan))
            self.scale = torch.nn.Parameter(torch.tensor(torch.nan))
            self.registers = torch.nn.Parameter(torch.empty(1, 0, 16))
            self.experts = torch.nn.Parameter(torch.full((4, 48, 16), torch.nan))

    renamed = {"patch.weight": "weight", "logit_scale": "scale", "registers": "registers", "gate_up": "experts"}
    parameters = tuple(dataclasses.replace(p, name=renamed[p.name]) for p in PARAMETERS if p.name in renamed)
    module = Towers()
    with logah.connect(server) as client:
        whole = dict(client.predict(GRAPH))
        client.initialize(
            module, ArchitectureGraph(NODES, GRAPH.edges, parameters), representation=representation, special="predict"
        )
    assert module.scale.item() == pytest.approx(2.6592)
    np.testing.assert_allclose(module.weight.detach().numpy(), whole["patch.weight"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(module.experts.detach().numpy(), whole["gate_up"], rtol=0, atol=1e-6)


class Registers(torch.nn.Module):
    """As a vision transformer with none."""

    def __init__(self) -> None:
        super().__init__()
        self.registers = torch.nn.Parameter(torch.empty(1, 0, 8))
        self.embed, self.head = torch.nn.Linear(8, 8), torch.nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.head(torch.cat((self.registers.expand(len(x), -1, -1), self.embed(x)), 1))
        return output


def test_a_parameter_without_elements_leaves_the_meta_device_with_the_others(server: str) -> None:
    with torch.device("meta"):
        module = Registers()
    with logah.connect(server) as client:
        client.initialize(module, logah.client.trace(module, (torch.empty(1, 4, 8),)), seed=1)
    assert not any(parameter.is_meta for parameter in module.parameters())
    assert module(torch.zeros(1, 4, 8)).shape == (1, 4, 4)
