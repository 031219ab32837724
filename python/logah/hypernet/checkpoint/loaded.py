"""A hypernetwork of a configuration and a state dict, checked against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from logah.errors import CheckpointError
from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import Hypernetwork


@dataclass(frozen=True)
class LoadedCheckpoint:
    """`source` is `logah` for our own format, `authors` for theirs; `step` is None where it is not recorded."""

    model: Hypernetwork
    source: str
    averaged: bool
    step: int | None


def build(config: HypernetConfig, state: Mapping[str, Tensor]) -> Hypernetwork:
    """On the CPU in float32. Raises CheckpointError where a tensor is missing, left over or of another shape."""
    try:
        with torch.device("meta"):
            expected = Hypernetwork(config).state_dict()
    except (ValueError, KeyError, TypeError, RuntimeError, ArithmeticError) as error:
        raise CheckpointError(f"config: {error}") from error
    _complain("missing", [name for name in expected if name not in state])
    _complain("unexpected", [name for name in state if name not in expected])
    for name, tensor in expected.items():
        if state[name].shape != tensor.shape:
            raise CheckpointError(f"{name}: got shape {list(state[name].shape)}, expected {list(tensor.shape)}")
        if not state[name].is_floating_point():
            raise CheckpointError(f"{name}: got {state[name].dtype}, expected floating point")
    model = Hypernetwork(config)
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return model


def _complain(what: str, names: Iterable[str]) -> None:
    listed = list(names)
    if listed:
        more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
        raise CheckpointError(f"{what}: {', '.join(listed[:8])}{more}")


def with_changes(model: Hypernetwork, **changes: Any) -> Hypernetwork:
    """The hypernetwork with other values in its configuration. Raises CheckpointError."""
    return build(replace(model.config, **changes), model.state_dict())
