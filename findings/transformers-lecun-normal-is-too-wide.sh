#!/usr/bin/env bash
# Guess: transformers' lecun_normal_, which SigLIP and others start their convolutions with, gives a variance of 1 / fan_in, as
# JAX's of that name does.
# Seen: its deviation is 1.137 times that. It divides by the deviation of a normal that is cut at two of its deviations,
# 0.8796, and then draws one that is cut at -2 and 2 in units of the weight, which cuts nothing.
# Versions: transformers 5.23.0, torch 2.13.0, CPU.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder"/venv/bin/pip install -q torch==2.13.0
"$folder"/venv/bin/pip install -q transformers==5.23.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from transformers import SiglipVisionConfig, SiglipVisionModel
from transformers.initialization import lecun_normal_

torch.manual_seed(0)
weight = lecun_normal_(torch.empty(2000, 1000))
ratio = weight.std().item() * 1000**0.5
print(f"lecun_normal_: deviation over 1 / sqrt(fan_in): {ratio:.3f}")
model = SiglipVisionModel(
    SiglipVisionConfig(hidden_size=512, intermediate_size=512, num_hidden_layers=1, num_attention_heads=8, image_size=32)
)
patches = next(tensor for name, tensor in model.named_parameters() if name.endswith("patch_embedding.weight"))
seen = patches.std().item() * patches[0].numel() ** 0.5
print(f"SigLIP's patch embedding: {seen:.3f}")
assert abs(ratio - 1 / 0.87962566103423978) < 0.01, ratio
assert abs(seen - 1 / 0.87962566103423978) < 0.01, seen
PYTHON
