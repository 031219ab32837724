"""Gives bundles of version 1 the graphs that `logah export` writes now, without their checkpoint:

    cd python && python -m scripts.upgrade_bundle BUNDLE...

The weights stay, and the table of the edge bias; with them, what is predicted, up to the last bits. Bundles of this
version and those of a dense decoder, which are not read back, stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from logah.export.bundle import MANIFEST, VERSION
from logah.export.decoder_graphs import decoder_graphs
from logah.export.encoder_graph import encoder_graph
from logah.export.read_bundle import read_bundle


def upgrade(directory: Path) -> bool:
    """Rewrites a bundle in place; False where there is nothing to do."""
    manifest = json.loads((directory / MANIFEST).read_text())
    if manifest["hypernet"]["decoder"] == "dense" or manifest["version"] == VERSION:
        return False
    model = read_bundle(directory)
    tensors = onnx.load(directory / "encoder.onnx").graph.initializer
    table = next(numpy_helper.to_array(tensor) for tensor in tensors if tensor.name == "edge_bias")
    # The network that is read back makes the table up to rounding; this is the very one.
    encoder = encoder_graph(model.encoder, torch.from_numpy(table.copy()))
    for name, content in {"encoder.onnx": encoder, **decoder_graphs(model)}.items():
        (directory / name).write_bytes(content)
        manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    manifest["version"] = VERSION
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return True


if __name__ == "__main__":
    for bundle in sys.argv[1:]:
        print(f"{bundle}: {'rewritten' if upgrade(Path(bundle)) else 'nothing to do'}")
