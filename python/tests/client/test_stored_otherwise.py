"""Tensors that are stored otherwise than their framework has them, sent by a real server in every representation."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from examples import LOW_RANK
from numpy.typing import NDArray
from torch import nn

import logah
from logah.client import VerificationError
from logah.graph import ArchitectureGraph, Block, Edge, GraphError, Layout, Node, Parameter, Prediction
from logah.hypernet.hypernetwork import GraphFeatures

#: Of the framework: shape, and blocks along its first dimension. Wider than what is decoded at once, and fused.
MATRICES = {"square": ((96, 96), 1), "wide": ((300, 200), 1), "fused": ((288, 96), 3), "huge": ((1500, 900), 1)}
SMALL = {"one_out": ((1, 40), 1), "one_in": ((40, 1), 1)}
KERNEL = ("kernel", (40, 12, 3, 5), (3, 2, 0, 1), (3, 5, 12, 40))


def graph_of(stored: bool) -> ArchitectureGraph:
    """With matrices as [in, out] and kernels as [h, w, in, out], or as torch has them."""
    matrices = {**MATRICES, **SMALL}
    name, kernel, order, as_stored = KERNEL
    nodes = [Node("input", "input"), *(Node(key, "conv", shape) for key, (shape, _) in matrices.items())]
    nodes.append(Node(name, "conv", kernel))
    parameters = []
    for index, (key, (shape, count)) in enumerate(matrices.items(), 1):
        blocks = tuple(Block(shape[0] // count, Prediction(index, "ROLE_MATRIX", slot=slot)) for slot in range(count))
        layout = Layout((1, 0), shape) if stored else None
        parameters.append(Parameter(key, shape[::-1] if stored else shape, blocks, axis=int(stored), layout=layout))
    block = Block(as_stored[0] if stored else kernel[0], Prediction(len(nodes) - 1, "ROLE_MATRIX"))
    layout = Layout(order, kernel) if stored else None
    parameters.append(Parameter(name, as_stored if stored else kernel, (block,), layout=layout))
    edges = tuple(Edge(at, at + 1) for at in range(len(nodes) - 1))
    return ArchitectureGraph(tuple(nodes), edges, tuple(parameters), name="stored")


def moved(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The framework's tensor as it is stored."""
    return values.transpose(2, 3, 1, 0) if name == KERNEL[0] else values.T


class Stored(nn.Module):
    """Holds the tensors as they are stored."""

    def __init__(self, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        for parameter in graph_of(True).parameters:
            values = torch.randn(parameter.shape, device=device, dtype=dtype)
            self.register_parameter(parameter.name, nn.Parameter(values))


def test_a_graph_with_layouts_comes_back_from_its_json() -> None:
    graph = graph_of(True)
    assert ArchitectureGraph.from_json(json.loads(json.dumps(graph.to_json()))) == graph


def test_a_hypernetwork_in_torch_refuses_layouts_by_name() -> None:
    with pytest.raises(GraphError, match="'square' has a layout"):
        GraphFeatures.of(graph_of(True), LOW_RANK)


@pytest.mark.server
@pytest.mark.parametrize("representation", ["dense", "factors", "core"])
def test_arrays_are_the_frameworks_in_another_place(server: str, representation: Any) -> None:
    with logah.connect(server) as client:
        ours = dict(client.predict(graph_of(False)))
        theirs = dict(client.predict(graph_of(True), representation=representation))
    assert theirs.keys() == ours.keys()
    for name, values in theirs.items():
        expected = moved(name, ours[name])
        tolerance = 0 if representation == "dense" else 1e-6 * np.abs(expected).max()
        np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.server
def test_matrices_are_sent_as_transposed_cores(server: str) -> None:
    with logah.connect(server) as client:
        plan = client.plan(graph_of(True), representation="core")
    layouts = {tensor.name: {block.layout for block in tensor.core} for tensor in plan.tensors if tensor.core}
    assert layouts == {name: {"matrix_transposed"} for name in MATRICES}


@pytest.mark.server
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_module_is_filled_from_them_and_proves_it(server: str, device: str, dtype: torch.dtype) -> None:
    module = Stored(device, dtype)
    with logah.connect(server) as client:
        report = client.initialize(module, graph_of(True), special="predict")
        expected = dict(client.predict(graph_of(True)))
        report.verify()
        for name, tensor in module.named_parameters():
            values = torch.from_numpy(np.array(expected[name])).to(dtype).float()
            epsilon = 1e-6 if dtype == torch.float32 else 2**-8
            assert (tensor.float() - values).abs().max() <= epsilon * values.abs().max(), name
        with torch.no_grad():
            module.get_parameter("huge")[::7] *= 1.5
        with pytest.raises(VerificationError, match="huge"):
            report.verify()
