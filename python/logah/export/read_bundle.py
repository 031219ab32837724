"""Reads a bundle back into a hypernetwork: what is shipped can be evaluated, and trained on.

Everything that a bundle holds comes back bit for bit, save the edge bias: a bundle has its table alone, and the network
that makes the table is built anew so that it makes the same one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor, nn

from logah.errors import BundleError
from logah.export.bundle import FORMAT, MANIFEST
from logah.export.decoder_graphs import EXPANSION
from logah.hypernet.config import HypernetConfig
from logah.hypernet.encoder import EdgeBias
from logah.hypernet.hypernetwork import Hypernetwork

#: Names in a bundle's ONNX files -> names of modules; those that are missing here are the same in both.
_TABLES = {
    "embed": "encoder.embed.weight",
    "in_degree": "encoder.in_degree.weight",
    "out_degree": "encoder.out_degree.weight",
    "input_distance": "encoder.input_distance.weight",
    "embed_channel": "encoder.shape.embed_channel.weight",
    "embed_spatial": "encoder.shape.embed_spatial.weight",
    "slot_embed": "slot.weight",
}
_PREFIXES = {"layers.": "encoder.", "norm.": "encoder.", "shape.": "encoder.", "core.": "decoder.", "l2.": "decoder."}


def read_bundle(directory: Path) -> Hypernetwork:
    """The hypernetwork of a bundle with a low-rank decoder, in evaluation mode, float32.

    Raises BundleError for a directory that is not such a bundle.
    """
    try:
        manifest = json.loads((directory / MANIFEST).read_text())
        constants = {**_constants(directory / "encoder.onnx"), **_constants(directory / "decoder.onnx")}
        if EXPANSION in manifest.get("files", {}):
            constants.update(_expansion(directory / EXPANSION, manifest["hypernet"]))
    except (OSError, ValueError, DecodeError) as error:
        raise BundleError(f"{directory}: {error}") from error
    if manifest.get("format") != FORMAT:
        raise BundleError(f"{directory / MANIFEST}: format is {manifest.get('format')!r}, expected {FORMAT!r}")
    config = HypernetConfig.from_json(manifest["hypernet"])
    if config.decoder == "dense":
        raise BundleError(f"{directory}: a {config.decoder} decoder's bundle is not read back")
    model = Hypernetwork(config)
    load_edge_bias(model.encoder.edge_bias, constants["edge_bias"])
    fresh = {name: tensor for name, tensor in model.state_dict().items() if name.startswith("encoder.edge_bias.")}
    model.load_state_dict({**fresh, **_state(constants)})
    return model.eval().requires_grad_(False)


def _expansion(path: Path, hypernet: Mapping[str, Any]) -> dict[str, Tensor]:
    """The last layer of a low-rank decoder, weight [K, R] and bias [K]."""
    ck, rank = hypernet["ck"], hypernet["rank"]
    values = torch.from_numpy(np.fromfile(path, "<f4"))
    return {"l2.weight": values[: ck * rank].reshape(ck, rank), "l2.bias": values[ck * rank :]}


def _constants(path: Path) -> dict[str, Tensor]:
    graph = onnx.load(str(path)).graph
    return {tensor.name: torch.from_numpy(np.array(numpy_helper.to_array(tensor))) for tensor in graph.initializer}


def _state(constants: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict without the edge bias; constants that no module has (scalars, lookups) are left out."""
    state = {}
    for name, tensor in constants.items():
        prefix = next((target for start, target in _PREFIXES.items() if name.startswith(start)), None)
        if name in _TABLES:
            state[_TABLES[name]] = tensor
        elif prefix is not None and ".a." not in name and ".b." not in name:
            state[prefix + name] = tensor
    for part in ("weight", "bias"):
        # The last layer of the core lies in the file by the two factors' halves.
        halves = (constants[f"core.4.{factor}.{part}"] for factor in "ab")
        state[f"decoder.core.4.{part}"] = torch.cat(list(halves))
    return state


@torch.no_grad()
def load_edge_bias(edge_bias: EdgeBias, table_DH: Tensor) -> None:
    """Sets the network so that `edge_bias.table()` is `table_DH` [2 * cutoff + 1, H] up to rounding.

    Each distance's embedding holds what a path forward adds in its first H numbers and what a path backward adds in the
    next H. The first layer hands both through (a shift keeps them positive, so that ReLU does), the second adds them.
    """
    heads, cutoff = table_DH.shape[1], edge_bias.cutoff
    first, last = edge_bias.project[0], edge_bias.project[2]
    assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
    hid = last.in_features
    if 2 * heads > hid:
        raise BundleError(f"heads: got {heads}, at most half of hid = {hid} can be read back")
    shift = table_DH.abs().max() * 2
    # Distance 0 in both directions is no path: each half adds half of it.
    none_H = (table_DH[cutoff] + shift) / 2
    embed = edge_bias.embed.weight
    for part, rows_DH in enumerate((table_DH[cutoff:], table_DH[: cutoff + 1].flip(0))):
        columns = slice(part * heads, (part + 1) * heads)
        embed[2 : cutoff + 3, columns] = rows_DH + shift - none_H
        embed[2, columns] = none_H
        first.weight[columns] = 0
        first.bias[columns] = 0
        first.weight[columns, part * (hid + heads) : part * (hid + heads) + heads] = torch.eye(heads)
    last.weight.zero_()
    last.weight[:, : 2 * heads] = torch.eye(heads).repeat(1, 2)
    last.bias.fill_(-shift)
