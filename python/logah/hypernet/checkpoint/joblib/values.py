"""What the pickle of a state dict has beside plain values, and tensors of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from logah.hypernet.checkpoint.joblib.refusal import refuse


@dataclass(frozen=True)
class Name:
    """What a file names, by module and name. It is never imported."""

    path: str


@dataclass(frozen=True)
class Storage:
    """The elements of one or more tensors."""

    elements: Tensor


@dataclass(frozen=True)
class StorageId:
    """How torch.save's older format refers to the storage whose bytes come after its pickles."""

    fields: tuple[Any, ...]


@dataclass
class ArrayType:
    """The type of a NumPy array's elements."""

    dtype: torch.dtype


@dataclass
class Array:
    """A NumpyArrayWrapper until its bytes are read."""


def strided(elements: Tensor, offset: Any, shape: Any, stride: Any) -> Tensor:
    """A view of a storage's elements. Raises JoblibError where they do not suffice."""
    sizes, strides = sizes_of("shape", shape, least=1), sizes_of("strides", stride, least=0)
    (start,) = sizes_of("offset", (offset,), least=0)
    last = start + sum((size - 1) * step for size, step in zip(sizes, strides, strict=True))
    # A stride of 0 could make any number of elements out of one.
    if max(last + 1, math.prod(sizes)) > len(elements):
        refuse(f"a tensor: shape {list(sizes)} and strides {list(strides)} do not fit {len(elements)} elements")
    return elements.as_strided(sizes, strides, start)


def elements_of(content: bytes, dtype: torch.dtype) -> Tensor:
    """Little-endian numbers as a tensor of one dimension."""
    return torch.frombuffer(bytearray(content), dtype=dtype)


def sizes_of(what: str, value: Any, least: int) -> tuple[int, ...]:
    """Integers of a file, checked. Raises JoblibError, which says `what` they are."""
    sizes = tuple_of(value)
    # Above 2**63 torch would overflow; a bool is an int.
    if len(sizes) > 8 or not all(type(size) is int and least <= size < 1 << 40 for size in sizes):
        refuse(f"{what} of a tensor: expected at most 8 integers of at least {least}")
    return sizes


def tuple_of(value: Any) -> tuple[Any, ...]:
    """Raises JoblibError for anything else than a tuple."""
    if not isinstance(value, tuple):
        refuse(f"got {kind_of(value)}, expected a tuple")
    return value


def kind_of(value: Any) -> str:
    """What a value is, never what is in it: that may be nested beyond measure."""
    return value.path if isinstance(value, Name) else type(value).__name__.lstrip("_")
