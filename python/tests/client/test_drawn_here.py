"""What a server sends as a rule, or as noise, is drawn here with the bits of its dense prediction."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from client_servers import SMALL_GPT2, small_plan

import logah
from logah.client import Client, ProtocolError
from logah.client._generated import architecture_pb2, logah_pb2
from logah.client.module.local_box import LocalBox
from logah.client.module.torch_expansion import fill_from_cores
from logah.client.request import predict_request
from logah.client.source import read_source
from logah.client.wire.checked_plan import check_plan
from logah.client.wire.core_data import CoreExpansion, CoreRows, block_data
from logah.client.wire.draws.noise import normals, normals_at
from logah.client.wire.draws.space import NUMPY, Space
from logah.client.wire.plan import Plan
from logah.client.wire.prediction_stream import DataEvent, PlanEvent
from logah.graph import ArchitectureGraph, Block, Edge, Initialization, Node, Parameter, Prediction

RULES = {
    "normal": Initialization("RULE_NORMAL", standard_deviation=0.02),
    "narrow": Initialization("RULE_TRUNCATED_NORMAL", standard_deviation=0.9),
    "wide": Initialization("RULE_TRUNCATED_NORMAL", standard_deviation=3),
    "uniform": Initialization("RULE_UNIFORM", bound=0.3),
    "shifted": Initialization("RULE_SHIFTED_NORMAL", mean=1.5, standard_deviation=0.1),
    "bounded": Initialization("RULE_BOUNDED_NORMAL", mean=0.1, standard_deviation=0.5, lower=-1, upper=1.2),
    "tail": Initialization("RULE_BOUNDED_NORMAL", standard_deviation=1, lower=3, upper=40),
    "below": Initialization("RULE_BOUNDED_NORMAL", standard_deviation=1, lower=-9, upper=-2),
    "sliver": Initialization("RULE_BOUNDED_NORMAL", standard_deviation=1, lower=0.5, upper=0.75),
    "mean": Initialization("RULE_BOUNDED_NORMAL", mean=0.7, lower=0, upper=1),
    "between": Initialization("RULE_UNIFORM_BETWEEN", lower=1, upper=16, function="FUNCTION_LOG"),
    "time": Initialization(
        "RULE_LOG_UNIFORM", lower=0.001, upper=0.1, least=0.0015, function="FUNCTION_INVERSE_SOFTPLUS"
    ),
    "sequence": Initialization("RULE_SEQUENCE", start=1, step=1, function="FUNCTION_LOG"),
    "identity": Initialization("RULE_IDENTITY"),
    "sinusoids": Initialization("RULE_SINUSOIDS", base=10000, divisor=30),
    "ones": Initialization("RULE_ONES"),
}


def graph() -> ArchitectureGraph:
    """Every rule alone, in kernels, in rows longer than a tile, and beside what is predicted."""
    matrix = Block(24, Prediction(1, "ROLE_MATRIX"))
    parameters = [Parameter(name, (120, 61), (Block(120, rule),)) for name, rule in RULES.items()]
    parameters += [
        Parameter(f"{name}.kernel", (4, 6, 3, 3), (Block(4, RULES[name]),))
        for name in ("normal", "identity", "uniform")
    ]
    parameters += [
        Parameter("huge", (3, 2, 700, 1000), (Block(3, RULES["normal"]),)),
        Parameter("under", (40, 16), (Block(16, RULES["wide"]), matrix)),
        Parameter("beside", (24, 40), (Block(16, Prediction(1, "ROLE_MATRIX")), Block(24, RULES["shifted"])), axis=1),
    ]
    nodes = (Node("input", "input"), Node("layer", "conv", (24, 16)))
    return ArchitectureGraph(nodes, (Edge(0, 1),), tuple(parameters))


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return logah.connect(server)


def sent_as_cores(client: Client, source: object, lift: float) -> tuple[Plan, bytes, CoreExpansion]:
    """The plan, all data, and what to expand it with."""
    request = predict_request(read_source(source), seed=5, lift=lift, representation="core")  # type: ignore[arg-type]
    data, plan = b"", None
    for event in client.events(request):
        if isinstance(event, PlanEvent):
            plan = event.plan
        elif isinstance(event, DataEvent):
            data += event.data
    assert plan is not None and plan.expansion is not None
    layer = client.expansion_layer(plan)
    assert layer is not None
    return plan, data, CoreExpansion(plan.element_type, plan.expansion, layer)


@pytest.mark.server
def test_every_rule_has_the_bits_of_the_dense_prediction(client: Client) -> None:
    dense = client.state_dict(graph(), seed=5)
    by_numpy = client.state_dict(graph(), seed=5, representation="core")
    plan, data, expansion = sent_as_cores(client, graph(), 0)
    drawn = [tensor for tensor in plan.sent if any(block.layout == "rule" for block in tensor.core)]
    assert len(drawn) == len(RULES) - 2 + 3 + 3
    for tensor in drawn:
        expected = dense[tensor.name]
        filled = torch.full(tensor.shape, torch.nan)
        sent = np.frombuffer(data, np.uint8)[tensor.offset : tensor.end]
        fill_from_cores(filled, LocalBox((0,) * len(tensor.shape), tensor.shape), tensor, sent, expansion)
        for values in (by_numpy[tensor.name], filled):
            if tensor.predicted_elements == 0:
                assert torch.equal(values, expected), tensor.name
            assert (values - expected).abs().max() <= 1e-6 * expected.abs().max(), tensor.name
    assert torch.equal(by_numpy["beside"][:, 16:], dense["beside"][:, 16:])
    assert torch.equal(by_numpy["under"][:16], dense["under"][:16])
    assert sum(tensor.bytes for tensor in drawn if tensor.predicted_elements == 0) == 8 * (len(drawn) - 2)


@pytest.mark.server
@pytest.mark.parametrize("source", [{**SMALL_GPT2, "n_embd": 96, "vocab_size": 301}, graph()], ids=["gpt2", "graph"])
def test_noise_added_to_the_dense_prediction_is_the_lifted_one(client: Client, source: object) -> None:
    plain = client.state_dict(source, seed=5)  # type: ignore[arg-type]
    lifted = client.state_dict(source, seed=5, lift=0.5)  # type: ignore[arg-type]
    expanded = client.state_dict(source, seed=5, lift=0.5, representation="core")  # type: ignore[arg-type]
    plan, data, expansion = sent_as_cores(client, source, 0.5)
    compared = 0
    for tensor in plan.sent:
        assert (expanded[tensor.name] - lifted[tensor.name]).abs().max() <= 1e-6 * lifted[tensor.name].abs().max()
        _, columns = tensor.matrix_view
        sent = np.frombuffer(data, np.uint8)[tensor.offset : tensor.end]
        before = plain[tensor.name].numpy().reshape(tensor.matrix_view)
        after = lifted[tensor.name].numpy().reshape(tensor.matrix_view)
        for block, read in block_data(tensor, sent, expansion.element_type, expansion.expansion):
            if not isinstance(read, CoreRows) or read.noise is None:
                continue
            place = slice(block.row, block.row + block.rows), slice(block.column, block.column + block.columns)
            first = block.row * columns + block.column
            noise = normals(NUMPY, read.noise.key, first, block.rows, block.columns, columns)
            summed = (before[place] + read.noise.deviation * noise).astype(np.float32)
            np.testing.assert_array_equal(summed, after[place])
            compared += 1
    assert compared > 0


@pytest.mark.parametrize(("first", "rows", "columns", "stride"), [(0, 5, 8, 8), (3, 6, 7, 11), (2**40 + 1, 4, 9, 10)])
def test_noise_depends_on_the_index_alone(first: int, rows: int, columns: int, stride: int) -> None:
    key = (0x12345678, 0x9ABCDEF0)
    index = first + np.arange(rows)[:, None] * stride + np.arange(columns)
    expected = normals_at(NUMPY, key, index.reshape(-1)).reshape(index.shape)
    by_torch = normals(Space(torch, device="cpu"), key, first, rows, columns, stride)
    np.testing.assert_array_equal(normals(NUMPY, key, first, rows, columns, stride), expected)
    np.testing.assert_array_equal(by_torch.numpy(), expected)


def ruled_plan(rule: architecture_pb2.Initialization | None) -> logah_pb2.Plan:
    plan = small_plan()
    block = plan.tensors[0].core.add(rows=2, columns=3, layout=logah_pb2.CORE_LAYOUT_RULE)
    if rule is not None:
        block.rule.CopyFrom(rule)
    plan.tensors[0].bytes = 8
    plan.tensors[1].offset, plan.tensors[2].offset, plan.total_bytes = 8, 24, 64
    plan.expansion.CopyFrom(logah_pb2.Expansion(sha256="ab" * 32, rows=8, rank=2))
    return plan


def proto(filling: Initialization, **changes: float) -> architecture_pb2.Initialization:
    graph = ArchitectureGraph((Node("n", "input"),), (), (Parameter("p", (2, 2), (Block(2, filling),)),))
    message = read_source(graph).message.graph.parameters[0].blocks[0].initialization
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize("name", [name for name in RULES if name not in ("sinusoids", "ones")])
def test_a_plan_may_have_any_rule_that_can_be_drawn(name: str) -> None:
    block = check_plan(ruled_plan(proto(RULES[name]))).tensors[0].core[0]
    assert block.rule is not None
    assert block.rule.name == RULES[name].rule.removeprefix("RULE_").lower()


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("normal", {"standard_deviation": math.nan}),
        ("wide", {"standard_deviation": math.inf}),
        ("narrow", {"standard_deviation": -1.0}),
        ("uniform", {"bound": -1.0}),
        ("bounded", {"upper": -2.0}),
        ("bounded", {"lower": math.nan}),
        ("mean", {"mean": 2.0}),
        ("between", {"lower": -1.0}),
        ("time", {"lower": 0.0}),
        ("sequence", {"start": 0.0}),
        ("normal", {"function": architecture_pb2.FUNCTION_LOG}),
        ("normal", {"rule": 99}),
        ("sinusoids", {}),
    ],
)
def test_a_rule_that_cannot_be_drawn_is_refused(name: str, changes: dict[str, float]) -> None:
    with pytest.raises(ProtocolError, match='tensor "a": core is 1 blocks'):
        check_plan(ruled_plan(proto(RULES[name], **changes)))
    with pytest.raises(ProtocolError, match='tensor "a": core is 1 blocks'):
        check_plan(ruled_plan(None))


def test_a_plan_with_noise_on_what_is_no_matrix_is_refused() -> None:
    plan = ruled_plan(proto(RULES["normal"]))
    plan.tensors[0].core[0].lifted = True
    with pytest.raises(ProtocolError, match="core is 1 blocks"):
        check_plan(plan)
