"""Writes the small fixtures that the service's tests read, `test/fixtures/parity/`; needs the parity data.

    python python/tests/support/make_fixtures.py

`vit-c96-l2-p4` holds what the authors' code predicted. `ghn3/` holds what the code of this package predicts with a
small random GHN-3 (the parity tests hold that code to the authors').
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from parity_graphs import REPOSITORY, expected_parameters, parity_directory, parity_graph
from safetensors.numpy import save

from logah.export.bundle import BundleDescription, write_bundle
from logah.graph import ArchitectureGraph
from logah.hypernet.checkpoint import load_checkpoint
from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import GraphFeatures, Hypernetwork

FIXTURES = REPOSITORY / "test" / "fixtures" / "parity"
README = """\
# Parity fixtures

Written by `python python/tests/support/make_fixtures.py`; do not edit.

| File | Content |
|---|---|
| `bundle/` | the bundle of a LoGAH with random weights (hid 32, r 16, ck 4096, max_shape 256) |
| `vit-c96-l2-p4.graph.json` | torchvision's VisionTransformer: width 96, 2 layers, 4 x 4 patches |
| `expected.safetensors` | what the authors' code predicted for it, and `embedding` [N, hid], `distance` [N, N] |
| `ghn3/bundle/` | the bundle of a GHN-3 with random weights (hid 16, max_shape 16) |
| `ghn3/*.graph.json` | the same network |
| `ghn3/expected.safetensors` | the same for it, predicted by this repository's PyTorch code |

Not comparable: row 0 of `encoder.pos_embedding` along axis 1 (unseeded noise there) and `class_token` (left out).
Tolerance: relative error per tensor below 1e-5.
"""


def random_ghn3() -> Hypernetwork:
    """A GHN-3 small enough for a repository."""
    torch.manual_seed(3)
    config = HypernetConfig(
        hid=16, heads=4, layers=2, rank=0, ck=0, max_shape=(16, 16, 16, 16), num_classes=10, decoder="dense"
    )
    return Hypernetwork(config).eval().requires_grad_(False)


def ghn3_expected(model: Hypernetwork, graph: ArchitectureGraph) -> dict[str, np.ndarray]:
    """Predicted parameters; what a rule initialises is zero here."""
    predicted = model(GraphFeatures.of(graph, model.config))
    expected = {}
    for parameter in graph.parameters:
        parts = [
            predicted.get((parameter.name, position), torch.zeros(shape))
            for position, shape in enumerate(parameter.block_shapes())
        ]
        if any((parameter.name, position) in predicted for position in range(len(parts))):
            expected[parameter.name] = torch.cat(parts, dim=parameter.axis).numpy()
    return expected


def write_case(directory: Path, bundle: str, model: Hypernetwork, name: str, expected: dict[str, np.ndarray]) -> None:
    """One bundle, one graph, and what is to come out."""
    directory.mkdir(parents=True, exist_ok=True)
    write_bundle(model, BundleDescription(name=bundle), directory / "bundle", force=True)
    graph = parity_graph(name)
    (directory / f"{name}.graph.json").write_text(json.dumps(graph.to_json(), indent=2) + "\n")
    features = GraphFeatures.of(graph, model.config)
    more = {"embedding": model.embed(features).numpy(), "distance": features.distance_NN.numpy().astype(np.int32)}
    content = save({key: np.ascontiguousarray(value) for key, value in {**expected, **more}.items()})
    (directory / "expected.safetensors").write_bytes(content)


def main() -> None:
    """Writes all fixtures. One thread, since the last bits of a matrix product depend on their number."""
    torch.set_num_threads(1)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / "README.md").write_text(README)
    low_rank = load_checkpoint(parity_directory() / "logah-r16-hid32.pt").model
    write_case(FIXTURES, "parity-logah", low_rank, "vit-c96-l2-p4", expected_parameters("vit-c96-l2-p4"))
    dense = random_ghn3()
    graph = parity_graph("ghn3-vit-c96-l2-p4")
    write_case(FIXTURES / "ghn3", "parity-ghn3", dense, "ghn3-vit-c96-l2-p4", ghn3_expected(dense, graph))


if __name__ == "__main__":
    main()
