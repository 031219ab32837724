"""Writes what the service's parity test needs, all of it from the authors' checkpoints and predictions.

    python python/tests/support/export_parity.py DIRECTORY

`models/` gets a bundle of each checkpoint, by `logah export`; `cases.json` lists the networks; each has NAME.graph.json
and what is expected: NAME.safetensors, every comparable parameter, or NAME.digest.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from parity_graphs import expected_parameters, parity_directory, parity_graph
from safetensors.numpy import save_file

from logah.__main__ import main as logah

NETWORKS = {
    "vit-c96-l2-p4": "logah-r16-hid32",
    "vit-c160-l3-p2": "logah-r16-hid32",
    "vit-c320-l2-p16": "logah-r16-hid32",
    "ghn3-vit-c96-l2-p4": "ghn3-hid32",
    "ghn3-resnet18": "ghn3-hid32",
}
#: State of batch norm, which nobody predicts.
NOT_PREDICTED = ("running_mean", "running_var", "num_batches_tracked")


def write_network(directory: Path, name: str) -> str:
    """Returns the name of the file with what is expected."""
    (directory / f"{name}.graph.json").write_text(json.dumps(parity_graph(name).to_json()))
    digests = parity_directory() / f"{name}.digest.json"
    if not digests.exists():
        expected = {key: np.ascontiguousarray(value) for key, value in expected_parameters(name).items()}
        save_file(expected, directory / f"{name}.safetensors")
        return f"{name}.safetensors"
    content = json.loads(digests.read_text())
    content = {key: digest for key, digest in content.items() if not key.endswith(NOT_PREDICTED)}
    (directory / digests.name).write_text(json.dumps(content))
    return digests.name


def main(directory: Path) -> int:
    """Returns the exit status."""
    for model in sorted(set(NETWORKS.values())):
        checkpoint = parity_directory() / f"{model}.pt"
        if status := logah(["export", str(checkpoint), "--out", str(directory / "models" / model), "--force"]):
            return status
    cases = [
        {"network": name, "model": model, "expected": write_network(directory, name)}
        for name, model in NETWORKS.items()
    ]
    (directory / "cases.json").write_text(json.dumps(cases, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
