"""What a server makes of the files of exporters, beside what it predicts for the module itself."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

import logah
from bench.exported_networks import SEED, networks
from bench.exporting import exports, foreign_exports
from logah.client import trace
from logah.client._generated import logah_pb2
from logah.client.source import read_source


@dataclass(frozen=True)
class Row:
    """What became of one network by one exporter."""

    network: str
    exporter: str
    #: Of the module; 0 where another framework made the network.
    module_parameters: int = 0
    plan_parameters: int = 0
    #: Tensors of the file that an output depends on, and what of them the plan has as parameters and as constants.
    tensors: int = 0
    planned: int = 0
    constants: int = 0
    #: Of the module's parameters, those under whose name the plan has one.
    names_kept: int = 0
    #: Matrices of the file that were found in the module by their values.
    matrices: int = 0
    #: Largest ratio of deviations to the trace's, above 1, and largest difference of an element.
    deviation_ratio: float = 1.0
    difference: float = 0.0
    refused: str = ""


def measure_exporters(address: str) -> list[Row]:
    """One row a network and exporter; needs a server with the models of this repository."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, logah.Client(address) as client:
        for network, (module, inputs) in networks().items():
            graph = trace(module, inputs)
            traced = dict(client.predict(graph, seed=SEED))
            count = sum(parameter.numel() for parameter in module.parameters())
            for exporter, export in exports(Path(folder)).items():
                try:
                    row, file = _read(client, path := export(module, inputs), network, exporter)
                    own = dict(client.predict(path, seed=SEED))
                    names = {tensor.name for tensor in client.plan(path).tensors}
                    kept = sum(name in names for name, _ in module.named_parameters())
                    row = Row(**{**asdict(row), "module_parameters": count, "names_kept": kept})
                    rows.append(_compared(row, file, module, traced, own))
                except Exception as error:
                    rows.append(Row(network, exporter, refused=f"{type(error).__name__}: {error}"[:200]))
                print(rows[-1], flush=True)
        for (network, exporter), make in foreign_exports(Path(folder)).items():
            try:
                rows.append(_read(client, make(), network, exporter)[0])
            except Exception as error:
                rows.append(Row(network, exporter, refused=f"{type(error).__name__}: {error}"[:200]))
            print(rows[-1], flush=True)
    return rows


def _read(client: logah.Client, path: Path, network: str, exporter: str) -> tuple[Row, Any]:
    plan = client.plan(path)
    file = onnx.load(path)
    read = {name for node in file.graph.node for name in node.input} | {output.name for output in file.graph.output}
    tensors = {tensor.name for tensor in file.graph.initializer} & read
    row = Row(
        network,
        exporter,
        plan_parameters=plan.coverage.parameters,
        tensors=len(tensors),
        planned=sum(tensor.name in tensors for tensor in plan.tensors),
        constants=len(_constants(client, path)),
    )
    return row, file


def _constants(client: logah.Client, path: Path) -> list[str]:
    """Of the plan's message."""
    request = logah_pb2.PredictRequest(architecture=read_source(path).message)
    return [constant.name for constant in client.plan_message(request).constants]


def _compared(row: Row, file: Any, module: nn.Module, traced: Mapping[str, Any], own: Mapping[str, Any]) -> Row:
    """Matrices of the file that hold the values of a parameter, oriented alike."""
    parameters = {name: value.detach().numpy() for name, value in module.named_parameters() if value.dim() > 1}
    matrices, ratio, difference = 0, 1.0, 0.0
    for tensor in file.graph.initializer:
        if tensor.name not in own or len(tensor.dims) < 2:
            continue
        for values, predicted in _parts(numpy_helper.to_array(tensor), np.asarray(own[tensor.name]), parameters):
            found = next(((n, o) for n, p in parameters.items() for o in _orders(values, p)), None)
            if found is None:
                continue
            name, order = found
            if _is_drawn(name):
                continue
            ours: NDArray[np.float32] = predicted.transpose(order).reshape(parameters[name].shape)
            theirs = np.asarray(traced[name])
            matrices += 1
            deviations = float(ours.std()), float(theirs.std())
            ratio = max(ratio, max(deviations) / max(min(deviations), 1e-30))
            difference = max(difference, float(np.abs(ours - theirs).max()))
    return Row(**{**asdict(row), "matrices": matrices, "deviation_ratio": ratio, "difference": difference})


def _parts(
    values: NDArray[Any], predicted: NDArray[Any], parameters: Mapping[str, NDArray[Any]]
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """The tensor, or its thirds where it is three parameters side by side, as queries, keys and values are joined."""
    whole = [(values, predicted)]
    if values.ndim != 2 or values.shape[1] % 3 or any(_orders(values, parameter) for parameter in parameters.values()):
        return whole
    return list(zip(np.split(values, 3, 1), np.split(predicted, 3, 1), strict=True))


def _orders(values: NDArray[Any], parameter: NDArray[Any]) -> list[tuple[int, ...]]:
    """The order of dimensions in which the values are the parameter's, if there is one."""
    orders: list[tuple[int, ...]] = [tuple(range(values.ndim))]
    orders += [(1, 0)] if values.ndim == 2 else [(3, 2, 0, 1)] if values.ndim == 4 else []
    return [
        order
        for order in orders
        if values.transpose(order).size == parameter.size
        and np.array_equal(values.transpose(order).reshape(-1), parameter.reshape(-1))
    ]


def _is_drawn(name: str) -> bool:
    """What is filled at random is drawn by the tensor's name, which exporters change."""
    return name.startswith(("token", "positions", "lstm"))
