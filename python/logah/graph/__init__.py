"""Architecture graphs: what a hypernetwork reads, and which parameter each node stands for."""

from logah.errors import GraphError
from logah.graph.architecture import ArchitectureGraph, Block, Edge, Initialization, Layout, Node, Parameter, Prediction

__all__ = [
    "ArchitectureGraph",
    "Block",
    "Edge",
    "GraphError",
    "Initialization",
    "Layout",
    "Node",
    "Parameter",
    "Prediction",
]
