"""Gives bundles that were exported without cores what `logah export` writes now, without their checkpoint:

    cd python && python -m scripts.add_core_outputs BUNDLE...

Their `decoder.onnx` gets the outputs `core_a` and `core_b`, and the last layer in it a file of its own. All other
outputs keep their bits. A bundle that has all of it, or a dense decoder, stays as it is.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper

from logah.export import decoder_graphs
from logah.export.decoder_graphs import EXPANSION, expansion_bytes


def add_core_outputs(decoder: bytes) -> tuple[bytes, bytes]:
    """`decoder.onnx` as it was exported before -> as it is exported now, and the expansion."""
    model = onnx.load_from_string(decoder)
    graph = model.graph
    rank = graph.output[0].type.tensor_type.shape.dim[1].dim_value
    heads = [node.output[0] for node in graph.node if node.op_type == "Slice" and node.input[0] == "l2.weight"]
    # What is multiplied with the head of the layer's weight is a core, that of A first.
    cores = [next(node.input[0] for node in graph.node if node.input[1:2] == [head]) for head in heads]
    for name, core in zip(("a", "b"), cores, strict=True):
        graph.node.append(helper.make_node("Identity", [core], [f"core_{name}"], name=f"core_{name}"))
        shape = [f"core_rows_{name}", rank]
        graph.output.append(helper.make_tensor_value_info(f"core_{name}", TensorProto.FLOAT, shape))
    model.doc_string = decoder_graphs._factors.__doc__ or ""
    onnx.checker.check_model(model)
    constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    expansion = expansion_bytes(constants["l2.weight"], constants["l2.bias"])
    return model.SerializeToString(deterministic=True), expansion


def upgrade(directory: Path) -> bool:
    """Rewrites a bundle in place; False where there is nothing to do."""
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text())
    if manifest["hypernet"]["decoder"] == "dense" or EXPANSION in manifest["files"]:
        return False
    decoder, expansion = add_core_outputs((directory / "decoder.onnx").read_bytes())
    for name, content in {"decoder.onnx": decoder, EXPANSION: expansion}.items():
        (directory / name).write_bytes(content)
        manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return True


if __name__ == "__main__":
    for bundle in sys.argv[1:]:
        print(f"{bundle}: {'rewritten' if upgrade(Path(bundle)) else 'nothing to do'}")
