"""The content of a checkpoint's file: tensors and plain values, and nothing that would run.

A checkpoint is a pickle, and loading a stranger's pickle runs its code; so only torch's weights-only loader touches
it, or, where joblib wrote it as it did GHN-3's, our own reader. The one class that the authors put in theirs,
`argparse.Namespace`, is read as an inert placeholder.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from logah.errors import CheckpointError
from logah.hypernet.checkpoint.joblib.refusal import JoblibError
from logah.hypernet.checkpoint.joblib.state_dict import is_joblib, read_state_dict

COMPILED_PREFIX = "_orig_mod."


class _Inert:
    """Stands for an `argparse.Namespace` while unpickling: it takes any state and keeps none."""

    def __setstate__(self, state: object) -> None:
        pass


def read_content(path: Path) -> Mapping[str, Any]:
    """Raises CheckpointError, and OSError where the file cannot be read."""
    if is_joblib(path):
        try:
            return read_state_dict(path)
        except JoblibError as error:
            raise CheckpointError(f"{path}: {error}") from error
    try:
        with torch.serialization.safe_globals([(_Inert, "argparse.Namespace")]):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: not loaded, since it holds more than tensors and plain values ({_reason(error)})"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of torch.save or joblib ({_reason(error)})") from error
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise CheckpointError(f"{path}: expected a mapping with string keys, got {type(content).__name__}")
    return content


def tensors_of(content: Mapping[str, Any], key: str) -> Mapping[str, Tensor]:
    """A state dict of a checkpoint. Raises CheckpointError where it is none."""
    value = content.get(key)
    if not isinstance(value, Mapping):
        raise CheckpointError(f"{key}: got {type(value).__name__}, expected a mapping of tensors")
    for name, tensor in value.items():
        if not isinstance(tensor, Tensor):
            raise CheckpointError(f"{key} {name}: got {type(tensor).__name__}, expected a tensor")
    return value


def without_prefix(name: str) -> str:
    """A parameter's name without what `torch.compile` puts in front."""
    return name.replace(COMPILED_PREFIX, "")


def _reason(error: Exception) -> str:
    """What torch found, without its advice to load the file unsafely."""
    unsupported = re.search(r"GLOBAL (\S+)", str(error))
    if unsupported:
        return f"it names {unsupported[1]}"
    found = re.search(r"WeightsUnpickler error: (.*)", str(error))
    return found[1] if found else str(error).strip().split("\n")[0] or type(error).__name__
