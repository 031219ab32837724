"""The parity networks' traced graphs as architecture graphs of our own, and what was predicted for them.

The data was made with the authors' own code: per network a `NAME.graph.json` (nodes and the parameters they stand
for) and a `NAME.npz` (shortest paths, embeddings, predicted parameters). It is not part of the repository.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from paths import REPOSITORY as REPOSITORY

from logah.graph import (
    ArchitectureGraph,
    Block,
    Edge,
    Initialization,
    Node,
    Parameter,
    Prediction,
)

POSITIONS = "encoder.pos_embedding"
CLASS_TOKEN = "class_token"


def parity_directory() -> Path:
    """`LOGAH_PARITY`, else `../shared/parity` beside the repository. Raises FileNotFoundError where there is none."""
    directory = Path(os.environ.get("LOGAH_PARITY", REPOSITORY.parent / "shared" / "parity"))
    if not (directory / "README.md").exists():
        raise FileNotFoundError(
            f"no parity data in {directory}: set LOGAH_PARITY, or leave these tests out with -m 'not parity'"
        )
    return directory


def parity_graph(name: str) -> ArchitectureGraph:
    """The traced graph of a parity network. Edges are the pairs at distance 1."""
    directory = parity_directory()
    traced = json.loads((directory / f"{name}.graph.json").read_text())["nodes"]
    distances = np.load(directory / f"{name}.npz")["distances"]
    parameters = [parameter for node in traced for parameter in _parameters(node)]
    if any(parameter.name == POSITIONS for parameter in parameters):
        width = next(p.shape[2] for p in parameters if p.name == POSITIONS)
        token = Block(1, Initialization("RULE_ZEROS"))
        parameters.insert(0, Parameter(CLASS_TOKEN, (1, 1, width), (token,)))
    return ArchitectureGraph(
        # The tracer names an operation without parameters after its class; our graphs want unique names.
        nodes=tuple(
            Node(
                n["source_name"] if "param" in n else f"{n['source_name']}.{n['index']}",
                n["op"],
                tuple(n["shape"] or ()),
            )
            for n in traced
        ),
        edges=tuple(Edge(int(source), int(target)) for source, target in np.argwhere(distances == 1)),
        parameters=tuple(parameters),
        name=name,
        family="" if name.endswith("resnet18") else "vit",
    )


def expected_parameters(name: str) -> dict[str, NDArray[np.float32]]:
    """Every comparable parameter as the authors' code predicted it; row 0 of the positions is not comparable."""
    archive = np.load(parity_directory() / f"{name}.npz")
    prefix = "param/"
    return {
        key.removeprefix(prefix): archive[key]
        for key in archive.files
        if key.startswith(prefix) and key != prefix + CLASS_TOKEN
    }


def _parameters(node: dict[str, Any]) -> list[Parameter]:
    """The parameters of a traced node. A norm layer's node lists its weight alone and stands for its bias too."""
    if "param" not in node:
        return []
    name, index, shape = node["source_name"], node["index"], tuple(node["param"]["target_shape"])
    if node["op"] in ("ln", "bn"):
        return [
            Parameter(name, shape, (Block(shape[0], Prediction(index, "ROLE_NORM_WEIGHT")),)),
            Parameter(name.removesuffix("weight") + "bias", shape, (Block(shape[0], Prediction(index, "ROLE_BIAS")),)),
        ]
    if name == POSITIONS:
        token = Block(1, Initialization("RULE_NORMAL", 0.02))
        patches = Block(shape[1] - 1, Prediction(index, "ROLE_MATRIX"))
        return [Parameter(name, shape, (token, patches), axis=1)]
    group = node["param"]["group_key"]
    is_classifier = len(group) == 2 and group[1] != 0
    prediction = Prediction(index, "ROLE_BIAS" if node["op"] == "bias" else "ROLE_MATRIX", is_classifier)
    return [Parameter(name, shape, (Block(shape[0], prediction),))]
