"""Start values of a hypernetwork: drawn, so that it predicts different matrices of a healthy scale, or another's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from logah.errors import BundleError, CheckpointError, ConfigurationError
from logah.hypernet.config import HypernetConfig
from logah.hypernet.encoder import sinusoids
from logah.hypernet.hypernetwork import Hypernetwork
from logah.hypernet.low_rank_decoder import LowRankDecoder
from logah.training.trained_model import load_model

_ROWS = 64
#: Operations whose start values are those of another that does much the same, where a model does not know them.
_LIKE = {"rmsnorm": "ln", "rot_emb": "msa", "gate": "msa"}
#: How far they lie from it, in deviations of the table.
_APART = 0.3


@torch.no_grad()
def with_operations(model: Hypernetwork, operations: Sequence[str]) -> dict[str, Tensor]:
    """The state of a hypernetwork that knows `operations`, the model's own and more behind them.

    The row of another operation is that of one that does much the same, and noise from torch's present seed, since two
    that share it shall differ. Raises ValueError where the model's operations are not the first of `operations`, or
    another is like none of them.
    """
    own = model.config.operations
    new = [name for name in operations[len(own) :] if _LIKE.get(name) in own]
    if (*own, *new) != tuple(operations):
        raise ValueError(
            f"operations: got {', '.join(operations)}, expected {', '.join(own)} and, behind them, of "
            f"{', '.join(_LIKE)}"
        )
    state = model.state_dict()
    table_OC = state["encoder.embed.weight"]
    rows = [table_OC[own.index(_LIKE[name])] for name in new]
    noise = [_APART * table_OC.std() * torch.randn(row.shape) for row in rows]
    state["encoder.embed.weight"] = torch.stack([*table_OC, *(r + n for r, n in zip(rows, noise, strict=True))])
    return state


@torch.no_grad()
def spread_predictions(model: Hypernetwork, scale: float) -> None:
    """Draws start values anew: predicted matrices have entries of about `scale`, before fan-in scales them.

    With torch's own start values the biases of the decoder outweigh what it is told of a node, so that all matrices of
    a network are nearly the same one, ten times smaller than training needs. Raises ValueError for a dense decoder.
    """
    decoder, encoder = model.decoder, model.encoder
    if not isinstance(decoder, LowRankDecoder):
        raise ValueError(f"predicted_scale: the decoder is {model.config.decoder!r}, only low-rank ones have factors")
    # Operation, depth and slot tell nodes apart. Waves, since a deeper network than any seen has depths beyond these.
    encoder.embed.weight.normal_()
    encoder.input_distance.weight.copy_(sinusoids(*encoder.input_distance.weight.shape))
    if model.slot is not None:
        model.slot.weight.normal_()
    for layer in decoder.core:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            layer.bias.zero_()
    decoder.l2.weight.normal_()
    decoder.l2.bias.zero_()
    a, b = decoder(torch.randn(_ROWS, model.config.hid), _ROWS, _ROWS)
    decoder.l2.weight.mul_((scale / (a @ b.transpose(1, 2)).square().mean().sqrt()).sqrt())


def start_values(path: Path, expected: HypernetConfig) -> dict[str, Tensor]:
    """Those of a bundle or a checkpoint, which may know fewer operations (`with_operations`).

    Raises ConfigurationError for what is neither, or of another hypernetwork.
    """
    try:
        model = load_model(path).hypernetwork
    except (BundleError, CheckpointError, OSError) as error:
        raise ConfigurationError(f"start_from: {error}") from error
    if replace(model.config, operations=expected.operations) != expected:
        raise ConfigurationError(f"start_from: {path} has {model.config}, the run {expected}")
    try:
        return with_operations(model, expected.operations)
    except ValueError as error:
        raise ConfigurationError(f"start_from: {path}: {error}") from error
