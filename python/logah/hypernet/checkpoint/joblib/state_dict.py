"""The state dict that a file of joblib holds."""

from __future__ import annotations

import io
import math
import mmap
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from logah.hypernet.checkpoint.joblib import refusal
from logah.hypernet.checkpoint.joblib.compression import DECOMPRESSORS, decompressed
from logah.hypernet.checkpoint.joblib.pickle_machine import PickleMachine
from logah.hypernet.checkpoint.joblib.refusal import refuse
from logah.hypernet.checkpoint.joblib.torch_storage import TORCH_MAGIC, read_storage
from logah.hypernet.checkpoint.joblib.values import (
    Array,
    ArrayType,
    Name,
    Storage,
    elements_of,
    kind_of,
    sizes_of,
    strided,
    tuple_of,
)

_PICKLE = b"\x80"
_ORDERED_DICT = "collections.OrderedDict"
_TENSOR = "torch._utils._rebuild_tensor_v2"
_PARAMETER = "torch._utils._rebuild_parameter"
_STORAGE = "torch.storage._load_from_bytes"
_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"
_ARRAY_TYPE = "numpy.dtype"
_ARRAY_CLASS = "numpy.ndarray"
_NAMES = {_ORDERED_DICT, _TENSOR, _PARAMETER, _STORAGE, _ARRAY, _ARRAY_TYPE, _ARRAY_CLASS}
_ARRAY_TYPES = {"f2": torch.float16, "f4": torch.float32, "f8": torch.float64}


def is_joblib(path: Path) -> bool:
    """Whether a file starts as joblib's do: as a compressed stream, or as a pickle that torch.save did not write."""
    with path.open("rb") as file:
        start = file.read(len(TORCH_MAGIC))
    return start.startswith((_PICKLE, *DECOMPRESSORS)) and start != TORCH_MAGIC


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a joblib file by name, on the CPU, in the floating-point types that they have there.

    Raises JoblibError for anything else than a mapping from strings to torch tensors or NumPy arrays, and for more
    than `refusal.MAX_BYTES`.
    """
    with path.open("rb") as file:
        start = file.read(6)
        file.seek(0)
        for prefix, decompressor in DECOMPRESSORS.items():
            if start.startswith(prefix):
                content = decompressed(file, decompressor())
                return _state_dict(content, content.getbuffer().nbytes)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stream:
            return _state_dict(stream, len(stream))


def _state_dict(stream: io.BytesIO | mmap.mmap, size: int) -> dict[str, Tensor]:
    content = _StateDictMachine(stream, size).run()
    if not isinstance(content, dict):
        refuse(f"got {kind_of(content)}, expected a mapping from names to tensors")
    for name, value in content.items():
        if not isinstance(value, Tensor):
            refuse(f"{name}: got {kind_of(value)}, expected a tensor; a file of joblib is a bare state dict")
    total = sum(tensor.nbytes for tensor in content.values())
    if total > refusal.MAX_BYTES:
        refuse(f"its tensors take {total} bytes, at most {refusal.MAX_BYTES} are allowed")
    return content


class _StateDictMachine(PickleMachine):
    names = _NAMES

    def made(self, instruction: str, callee: Any, arguments: tuple[Any, ...]) -> Any:
        match instruction, callee, arguments:
            case "REDUCE", Name(path=path), () if path == _ORDERED_DICT:
                return {}
            case "REDUCE", Name(path=path), (Storage() as storage, offset, shape, stride, _, _, *_) if path == _TENSOR:
                return strided(storage.elements, offset, shape, stride)
            case "REDUCE", Name(path=path), (Tensor() as tensor, _, _) if path == _PARAMETER:
                return tensor
            case "REDUCE", Name(path=path), (bytes() as content,) if path == _STORAGE:
                return Storage(read_storage(content))
            case "REDUCE", Name(path=path), (str() as code, *_) if path == _ARRAY_TYPE:
                if code not in _ARRAY_TYPES:
                    refuse(f"has an array of type {code}, allowed are {', '.join(_ARRAY_TYPES)}")
                return ArrayType(_ARRAY_TYPES[code])
            case "NEWOBJ", Name(path=path), () if path == _ARRAY:
                return Array()
        return super().made(instruction, callee, arguments)

    def built(self, target: Any, state: Any) -> Any:
        match target:
            case ArrayType():
                if tuple_of(state)[1:5] != ("<", None, None, None):
                    refuse("has an array of other than plain little-endian numbers")
                return target
            case Array():
                return self._array(state)
        return super().built(target, state)

    def _array(self, state: Any) -> Tensor:
        """The array whose wrapper has just been completed, from the bytes at this place of the file."""
        if not isinstance(state, dict) or not isinstance(state.get("dtype"), ArrayType):
            refuse("has an array without a type")
        shape, order = sizes_of("shape", state.get("shape"), least=1), state.get("order")
        if order not in ("C", "F"):
            refuse("order of an array: expected C or F")
        if state.get("numpy_array_alignment_bytes") is not None:
            self.read(self.read(1)[0])
        elements = elements_of(self.read(math.prod(shape) * state["dtype"].dtype.itemsize), state["dtype"].dtype)
        if order == "F":
            return elements.reshape(shape[::-1]).permute(*reversed(range(len(shape))))
        return elements.reshape(shape)
