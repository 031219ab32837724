"""ONNX files that Python packages ship: which the service reads, and what it says of the others."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

import logah
from logah.client._generated import logah_pb2
from logah.client.source import read_source

#: Small networks that come with a wheel; those that are installed are read.
PACKAGES = ("magika", "rapidocr-onnxruntime", "silero-vad")


@dataclass(frozen=True)
class Shipped:
    """What became of one file."""

    package: str
    file: str
    #: Kinds of operators, those of subgraphs among them.
    operators: int
    #: Of the file's floating-point tensors, those of subgraphs and of Constant nodes among them.
    elements: int
    parameters: int = 0
    predicted: int = 0
    constants: int = 0
    #: Tensors that were received.
    filled: int = 0
    refused: str = ""


def measure_shipped(address: str) -> Iterator[Shipped]:
    """One a file, for a server that is running."""
    with logah.connect(address) as client:
        for package in PACKAGES:
            for path in sorted(_files(package)):
                yield _read(client, package, path)


def _files(package: str) -> list[Path]:
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in files if file.suffix == ".onnx"]


def _read(client: logah.Client, package: str, path: Path) -> Shipped:
    graphs = list(_graphs(onnx.load(path).graph))
    operators = len({node.op_type for graph in graphs for node in graph.node})
    elements = sum(math.prod(tensor.dims) for graph in graphs for tensor in _tensors(graph))
    try:
        plan = client.plan(path)
        request = logah_pb2.PredictRequest(architecture=read_source(path).message)
        constants = len(client.plan_message(request).constants)
        filled = sum(1 for _ in client.predict(path))
    except (logah.LogahError, ValueError) as error:
        return Shipped(package, path.name, operators, elements, refused=str(error))
    coverage = plan.coverage
    return Shipped(package, path.name, operators, elements, coverage.parameters, coverage.predicted, constants, filled)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _graphs(attribute.g)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    constants = (node.attribute[0].t for node in graph.node if node.op_type == "Constant" and node.attribute)
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE}
    for tensor in (*graph.initializer, *constants):
        if tensor.data_type in floats:
            yield tensor


def shipped_section(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of the document."""
    lines = [
        "## Files that packages ship",
        "",
        "Small networks that come with packages for Python, each planned, and filled where it is read. Elements are",
        "those of all floating-point tensors, statistics and tables among them; recurrent and one-dimensional",
        "convolutional layers are filled by rule.",
        "",
        "| Package | File | Kinds of operators | Elements in the file | Parameters | of these predicted "
        "| Tensors received | Refused |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        figures = [f"{row[name]:,}" for name in ("operators", "elements", "parameters", "predicted", "filled")]
        if row["refused"]:
            figures[2:] = ["-"] * 3
        lines.append(f"| {row['package']} | {row['file']} | {' | '.join(figures)} | {row['refused'] or '-'} |")
    return [*lines, ""]
