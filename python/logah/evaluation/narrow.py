"""Trained narrow networks, of which wide ones are grown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from logah.evaluation.fine_tune import FineTuneConfig, fine_tune
from logah.targets.task import Task

#: Of the narrow network's training: five epochs of the comparisons, and what suits default there (docs/results.md).
STEPS = 250
_BATCH_SIZE = {"vit": 128}
_LEARNING_RATE = {"vit": 1.0e-3}
#: Tokens, and the rate of the families that read text.
_TOKENS, _TEXT_RATE = 2048, 3.0e-3
#: Its batches are others than those that the wide network sees first.
_SEED = 2_000_003

_trained: dict[str, dict[str, Tensor]] = {}


def trained_narrow(task: Task, config: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
    """The network of `config` after `STEPS` steps from its default start; trained once in a process."""
    key = json.dumps([config, seed], sort_keys=True)
    if key not in _trained:
        settings = FineTuneConfig(
            steps=STEPS,
            batch_size=_BATCH_SIZE.get(task.family, _TOKENS),
            learning_rate=_LEARNING_RATE.get(task.family, _TEXT_RATE),
            seed=seed + _SEED,
            curve_every=STEPS,
            curve_limit=1,
            final_limit=1,
        )
        _trained[key] = fine_tune(task, config, task.initialized(config, seed), settings).state
    return _trained[key]
