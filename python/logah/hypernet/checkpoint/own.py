"""Our own checkpoints, of the format `logah-checkpoint-1`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from logah.errors import CheckpointError
from logah.hypernet.checkpoint.content import tensors_of, without_prefix
from logah.hypernet.checkpoint.loaded import LoadedCheckpoint, build
from logah.hypernet.config import HypernetConfig

OWN_FORMAT = "logah-checkpoint-1"


def load_own(content: Mapping[str, Any], ema: bool) -> LoadedCheckpoint:
    """ema: take the average of the weights. Raises CheckpointError."""
    if content["format"] != OWN_FORMAT:
        raise CheckpointError(f"format: got {content['format']!r}, expected {OWN_FORMAT!r}")
    try:
        config = HypernetConfig.from_json(json.loads(content["config"])["hypernet"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"config: not the JSON of a training configuration ({error!r})") from error
    key = "ema_state_dict" if ema else "state_dict"
    state = {without_prefix(name): tensor for name, tensor in tensors_of(content, key).items()}
    return LoadedCheckpoint(build(config, state), "logah", ema, content.get("step"))
