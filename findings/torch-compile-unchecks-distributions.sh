#!/usr/bin/env bash
# Guess: torch.compile and torch.export look at a module and leave the rest of the process as it was. At worst, tracing a module
# turns checks off while it is traced.
# Seen: torch.compile(module), without a single call of what it returns, turns off the checking of arguments of all
# torch.distributions, for good and in the whole process: afterwards Normal(0, -1) is made without a word, and its
# log_prob is not a number. Samplers and losses elsewhere in the program, that have nothing to do with the module, lose
# their errors. torch.export.export leaves it on, strict or not.
# Versions: torch 2.13.0, CPU, Python 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder"/venv/bin/pip install -q torch==2.13.0
see() {
  "$folder/venv/bin/python" - "$1" <<'PYTHON'
import sys

import torch
from torch import nn
from torch.distributions import Normal


def verdict() -> str:
    try:
        Normal(0.0, -1.0)
    except ValueError:
        return "refused"
    return "accepted"


module, example = nn.Linear(2, 2), (torch.ones(1, 2),)
before = verdict()
match sys.argv[1]:
    case "compile":
        torch.compile(module, backend="eager")
    case "strict":
        torch.export.export(module, example, strict=True)
    case "not strict":
        torch.export.export(module, example, strict=False)
print(f"{sys.argv[1]}: a negative deviation is {before} before, {verdict()} after")
PYTHON
}
seen=$(see compile && see strict && see 'not strict')
echo "$seen"
[[ $seen == 'compile: a negative deviation is refused before, accepted after
strict: a negative deviation is refused before, refused after
not strict: a negative deviation is refused before, refused after' ]]
