#!/usr/bin/env bash
# Both ONNX exporters of PyTorch write parameters that are equal once, by value, also those of different kinds.
#
# Guess: only tensors that share their storage become one initializer.
# Seen:  in an untrained network the bias of a folded convolution is a copy (`Identity`) of a running mean that happens to be
#        zero, and with dynamo a norm without parameters takes another norm's `weight` for its ones: one name in the file
#        then stands for unrelated tensors. Networks whose parameters differ are written as one expects.
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
from torch import nn

logging.disable(logging.WARNING)


class Folded(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8)
        self.last = nn.BatchNorm2d(8, affine=False)

    def forward(self, x):
        return self.last(self.norm(self.conv(x)).relu())


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain, self.scaled = nn.LayerNorm(8, elementwise_affine=False), nn.LayerNorm(8)

    def forward(self, x):
        return self.scaled(self.plain(x).relu())


torch.onnx.export(Folded().eval(), (torch.randn(1, 3, 8, 8),), "folded.onnx", dynamo=False)
copies = [(node.input[0], node.output[0]) for node in onnx.load("folded.onnx").graph.node if node.op_type == "Identity"]
print("TorchScript copies:", copies)
torch.onnx.export(Norms().eval(), (torch.randn(2, 8),), "norms.onnx", dynamo=True, external_data=False)
norms = [list(node.input) for node in onnx.load("norms.onnx").graph.node if node.op_type == "LayerNormalization"]
print("dynamo norms read:", norms)
shared = [name for name, _ in copies if name == "last.running_mean"]
if not shared or len(norms) != 2 or any("scaled.weight" not in inputs for inputs in norms):
    raise SystemExit("what was seen has changed")
PYTHON
