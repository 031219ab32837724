"""Writes those files of `test/fixtures/onnx/cases` that show what PyTorch's exporters do to norms and equal parameters.

    python python/scripts/export_onnx_cases.py test/fixtures/onnx/cases

Needs torch, onnx, onnxscript and onnxsim. Files keep their weights, and lose what is for people.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import onnx
import onnxsim
import torch
from torch import Tensor, nn


class Norms(nn.Module):
    """Layers of each kind with a batch norm, with and without a bias, and one of each that has none: [N, 3, H, W]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8)
        self.second, self.second_norm = nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8)
        self.plain = nn.Conv2d(8, 8, 3)
        self.up, self.up_norm = nn.ConvTranspose2d(8, 8, 3), nn.BatchNorm2d(8)
        self.dense, self.dense_norm = nn.Linear(8, 16), nn.BatchNorm1d(16)
        self.last, self.last_norm = nn.Linear(16, 16, bias=False), nn.BatchNorm1d(16)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.second_norm(self.second(self.stem_norm(self.stem(x)).relu())).relu()
        x = self.up_norm(self.up(self.plain(x).relu())).relu().mean((2, 3))
        return self.head(self.last_norm(self.last(self.dense_norm(self.dense(x)).relu())).relu())


class Encoder(nn.Module):
    """torch's own encoder, whose layers are copies of one, and a head that shares the table: [N, T]."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(20, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 20, bias=False)
        self.head.weight = self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.table(x)))


class Attention(nn.Module):
    """Projections apart, with biases or without, of as many heads of keys and values or fewer: [N, T, 16]."""

    def __init__(self, bias: bool, key_heads: int) -> None:
        super().__init__()
        self.norm, self.query = nn.LayerNorm(16), nn.Linear(16, 16, bias)
        self.key, self.value = nn.Linear(16, 4 * key_heads, bias), nn.Linear(16, 4 * key_heads, bias)
        self.out = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        q, k, v = (layer(x).unflatten(-1, (-1, 4)).transpose(1, 2) for layer in (self.query, self.key, self.value))
        k, v = (each.repeat_interleave(4 // each.shape[1], 1) for each in (k, v))
        return self.out(((q @ k.transpose(-1, -2)).softmax(-1) @ v).transpose(1, 2).flatten(2))


class Fused(nn.Module):
    """One layer for queries, keys and values: [N, T, 16]."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(16), nn.Linear(16, 48, bias), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (-1, 4)).transpose(1, 2) for part in self.qkv(self.norm(x)).split(16, -1))
        return self.out(((q @ k.transpose(-1, -2)).softmax(-1) @ v).transpose(1, 2).flatten(2))


class Positions(nn.Module):
    """Tokens, and positions that are looked up by their number: [N, T]."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(20, 8), nn.Embedding(6, 8)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 20)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.tokens(x) + self.positions(torch.arange(x.shape[1])[None])))


def _trained(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05 + (parameter.dim() == 1))
        for name, buffer in module.named_buffers():
            if "running" in name:
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return module


_IMAGE = (torch.zeros(2, 3, 16, 16),)
_SEQUENCE = (torch.zeros(2, 6, 16),)
_TOKENS = (torch.zeros(2, 6, dtype=torch.int64),)

CASES: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...], dict[str, object]]] = {
    "folded-norms": (lambda: _trained(Norms()), _IMAGE, {"dynamo": False}),
    "folded-norms-dynamo": (lambda: _trained(Norms()), _IMAGE, {"dynamo": True}),
    "unfolded-norms-dynamo": (lambda: _trained(Norms()), _IMAGE, {"dynamo": True, "optimize": False}),
    "copied-layers": (Encoder, _TOKENS, {"dynamo": False}),
    "copied-layers-dynamo": (Encoder, _TOKENS, {"dynamo": True}),
    "trained-layers": (lambda: _trained(Encoder()), _TOKENS, {"dynamo": False}),
    "positions-fixed-dynamo": (lambda: _trained(Positions()), _TOKENS, {"dynamo": True}),
    "positions-fixed": (lambda: _trained(Positions()), _TOKENS, {"dynamo": False}),
    "projections": (lambda: _trained(Attention(True, 4)), _SEQUENCE, {"dynamo": False}),
    "projections-onnxsim": (lambda: _trained(Attention(True, 4)), _SEQUENCE, {"dynamo": False, "simplify": True}),
    "projections-bare-onnxsim": (lambda: _trained(Attention(False, 4)), _SEQUENCE, {"dynamo": False, "simplify": True}),
    "projections-fused-onnxsim": (lambda: _trained(Fused(False)), _SEQUENCE, {"dynamo": False, "simplify": True}),
    "trained-layers-dynamo": (lambda: _trained(Encoder()), _TOKENS, {"dynamo": True}),
}


def main() -> None:
    """Exports all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    directory = parser.parse_args().directory
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.backends.mha.set_fastpath_enabled(False)
    for name, (build, inputs, options) in CASES.items():
        torch.manual_seed(0)
        simplified = options.pop("simplify", False)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            torch.onnx.export(build().eval(), inputs, path, opset_version=18, external_data=False, **options)
            model = onnxsim.simplify(onnx.load(path))[0] if simplified else onnx.load(path)
        model.ClearField("metadata_props")
        for node in model.graph.node:
            node.ClearField("metadata_props")
            node.ClearField("doc_string")
        model.graph.ClearField("metadata_props")
        model.graph.ClearField("value_info")
        (directory / f"{name}.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
