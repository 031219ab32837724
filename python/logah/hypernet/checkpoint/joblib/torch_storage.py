"""The storages of torch tensors: files of `torch.save` in its older format."""

from __future__ import annotations

import io
from typing import Any

import torch
from torch import Tensor

from logah.hypernet.checkpoint.joblib.pickle_machine import PickleMachine
from logah.hypernet.checkpoint.joblib.refusal import refuse
from logah.hypernet.checkpoint.joblib.values import Name, StorageId, elements_of, tuple_of

#: How the format starts: protocol 2 and its magic number.
TORCH_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
_STORAGES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
}


class _StorageMachine(PickleMachine):
    names = _STORAGES

    def persistent(self, identity: Any) -> StorageId:
        return StorageId(tuple_of(identity))


def read_storage(content: bytes) -> Tensor:
    """The elements in a file of torch.save's older format that holds one storage.

    Five pickles: a magic number, a version, the writer's system, what was saved, and the keys of the storages. Then
    for each storage its number of elements, as 8 bytes, and its bytes. Raises JoblibError.
    """
    if not content.startswith(TORCH_MAGIC):
        refuse("has a storage that torch.save did not write")
    stream = io.BytesIO(content)
    _, _, system, saved, keys = (_StorageMachine(stream, len(content)).run() for _ in range(5))
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        refuse("has a storage of a machine that is not little-endian")
    match saved:
        case StorageId(fields=("storage", Name(path=path), str() as key, _, int() as count, None)) if keys == [key]:
            dtype = _STORAGES[path]
        case _:
            refuse("has a storage in a form that torch.save does not write for a tensor")
    declared, elements = int.from_bytes(stream.read(8), "little"), stream.read()
    if not declared == count == len(elements) / dtype.itemsize or count == 0:
        refuse(f"a storage: {count} and {declared} elements declared, {len(elements)} bytes came")
    return elements_of(elements, dtype)
