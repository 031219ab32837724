#!/usr/bin/env bash
# torch.onnx.export(dynamo=True) folds a batch norm into the convolution before it, and keeps the convolution's name.
#
# Guess: an initializer `conv.weight` holds the module's `conv.weight`; what was computed gets a name of its own, as the
#        TorchScript exporter gives it (`onnx::Conv_12`).
# Seen:  the folded weight is called `conv.weight`, so loading the file's tensors by name with strict=False puts scaled
#        weights into a network that will scale them again. `optimize=False` keeps both apart.
# With:  torch 2.13.0 (CPU), onnx 1.23.2, onnxscript 0.7.2, numpy 2.4.6, Python 3.11
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder"/venv/bin/pip install -q torch==2.13.0
"$folder"/venv/bin/pip install -q onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import logging

import onnx
import torch
from onnx import numpy_helper
from torch import nn

logging.disable(logging.WARNING)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        return self.norm(self.conv(x)).relu()


torch.manual_seed(0)
network = Network()
with torch.no_grad():
    network.norm.running_var.uniform_(0.5, 2)
network.eval()
own = network.conv.weight.detach().numpy()
seen = {}
for optimize in (True, False):
    path = f"{optimize}.onnx"
    torch.onnx.export(network, (torch.randn(1, 3, 8, 8),), path, dynamo=True, optimize=optimize, external_data=False)
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    seen[optimize] = "conv.weight" in tensors and bool((tensors["conv.weight"] == own).all())
    print(f"optimize={optimize}: {sorted(tensors)}; conv.weight is the module's: {seen[optimize]}")
    if "conv.weight" not in tensors:
        raise SystemExit("the name conv.weight is gone")
if seen != {True: False, False: True}:
    raise SystemExit("what was seen has changed")
PYTHON
