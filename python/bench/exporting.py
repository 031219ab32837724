"""Exporters to ONNX, those that are installed: of a module, and of networks that other frameworks make themselves."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from bench.exported_networks import SEED


def version(package: str) -> str:
    """Of an installed package; empty where it is not."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def exports(folder: Path) -> dict[str, Callable[[nn.Module, tuple[Tensor, ...]], Path]]:
    """By name, what writes a module's file into the folder."""

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
    if version("onnxslim"):
        found["TorchScript, onnxslim"] = after(_slim)
    if version("onnxsim"):
        found["TorchScript, onnxsim"] = after(_simplify)
    if version("onnxruntime"):
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


def foreign_exports(folder: Path) -> Mapping[tuple[str, str], Callable[[], Path]]:
    """Networks that other frameworks make and export themselves."""
    found: dict[tuple[str, str], Callable[[], Path]] = {}
    if version("skl2onnx"):
        found["perceptron", "scikit-learn, skl2onnx"] = lambda: _sklearn(folder)
    if version("jax2onnx"):
        found["perceptron", "flax, jax2onnx"] = lambda: _flax(folder)
    if version("keras"):
        found["convolutions", "Keras on torch"] = lambda: _keras(folder)
    return found


def _sklearn(folder: Path) -> Path:
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier

    data = np.random.default_rng(SEED).normal(size=(60, 20)).astype(np.float32)
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
    generator = np.random.default_rng(SEED)
    network.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in network.get_weights()])
    path = folder / "keras.onnx"
    network(np.zeros((1, 16, 16, 3), np.float32))
    signature = [keras.InputSpec(shape=(1, 16, 16, 3), dtype="float32")]
    network.export(str(path), format="onnx", verbose=False, input_signature=signature)
    return path
