"""Reads a state dict that joblib wrote, as GHN-3's are published, without joblib and without running the file.

joblib's `load` imports and calls what a file names. Here the pickle's instructions are interpreted one by one: a name
is only compared with the few that a state dict needs, and nothing is ever imported or called because a file says so.

The format (joblib 0.10 to 1.6): a pickle, possibly compressed as a whole. A torch tensor is an instruction to rebuild
it from a storage, and the storage's bytes are a whole file of `torch.save` in its older format. Of a NumPy array the
pickle has a `NumpyArrayWrapper`; where that is complete, the array's bytes follow in the middle of the pickle, since
joblib 1.2 after padding, whose length is one byte before it.
"""

from __future__ import annotations

import bz2
import io
import lzma
import math
import mmap
import pickletools
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, Protocol, cast

import torch
from torch import Tensor

#: Bytes, of the content after decompression and of the tensors made from it. GHN-3 XL, the largest, has 2.6e9.
MAX_BYTES = 4 << 30
#: A tensor takes about 25.
MAX_INSTRUCTIONS = 1_000_000
MAX_STRING_LENGTH = 1000
#: Bytes; the highest preset of xz needs about 65 MiB.
LZMA_MEMORY = 128 << 20
PIECE_BYTES = 1 << 20

#: How torch.save's older format starts: protocol 2 and its magic number.
_TORCH_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
_PICKLE = b"\x80"


class JoblibError(ValueError):
    """A file that is not a state dict of joblib; the message says what came and what is allowed."""


def is_joblib(path: Path) -> bool:
    """Whether a file starts as joblib's do: as a compressed stream, or as a pickle that torch.save did not write."""
    with path.open("rb") as file:
        start = file.read(len(_TORCH_MAGIC))
    return start.startswith((_PICKLE, *_DECOMPRESSORS)) and start != _TORCH_MAGIC


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a joblib file by name, on the CPU, in the floating-point types that they have there.

    Raises JoblibError for anything else than a mapping from strings to torch tensors or NumPy arrays, and for more
    than MAX_BYTES.
    """
    with path.open("rb") as file:
        start = file.read(6)
        file.seek(0)
        for prefix, decompressor in _DECOMPRESSORS.items():
            if start.startswith(prefix):
                content = _decompressed(file, decompressor())
                return _state_dict(content, content.getbuffer().nbytes)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stream:
            return _state_dict(stream, len(stream))


def _state_dict(stream: io.BytesIO | mmap.mmap, size: int) -> dict[str, Tensor]:
    content = _interpreted(stream, size)
    if not isinstance(content, dict):
        _refuse(f"got {_kind(content)}, expected a mapping from names to tensors")
    for name, value in content.items():
        if not isinstance(value, Tensor):
            _refuse(f"{name}: got {_kind(value)}, expected a tensor; a file of joblib is a bare state dict")
    total = sum(tensor.nbytes for tensor in content.values())
    if total > MAX_BYTES:
        _refuse(f"its tensors take {total} bytes, at most {MAX_BYTES} are allowed")
    return content


def _refuse(message: str) -> NoReturn:
    raise JoblibError(message)


# --- compression ------------------------------------------------------------------------------------------------------


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """zlib's decompressor with the interface of bz2's and lzma's."""

    def __init__(self, window_bits: int) -> None:
        self._stream = zlib.decompressobj(window_bits)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)


def _lzma() -> _Decompressor:
    return lzma.LZMADecompressor(memlimit=LZMA_MEMORY)


#: By the first bytes of a file; zlib's by its four levels of compression.
_DECOMPRESSORS: dict[bytes, Callable[[], _Decompressor]] = {
    **{bytes([0x78, level]): lambda: _Zlib(zlib.MAX_WBITS) for level in (0x01, 0x5E, 0x9C, 0xDA)},
    b"\x1f\x8b": lambda: _Zlib(zlib.MAX_WBITS | 16),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\x00": _lzma,
    b"\x5d\x00": _lzma,
}


def _decompressed(file: BinaryIO, decompressor: _Decompressor) -> io.BytesIO:
    """The whole content, in memory; no size that the file declares is believed."""
    content = io.BytesIO()
    while not decompressor.eof:
        data = file.read(PIECE_BYTES) if decompressor.needs_input else b""
        try:
            piece = decompressor.decompress(data, PIECE_BYTES)
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            raise JoblibError(f"the compressed content is damaged ({error})") from error
        if not data and not piece and not decompressor.eof:
            _refuse("the compressed content ends early")
        if content.tell() + len(piece) > MAX_BYTES:
            _refuse(f"decompresses to more than the {MAX_BYTES} bytes that are allowed")
        content.write(piece)
    content.seek(0)
    return content


# --- pickle -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Name:
    """What a file names, by module and name. It is never imported."""

    path: str


@dataclass(frozen=True)
class _Storage:
    """The elements of one or more tensors."""

    elements: Tensor


@dataclass(frozen=True)
class _StorageId:
    """How torch.save's older format refers to the storage whose bytes come after its pickles."""

    fields: tuple[Any, ...]


@dataclass
class _ArrayType:
    dtype: torch.dtype


@dataclass
class _Array:
    """A NumpyArrayWrapper until its bytes are read."""


_ORDERED_DICT = "collections.OrderedDict"
_TENSOR = "torch._utils._rebuild_tensor_v2"
_PARAMETER = "torch._utils._rebuild_parameter"
_STORAGE = "torch.storage._load_from_bytes"
_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"
_ARRAY_TYPE = "numpy.dtype"
_ARRAY_CLASS = "numpy.ndarray"
_STORAGES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
}
_NAMES = {_ORDERED_DICT, _TENSOR, _PARAMETER, _STORAGE, _ARRAY, _ARRAY_TYPE, _ARRAY_CLASS}
_ARRAY_TYPES = {"f2": torch.float16, "f4": torch.float32, "f8": torch.float64}


class _Mark:
    """The start of a tuple or of the items of a mapping."""


@dataclass
class _Machine:
    """The part of the pickle machine that a state dict uses."""

    stream: io.BytesIO | mmap.mmap
    size: int
    is_storage: bool
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self) -> Any:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(cast(BinaryIO, self.stream))):
            if count >= MAX_INSTRUCTIONS:
                _refuse(f"has more than the {MAX_INSTRUCTIONS} instructions that are allowed")
            if isinstance(argument, str) and len(argument) > MAX_STRING_LENGTH:
                _refuse(f"has a string of {len(argument)} characters, at most {MAX_STRING_LENGTH} are allowed")
            self.step(instruction.name, argument)
        return self.stack.pop()

    def step(self, instruction: str, argument: Any) -> None:
        stack = self.stack
        match instruction:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "NONE":
                stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                stack.append(instruction == "NEWTRUE")
            case "BININT" | "BININT1" | "BININT2" | "LONG1":
                stack.append(argument)
            case "SHORT_BINUNICODE" | "BINUNICODE" | "SHORT_BINBYTES" | "BINBYTES" | "BINBYTES8":
                stack.append(argument)
            case "EMPTY_TUPLE" | "EMPTY_DICT" | "EMPTY_LIST":
                stack.append({"EMPTY_TUPLE": tuple, "EMPTY_DICT": dict, "EMPTY_LIST": list}[instruction]())
            case "MARK":
                stack.append(_Mark)
            case "TUPLE":
                stack.append(tuple(self.since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                items = [stack.pop() for _ in range(int(instruction[-1]))]
                stack.append(tuple(reversed(items)))
            case "APPEND":
                item = stack.pop()
                self.top(list).append(item)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                self.set_items([key, value])
            case "SETITEMS":
                self.set_items(self.since_mark())
            case "MEMOIZE":
                self.memoize(len(self.memo))
            case "BINPUT" | "LONG_BINPUT":
                self.memoize(argument)
            case "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case "GLOBAL":
                stack.append(self.name(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(self.name(f"{module}.{name}" if type(module) is type(name) is str else "no string"))
            case "REDUCE" | "NEWOBJ":
                arguments, callee = stack.pop(), stack.pop()
                stack.append(self.made(instruction, callee, arguments))
            case "BUILD":
                state = stack.pop()
                stack.append(self.built(stack.pop(), state))
            case "BINPERSID" if self.is_storage:
                stack.append(_StorageId(_tuple(stack.pop())))
            case _:
                _refuse(f"has the pickle instruction {instruction}, which no state dict needs")

    def since_mark(self) -> list[Any]:
        items = []
        while (item := self.stack.pop()) is not _Mark:
            items.append(item)
        return items[::-1]

    def top(self, expected: type) -> Any:
        if not isinstance(self.stack[-1], expected):
            _refuse(f"fills {_kind(self.stack[-1])} with items, expected a {expected.__name__}")
        return self.stack[-1]

    def set_items(self, items: list[Any]) -> None:
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str):
                _refuse(f"has {_kind(key)} as a key, expected a string")
            target[key] = value

    def memoize(self, index: int) -> None:
        value = self.stack[-1]
        # A storage's bytes are used once; kept, they would double the memory.
        self.memo[index] = None if isinstance(value, bytes) else value

    def name(self, path: str) -> _Name:
        allowed = _STORAGES if self.is_storage else _NAMES
        if path not in allowed:
            known = ", ".join(sorted(allowed))
            _refuse(
                f"not loaded, since it holds more than tensors and plain values: it names {path}, allowed are {known}"
            )
        return _Name(path)

    def made(self, instruction: str, callee: Any, arguments: Any) -> Any:
        """What a call of an allowed name would give."""
        given = _tuple(arguments)
        match instruction, callee, given:
            case "REDUCE", _Name(path=path), () if path == _ORDERED_DICT:
                return {}
            case "REDUCE", _Name(path=path), (_Storage() as storage, offset, shape, stride, _, _, *_) if (
                path == _TENSOR
            ):
                return _strided(storage.elements, offset, shape, stride)
            case "REDUCE", _Name(path=path), (Tensor() as tensor, _, _) if path == _PARAMETER:
                return tensor
            case "REDUCE", _Name(path=path), (bytes() as content,) if path == _STORAGE:
                return _Storage(_storage(content))
            case "REDUCE", _Name(path=path), (str() as code, *_) if path == _ARRAY_TYPE:
                if code not in _ARRAY_TYPES:
                    _refuse(f"has an array of type {code}, allowed are {', '.join(_ARRAY_TYPES)}")
                return _ArrayType(_ARRAY_TYPES[code])
            case "NEWOBJ", _Name(path=path), () if path == _ARRAY:
                return _Array()
        _refuse(f"calls {_kind(callee)} with ({', '.join(map(_kind, given))}), which no state dict needs")

    def built(self, target: Any, state: Any) -> Any:
        """An object with its state: a mapping's are the versions of its modules, which do not matter."""
        match target:
            case dict():
                return target
            case _ArrayType():
                if _tuple(state)[1:5] != ("<", None, None, None):
                    _refuse("has an array of other than plain little-endian numbers")
                return target
            case _Array():
                return self.array(state)
        _refuse(f"gives a state to {_kind(target)}, which no state dict needs")

    def array(self, state: Any) -> Tensor:
        """The array whose wrapper has just been completed, from the bytes at this place of the file."""
        if not isinstance(state, dict) or not isinstance(state.get("dtype"), _ArrayType):
            _refuse("has an array without a type")
        shape, order = _sizes("shape", state.get("shape"), least=1), state.get("order")
        if order not in ("C", "F"):
            _refuse("order of an array: expected C or F")
        if state.get("numpy_array_alignment_bytes") is not None:
            self.read(self.read(1)[0])
        elements = _elements(self.read(math.prod(shape) * state["dtype"].dtype.itemsize), state["dtype"].dtype)
        if order == "F":
            return elements.reshape(shape[::-1]).permute(*reversed(range(len(shape))))
        return elements.reshape(shape)

    def read(self, count: int) -> bytes:
        # Checked before reading: a count may be beyond what a machine has.
        left = self.size - self.stream.tell()
        if count > left:
            _refuse(f"an array: {count} bytes expected, {left} are left in the file")
        return self.stream.read(count)


def _interpreted(stream: io.BytesIO | mmap.mmap, size: int, is_storage: bool = False) -> Any:
    try:
        return _Machine(stream, size, is_storage).run()
    except JoblibError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise JoblibError(f"the pickle is damaged ({str(error)[:200] or type(error).__name__})") from error


# --- tensors ----------------------------------------------------------------------------------------------------------


def _storage(content: bytes) -> Tensor:
    """The elements in a file of torch.save's older format that holds one storage.

    Five pickles: a magic number, a version, the writer's system, what was saved, and the keys of the storages. Then
    for each storage its number of elements, as 8 bytes, and its bytes.
    """
    if not content.startswith(_TORCH_MAGIC):
        _refuse("has a storage that torch.save did not write")
    stream = io.BytesIO(content)
    _, _, system, saved, keys = (_interpreted(stream, len(content), is_storage=True) for _ in range(5))
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        _refuse("has a storage of a machine that is not little-endian")
    match saved:
        case _StorageId(fields=("storage", _Name(path=path), str() as key, _, int() as count, None)) if keys == [key]:
            dtype = _STORAGES[path]
        case _:
            _refuse("has a storage in a form that torch.save does not write for a tensor")
    declared, elements = int.from_bytes(stream.read(8), "little"), stream.read()
    if not declared == count == len(elements) / dtype.itemsize or count == 0:
        _refuse(f"a storage: {count} and {declared} elements declared, {len(elements)} bytes came")
    return _elements(elements, dtype)


def _strided(elements: Tensor, offset: Any, shape: Any, stride: Any) -> Tensor:
    sizes, strides = _sizes("shape", shape, least=1), _sizes("strides", stride, least=0)
    (start,) = _sizes("offset", (offset,), least=0)
    last = start + sum((size - 1) * step for size, step in zip(sizes, strides, strict=True))
    # A stride of 0 could make any number of elements out of one.
    if max(last + 1, math.prod(sizes)) > len(elements):
        _refuse(f"a tensor: shape {list(sizes)} and strides {list(strides)} do not fit {len(elements)} elements")
    return elements.as_strided(sizes, strides, start)


def _elements(content: bytes, dtype: torch.dtype) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=dtype)


def _sizes(what: str, value: Any, least: int) -> tuple[int, ...]:
    sizes = _tuple(value)
    # Above 2**63 torch would overflow; a bool is an int.
    if len(sizes) > 8 or not all(type(size) is int and least <= size < 1 << 40 for size in sizes):
        _refuse(f"{what} of a tensor: expected at most 8 integers of at least {least}")
    return sizes


def _tuple(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, tuple):
        _refuse(f"got {_kind(value)}, expected a tuple")
    return value


def _kind(value: Any) -> str:
    """What a value is, never what is in it: that may be nested beyond measure."""
    return value.path if isinstance(value, _Name) else type(value).__name__.lstrip("_")
