#!/usr/bin/env bash
# torch.onnx.export puts a network that was in evaluation mode into training mode, if a wrapper around it was not.
#
# Guess: the exporter leaves the modes of all modules as it found them; `wrapper(network.eval())` is in evaluation mode.
# Seen:  the TorchScript exporter saves the mode of the outermost module alone and restores it with `train(mode)`, which
#        sets every submodule: the wrapped network comes back with dropout active and batch norms that update. What is
#        compared with the exported file afterwards then differs at random.
# With:  torch 2.13.0 (CPU), onnx 1.23.2, numpy 2.4.6, Python 3.11
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder"/venv/bin/pip install -q torch==2.13.0
"$folder"/venv/bin/pip install -q onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import io

import torch
from torch import nn


class Wrapper(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)


network = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).eval()
wrapper = Wrapper(network)
print("before: network.training", network.training)
torch.onnx.export(wrapper, (torch.zeros(2, 4),), io.BytesIO(), dynamo=False)
print("after:  network.training", network.training)
assert network.training, "the exporter now restores the mode of each module"
PYTHON
