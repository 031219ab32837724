"""The architecture graph: shortest paths, rejection of what is no graph, and its JSON."""

import json

import numpy as np
import pytest
from examples import small_vit
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from logah.client._generated import architecture_pb2
from logah.graph import ArchitectureGraph, Block, Edge, GraphError, Initialization, Node, Parameter


def graph_of(count: int, edges: list[tuple[int, int]]) -> ArchitectureGraph:
    nodes = tuple(Node(f"n{index}", "sum") for index in range(count))
    return ArchitectureGraph(nodes, tuple(Edge(*edge) for edge in edges), ())


@st.composite
def acyclic(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    count = draw(st.integers(2, 12))
    pairs = [(i, j) for j in range(count) for i in range(j)]
    return count, draw(st.lists(st.sampled_from(pairs), unique=True))


@given(acyclic(), st.integers(1, 12))
def test_distances_are_shortest_paths_up_to_the_cutoff(graph, cutoff):
    count, edges = graph
    shortest = np.full((count, count), np.inf)
    for source, target in edges:
        shortest[source, target] = 1
    for middle in range(count):
        shortest = np.minimum(shortest, shortest[:, middle : middle + 1] + shortest[middle : middle + 1])
    expected = np.where(shortest <= cutoff, shortest, 0).astype(np.int64)
    np.testing.assert_array_equal(graph_of(count, edges).distances(cutoff), expected)


@pytest.mark.parametrize("edges", [[(0, 1), (1, 2), (2, 1)], [(1, 1)], [(0, 1), (1, 2), (2, 0)]])
def test_a_cycle_is_refused(edges):
    with pytest.raises(GraphError, match="cycle"):
        graph_of(3, edges).distances(50)


@pytest.mark.parametrize("edge", [(0, 3), (-1, 0)])
def test_an_edge_to_nowhere_is_refused(edge):
    with pytest.raises(GraphError, match="nodes 0 to 2"):
        graph_of(3, [edge]).distances(50)


def test_json_returns_the_same_graph():
    graph = small_vit()
    assert ArchitectureGraph.from_json(json.loads(json.dumps(graph.to_json()))) == graph


def test_json_returns_the_number_of_every_rule():
    fillings = [
        Initialization("RULE_NORMAL", standard_deviation=0.5),
        Initialization("RULE_CONSTANT", value=-1e-6),
        Initialization("RULE_UNIFORM", bound=0.25),
    ]
    parameters = tuple(Parameter(f.rule, (2,), (Block(2, f),)) for f in fillings)
    graph = ArchitectureGraph((Node("input", "input"),), (), parameters)
    value = json.loads(json.dumps(graph.to_json()))
    assert ArchitectureGraph.from_json(value) == graph
    json_format.ParseDict(value, architecture_pb2.ArchitectureGraph())


def test_64_bit_integers_may_be_strings_as_proto3_json_writes_them():
    def stringify(value):
        if isinstance(value, dict):
            return {k: ([str(d) for d in v] if k == "shape" else stringify(v)) for k, v in value.items()}
        if isinstance(value, list):
            return [stringify(entry) for entry in value]
        return value

    graph = small_vit()
    value = stringify(graph.to_json())
    for parameter in value["parameters"]:
        for block in parameter["blocks"]:
            block["length"] = str(block["length"])
    assert ArchitectureGraph.from_json(value) == graph


def test_blocks_cover_their_parameter_along_its_axis():
    positions = next(p for p in small_vit().parameters if p.name.endswith("position_embeddings"))
    assert positions.block_shapes() == [(1, 1, 24), (1, 25, 24)]
