"""Exports a fixed set of networks with every exporter that is installed, and compares what a server makes of the files.

    cd python && python -m bench.exporters HOST:PORT [--only PART ...]

PART is rows (the fixed set), configurations or packages; without one, all are measured, and what is not stays in the
result file as it was. Needs torch, transformers, onnx and onnxscript, for packages those of `bench.shipped_onnx`;
keras, jax2onnx with flax, skl2onnx, onnxslim, onnxsim and onnxruntime are used where they are installed. Each matrix of
a file is found in the module by its values, and what is predicted for it is compared with what is predicted for the
module's own parameter from a trace.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

import logah
from bench.config_and_onnx import configuration_section, measure_configurations
from bench.shipped_onnx import PACKAGES, measure_shipped, shipped_section
from logah.client import trace
from logah.client._generated import logah_pb2
from logah.client.source import read_source

RESULTS = Path(__file__).parents[2] / "bench" / "results" / "exporters.json"
DOCUMENT = Path(__file__).parents[2] / "docs" / "exporters.md"

_SEED = 11


class Perceptron(nn.Module):
    """Three linear layers with a residual: [..., 20] -> [..., 5]."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(20, 80), nn.Linear(80, 20), nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x + self.second(self.first(x).relu()))


class Reused(nn.Module):
    """One layer that is called three times."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared, self.last = nn.Linear(12, 32), nn.Linear(32, 32), nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for _ in range(3):
            x = self.shared(x).relu()
        return self.last(x)


class Convolutions(nn.Module):
    """Convolutions with batch norms, and a group norm: [N, 3, 16, 16] -> [N, 5]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16)
        self.depthwise, self.point = nn.Conv2d(16, 16, 3, groups=16), nn.Conv2d(16, 32, 1)
        self.group, self.head = nn.GroupNorm(4, 32), nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x)).relu()
        return self.head(self.group(self.point(self.depthwise(x))).relu().mean((2, 3)))


class Encoder(nn.Module):
    """Patches, positions, a class token, one block of attention written with separate projections: [N, 3, 16, 16]."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 48, 4, 4)
        self.token, self.positions = nn.Parameter(torch.randn(1, 1, 48)), nn.Parameter(torch.randn(1, 17, 48))
        self.before, self.after, self.last = nn.LayerNorm(48), nn.LayerNorm(48), nn.LayerNorm(48)
        self.query, self.key, self.value, self.out = (nn.Linear(48, 48) for _ in range(4))
        self.up, self.down, self.head = nn.Linear(48, 192), nn.Linear(192, 48), nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        y = self.before(x)
        q, k, v = (p(y).unflatten(-1, (4, 12)).transpose(1, 2) for p in (self.query, self.key, self.value))
        attended = (q @ k.transpose(-1, -2) * 12**-0.5).softmax(-1) @ v
        x = x + self.out(attended.transpose(1, 2).flatten(2))
        x = x + self.down(nn.functional.gelu(self.up(self.after(x))))
        return self.head(self.last(x)[:, 0])


class Recurrent(nn.Module):
    """An embedding, an LSTM and a head: [N, T] -> [N, T, 50]."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.lstm, self.head = nn.Embedding(50, 16), nn.LSTM(16, 24, batch_first=True), nn.Linear(24, 50)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(self.table(x))[0])


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


def _randomised(module: nn.Module) -> nn.Module:
    """All parameters and statistics differ, so that no exporter merges them."""
    generator = torch.Generator().manual_seed(_SEED)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05 + (parameter.dim() == 1))
        for name, buffer in module.named_buffers():
            if "running" in name:
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return module.eval()


def _networks() -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
    image = torch.randn(1, 3, 16, 16)
    return {
        "perceptron": (_randomised(Perceptron()), (torch.randn(2, 20),)),
        "perceptron on sequences": (_randomised(Perceptron()), (torch.randn(2, 6, 20),)),
        "reused layer": (_randomised(Reused()), (torch.randn(2, 5, 12),)),
        "convolutions": (_randomised(Convolutions()), (image,)),
        "vision transformer": (_randomised(Encoder()), (image,)),
        "recurrent": (_randomised(Recurrent()), (torch.randint(50, (2, 6)),)),
    }


def _exports(folder: Path) -> dict[str, Callable[[nn.Module, tuple[Tensor, ...]], Path]]:
    def torch_export(dynamo: bool) -> Callable[[nn.Module, tuple[Tensor, ...]], Path]:
        def export(module: nn.Module, inputs: tuple[Tensor, ...]) -> Path:
            path = folder / f"{type(module).__name__}-{dynamo}.onnx"
            more: dict[str, Any] = {"external_data": False, "verbose": False} if dynamo else {}
            torch.onnx.export(module, inputs, str(path), dynamo=dynamo, opset_version=18, **more)
            module.eval()
            return path

        return export

    script, dynamo = torch_export(False), torch_export(True)

    def after(step: Callable[[Path, Path], None]) -> Callable[[nn.Module, tuple[Tensor, ...]], Path]:
        def export(module: nn.Module, inputs: tuple[Tensor, ...]) -> Path:
            path = script(module, inputs)
            target = path.with_suffix(".step.onnx")
            step(path, target)
            return target

        return export

    found: dict[str, Callable[[nn.Module, tuple[Tensor, ...]], Path]] = {
        "torch, TorchScript": script,
        "torch, dynamo": dynamo,
    }
    if _version("onnxslim"):
        found["TorchScript, onnxslim"] = after(_slim)
    if _version("onnxsim"):
        found["TorchScript, onnxsim"] = after(_simplify)
    if _version("onnxruntime"):
        found["TorchScript, ONNX Runtime"] = after(_optimise)
    return found


def _slim(path: Path, target: Path) -> None:
    import onnxslim

    onnx.save(onnxslim.slim(str(path)), target)


def _simplify(path: Path, target: Path) -> None:
    import onnxsim

    model, _ = onnxsim.simplify(onnx.load(path))
    onnx.save(model, target)


def _optimise(path: Path, target: Path) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _others(folder: Path) -> Mapping[tuple[str, str], Callable[[], Path]]:
    """Networks that other frameworks make and export themselves."""
    found: dict[tuple[str, str], Callable[[], Path]] = {}
    if _version("skl2onnx"):
        found["perceptron", "scikit-learn, skl2onnx"] = lambda: _sklearn(folder)
    if _version("jax2onnx"):
        found["perceptron", "flax, jax2onnx"] = lambda: _flax(folder)
    if _version("keras"):
        found["convolutions", "Keras on torch"] = lambda: _keras(folder)
    return found


def _sklearn(folder: Path) -> Path:
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier

    data = np.random.default_rng(_SEED).normal(size=(60, 20)).astype(np.float32)
    network = MLPClassifier((80, 40), max_iter=2, random_state=0).fit(data, np.arange(60) % 3)
    path = folder / "sklearn.onnx"
    path.write_bytes(to_onnx(network, data[:1], options={"zipmap": False}).SerializeToString())
    return path


def _flax(folder: Path) -> Path:
    import jax
    from flax import nnx
    from jax2onnx import to_onnx

    class Network(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.first, self.second = nnx.Linear(20, 80, rngs=rngs), nnx.Linear(80, 5, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.second(jax.nn.relu(self.first(x)))

    path = folder / "flax.onnx"
    onnx.save(to_onnx(Network(nnx.Rngs(0)), [(2, 20)]), path)
    return path


def _keras(folder: Path) -> Path:
    import os

    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((16, 16, 3)),
            layers.Conv2D(16, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5),
        ]
    )
    generator = np.random.default_rng(_SEED)
    network.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in network.get_weights()])
    path = folder / "keras.onnx"
    network(np.zeros((1, 16, 16, 3), np.float32))
    signature = [keras.InputSpec(shape=(1, 16, 16, 3), dtype="float32")]
    network.export(str(path), format="onnx", verbose=False, input_signature=signature)
    return path


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


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


def measure(address: str) -> list[Row]:
    """One row a network and exporter; needs a server with the models of this repository."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, logah.Client(address) as client:
        for network, (module, inputs) in _networks().items():
            graph = trace(module, inputs)
            traced = dict(client.predict(graph, seed=_SEED))
            count = sum(parameter.numel() for parameter in module.parameters())
            for exporter, export in _exports(Path(folder)).items():
                try:
                    row, file = _read(client, path := export(module, inputs), network, exporter)
                    own = dict(client.predict(path, seed=_SEED))
                    names = {tensor.name for tensor in client.plan(path).tensors}
                    kept = sum(name in names for name, _ in module.named_parameters())
                    row = Row(**{**asdict(row), "module_parameters": count, "names_kept": kept})
                    rows.append(_compared(row, file, module, traced, own))
                except Exception as error:
                    rows.append(Row(network, exporter, refused=f"{type(error).__name__}: {error}"[:200]))
                print(rows[-1], flush=True)
        for (network, exporter), make in _others(Path(folder)).items():
            try:
                rows.append(_read(client, make(), network, exporter)[0])
            except Exception as error:
                rows.append(Row(network, exporter, refused=f"{type(error).__name__}: {error}"[:200]))
            print(rows[-1], flush=True)
    return rows


_PACKAGES = (
    "torch",
    "transformers",
    "onnx",
    "onnxscript",
    "onnxslim",
    "onnxsim",
    "onnxruntime",
    "keras",
    "jax2onnx",
    "skl2onnx",
    *PACKAGES,
)


def report(result: Mapping[str, Any]) -> str:
    """The document of a result file."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items() if version)
    lines = [
        "# What exporters make of a network",
        "",
        "`python/bench/exporters.py` exports a fixed set of networks, whose parameters all differ, with each exporter",
        "that is installed, and compares what the service plans and predicts for the file with what it predicts for",
        "the module from a trace. Written from `bench/results/exporters.json`; with",
        f"{versions}.",
        "",
        "| Network | Exporter | Parameters: module / plan | Tensors: parameters + constants of all | Names kept "
        "| Matrices compared | Largest ratio of deviations | Largest difference |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["rows"]:
        if row["refused"]:
            lines.append(f"| {row['network']} | {row['exporter']} | {row['refused']} | | | | | |")
            continue
        matrices = row["matrices"] or "-"
        figures = [f"{row['deviation_ratio']:.4f}", f"{row['difference']:.1e}"] if row["matrices"] else ["-", "-"]
        own = f"{row['module_parameters']:,}" if row["module_parameters"] else "-"
        names = row["names_kept"] if row["module_parameters"] else "-"
        lines.append(
            f"| {row['network']} | {row['exporter']} | {own} / {row['plan_parameters']:,} "
            f"| {row['planned']} + {row['constants']} of {row['tensors']} | {names} | {matrices} | "
            + " | ".join(figures)
            + " |"
        )
    lines += [
        "",
        "A matrix is found in the module by its values, so those that an exporter has computed anew (a batch norm that",
        "is folded into a convolution) are not compared; nor is what is drawn at random, which goes by a tensor name.",
        "A network whose norms were folded away is another graph, whose matrices differ from the trace's. Projections",
        "of query, key and value that onnxsim has joined are read as the three layers that they were.",
        "",
        *configuration_section(result["configurations"]),
        *shipped_section(result["packages"]),
    ]
    return "\n".join(lines)


_PARTS: dict[str, Callable[[str], Iterable[Any]]] = {
    "rows": measure,
    "configurations": measure_configurations,
    "packages": measure_shipped,
}


def main() -> None:
    """Measures, and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=list(_PARTS), metavar="PART")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    result = json.loads(RESULTS.read_text())
    for part in given.only:
        result[part] = [asdict(row) for row in _PARTS[part](given.address)]
    # Of a part that is not measured here, the versions that it was measured with.
    result["versions"] = {name: _version(name) or result["versions"].get(name, "") for name in _PACKAGES}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    DOCUMENT.write_text(report(result))


if __name__ == "__main__":
    main()
