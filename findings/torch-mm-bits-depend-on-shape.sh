#!/usr/bin/env bash
# A row of torch.mm(a, b) is not torch.mm(row of a, b): an element's bits depend on how many rows are multiplied with it.
#
# Guess: with the same inner dimension, element (i, j) is the same sum in the same order, whatever else is computed; so a rank
#        may multiply just its own rows, and the shards have the bits of the whole.
# Seen:  on the CPU a product of 1 row, or of 2 x 7, takes another kernel: most of its elements differ in the last bits from
#        those of the large product. Blocks of 256 x 1024, 64 x 5120 and 33 x 65 have its bits. Who needs equal bits computes
#        tiles with bounds that depend on the whole alone, and crops.
# With:  torch 2.13.0 (CPU, x86-64 with MKL), Python 3.11
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder"/venv/bin/pip install -q torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch

torch.manual_seed(0)
a, b = torch.randn(5120, 32), torch.randn(5120, 32)
whole = a @ b.T
differing = {}
for rows, columns in ((1, 5120), (2, 7), (33, 65), (64, 5120), (256, 1024)):
    part = a[:rows] @ b[:columns].T
    differing[rows, columns] = (part != whole[:rows, :columns]).float().mean().item()
    print(f"{rows} x {columns}: {differing[rows, columns]:.0%} of the elements differ from those of the whole")
assert differing[1, 5120] > 0.1 and differing[2, 7] > 0.1, "small products have the bits of large ones now"
PYTHON
