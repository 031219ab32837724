"""Decoders that run a bundle's ONNX files: the rules by which a client of a bundle crops, tiles and reshapes.

They fit `decode_block`, which adds the scales.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor

from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import GraphFeatures, decode_block
from logah.hypernet.shapes import rounded_size


class Bundle:
    """A bundle's manifest and sessions."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.manifest: dict[str, Any] = json.loads((directory / "manifest.json").read_text())
        self.config = HypernetConfig.from_json(self.manifest["hypernet"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._sessions = {
            name: onnxruntime.InferenceSession(directory / name, options, providers=["CPUExecutionProvider"])
            for name in self.manifest["files"]
            if name.endswith(".onnx")
        }

    def expansion(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The weight [K, R] and the bias [K] of the last layer."""
        values = np.fromfile(self._directory / "expansion.bin", "<f4")
        count = self.config.ck * self.config.rank
        return values[:count].reshape(self.config.ck, self.config.rank), values[count:]

    def run(self, file: str, **inputs: Any) -> list[NDArray[np.float32]]:
        """The outputs of one file. Integers become int64 [1]."""
        feeds = {k: np.array([v], dtype=np.int64) if isinstance(v, int) else np.asarray(v) for k, v in inputs.items()}
        return self._sessions[file].run(None, feeds)

    def embed(self, features: GraphFeatures) -> NDArray[np.float32]:
        """Node embeddings [N, C]."""
        direct = features.distance_NN == 1
        arrays = {
            "operation": features.operation_N,
            "shape": features.shape_N4,
            "edges_in": direct.sum(0),
            "edges_out": direct.sum(1),
        }
        feeds = {k: v.numpy().astype(np.int32) for k, v in arrays.items()}
        return self.run("encoder.onnx", **feeds, distance=features.distance_NN.numpy().astype(np.uint8))[0]

    def predict(self, features: GraphFeatures) -> dict[tuple[str, int], Tensor]:
        """Every predicted block of the graph."""
        embedding_NC = torch.from_numpy(self.embed(features))
        decoder = OnnxDenseDecoder if self.config.decoder == "dense" else OnnxFactorDecoder
        predicted = {}
        for block in features.blocks:
            slot = {"slot": np.array([block.prediction.slot], dtype=np.int32)} if self.config.slots > 1 else {}
            embedding_1C = embedding_NC[block.prediction.node : block.prediction.node + 1]
            predicted[block.parameter, block.position] = decode_block(
                decoder(self, slot), embedding_1C, block, self.config.embedding_scale
            )[0]
        return predicted


def _tiled(block: NDArray[np.float32], *sizes: int) -> Tensor:
    """Repeats the first dimensions from their beginning up to `sizes`, or cuts them; adds a batch of one."""
    for axis, size in enumerate(sizes):
        block = np.take(block, np.arange(size) % block.shape[axis], axis=axis)
    return torch.from_numpy(block)[None]


class OnnxFactorDecoder:
    """`low_rank` and `aligned`."""

    def __init__(self, bundle: Bundle, slot: dict[str, Any]) -> None:
        self.bundle, self.slot, self.config = bundle, slot, bundle.config

    def _product(self, embedding_1C: Tensor, m: int, n: int) -> NDArray[np.float32]:
        rank, ck = self.config.rank, self.config.ck
        rows_a, rows_b = (-(-rows * rank // ck) for rows in (m, n))
        feeds = {"embedding": embedding_1C, "core_rows_a": rows_a, "core_rows_b": rows_b, **self.slot}
        cores = self.bundle.run("decoder.onnx", **feeds)
        weight_KR, bias_K = self.bundle.expansion()
        expanded = ((core[0] @ weight_KR.T + bias_K).reshape(-1) for core in cores)
        a, b = (flat[: rows * rank].reshape(rows, -1) for flat, rows in zip(expanded, (m, n), strict=True))
        return self.bundle.run("product.onnx", a=a, b=b)[0]

    def vector(self, embedding_1C: Tensor, length: int, row: int, *, classifier: bool) -> Tensor:
        """[1, length]."""
        if self.config.decoder == "aligned":
            return _tiled(self._product(embedding_1C, min(length, self.config.max_shape[0]), 2)[:, row], length)
        rounded = rounded_size(length, self.config.max_shape[0])
        return _tiled(self._product(embedding_1C, 2 * rounded, 1).reshape(2, rounded)[row], length)

    def matrix(self, embedding_1C: Tensor, out_count: int, in_count: int, *, classifier: bool) -> Tensor:
        """[1, out, in]."""
        m, n = min(out_count, self.config.max_shape[0]), min(in_count, self.config.max_shape[1])
        return _tiled(self._product(embedding_1C, m, n), out_count, in_count)

    def kernel(self, embedding_1C: Tensor, out_count: int, in_count: int, height: int, width: int) -> Tensor:
        """[1, out, in, height, width]."""
        o = min(out_count, self.config.max_shape[0], self.config.ck // height)
        i = min(in_count, self.config.max_shape[1], self.config.ck // width)
        block = self._product(embedding_1C, o * height, i * width).reshape(o, height, i, width).transpose(0, 2, 1, 3)
        return _tiled(block, out_count, in_count)

    def positions(self, embedding_1C: Tensor, channels: int, side: int) -> Tensor:
        """[1, 1, channels, side, side]."""
        i = min(channels, self.config.ck // side)
        block = self._product(embedding_1C, side, i * side).reshape(1, side, i, side).transpose(0, 2, 1, 3)
        return _tiled(block, 1, channels)


class OnnxDenseDecoder:
    """`dense`."""

    def __init__(self, bundle: Bundle, slot: dict[str, Any]) -> None:
        self.bundle, self.slot, self.config = bundle, slot, bundle.config

    def _kernel(self, embedding_1C: Tensor, out_count: int, in_count: int, h: int, w: int) -> NDArray[np.float32]:
        sizes = {"out": min(out_count, self.config.max_shape[0]), "in": min(in_count, self.config.max_shape[1])}
        return self.bundle.run("decoder.onnx", embedding=embedding_1C, **sizes, height=h, width=w, **self.slot)[0]

    def vector(self, embedding_1C: Tensor, length: int, row: int, *, classifier: bool) -> Tensor:
        """[1, length]."""
        vector, class_bias = self.bundle.run("decoder_1d.onnx", embedding=embedding_1C, **self.slot)
        return _tiled((class_bias if classifier else vector)[row], length)

    def matrix(self, embedding_1C: Tensor, out_count: int, in_count: int, *, classifier: bool) -> Tensor:
        """[1, out, in]."""
        if classifier:
            kernel = self._kernel(embedding_1C, self.config.max_shape[0], in_count, 1, 1)
            return _tiled(self.bundle.run("decoder_class.onnx", kernel=kernel)[0], out_count, in_count)
        return _tiled(self._kernel(embedding_1C, out_count, in_count, 1, 1)[:, :, 0, 0], out_count, in_count)

    def kernel(self, embedding_1C: Tensor, out_count: int, in_count: int, height: int, width: int) -> Tensor:
        """[1, out, in, height, width]."""
        return _tiled(self._kernel(embedding_1C, out_count, in_count, height, width), out_count, in_count)

    def positions(self, embedding_1C: Tensor, channels: int, side: int) -> Tensor:
        """[1, 1, channels, side, side]."""
        return self.kernel(embedding_1C, 1, channels, side, side)
