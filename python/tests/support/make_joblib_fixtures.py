"""Writes `test/fixtures/joblib/`: state dicts as joblib dumps them. Needs joblib, which nothing else here does.

python python/tests/support/make_joblib_fixtures.py
"""

from __future__ import annotations

from collections import OrderedDict

import joblib
import torch
from examples import joblib_state
from parity_graphs import REPOSITORY

FIXTURES = REPOSITORY / "test" / "fixtures" / "joblib"
README = """\
# Files of joblib

Written by `python python/tests/support/make_joblib_fixtures.py` with joblib {version}. Do not edit.

| File | Content |
|---|---|
| `ghn3.zlib.joblib` | a bare state dict in the form of GHN-3's, random multiples of 1/8; zlib |
| `tensors.joblib` | a few of its torch tensors, not compressed; `tensors.METHOD.joblib` compressed |
| `arrays.joblib` | the same as NumPy arrays, one of them in Fortran order |
"""


def main() -> None:
    FIXTURES.mkdir(parents=True, exist_ok=True)
    state = joblib_state()
    joblib.dump(state, FIXTURES / "ghn3.zlib.joblib", compress=("zlib", 9))
    few = OrderedDict((name, tensor) for name, tensor in state.items() if name.startswith("ln."))
    few["transposed"] = torch.arange(6.0).reshape(2, 3).T
    joblib.dump(few, FIXTURES / "tensors.joblib")
    for method in ("zlib", "gzip", "bz2", "xz", "lzma"):
        joblib.dump(few, FIXTURES / f"tensors.{method}.joblib", compress=(method, 3))
    joblib.dump({name: tensor.numpy() for name, tensor in few.items()}, FIXTURES / "arrays.joblib")
    (FIXTURES / "README.md").write_text(README.format(version=joblib.__version__))


if __name__ == "__main__":
    main()
