"""Checkpoints of the LoGAH and GHN-3 authors' code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from logah.errors import CheckpointError
from logah.hypernet.checkpoint.authors_names import renamed
from logah.hypernet.checkpoint.content import tensors_of, without_prefix
from logah.hypernet.checkpoint.loaded import LoadedCheckpoint, build
from logah.hypernet.config import LANGUAGE_OPERATIONS, VISION_OPERATIONS, HypernetConfig
from logah.hypernet.shapes import channel_table, spatial_table

#: The virtual-edge cutoff of the authors' evaluation; checkpoints do not record it.
AUTHORS_CUTOFF = 250
#: The authors' default where a checkpoint's config omits it, as language checkpoints' do.
DEFAULT_NUM_CLASSES = 10


def load_authors(content: Mapping[str, Any], ema: bool) -> LoadedCheckpoint:
    """ema: take the average of the weights. Raises CheckpointError."""
    is_bare = "state_dict" not in content and all(isinstance(value, Tensor) for value in content.values())
    if is_bare and ema:
        raise CheckpointError("ema_state_dict: missing; this file is a bare state dict")
    given = content.get("config") or {}
    if not isinstance(given, Mapping):
        raise CheckpointError(f"config: got {type(given).__name__}, expected a mapping")
    tensors = tensors_of(content, "state_dict") if not is_bare else content
    if ema:
        # The average covers parameters only and names a shared tensor once, so the rest is the plain state dict's.
        tensors = {**tensors, **tensors_of(content, "ema_state_dict")}
    theirs = {without_prefix(name): tensor for name, tensor in tensors.items()}
    if any(name.startswith("gnn.gru.") for name in theirs):
        raise CheckpointError("gnn.gru.*: this is a GHN-2 checkpoint; GHN-3 and LoGAH are supported")
    if given.get("weight_norm") is False:
        raise CheckpointError("config weight_norm: got False; only networks trained with normalisation are supported")
    config = _authors_config(given, theirs)
    step = content.get("step")
    return LoadedCheckpoint(build(config, renamed(theirs)), "authors", ema, step if isinstance(step, int) else None)


def _authors_config(given: Mapping[str, Any], theirs: Mapping[str, Tensor]) -> HypernetConfig:
    """What the shapes tell is read from the shapes; the config says the rest."""
    operations_rows, hid = _shape(theirs, "embed.weight", 2)
    operations = {len(o): o for o in (VISION_OPERATIONS, LANGUAGE_OPERATIONS)}.get(operations_rows)
    if operations is None:
        raise CheckpointError(
            f"embed.weight: got {operations_rows} rows, expected {len(VISION_OPERATIONS)} operations (vision) or "
            f"{len(LANGUAGE_OPERATIONS)} (language)"
        )
    layers = len({name.split(".")[1] for name in theirs if name.startswith("gnn.") and name.endswith(".ln1.weight")})
    is_dense = "decoder.fc.0.weight" in theirs
    if is_dense:
        classes = _shape(theirs, "decoder.class_layer_predictor.1.weight", 2)[0]
        rank = ck = 0
    else:
        if "decoder_1d.fc.0.weight" in theirs:
            raise CheckpointError("decoder_1d.fc.0.weight: a LoGAH with a 1-D decoder of its own is not supported")
        classes = given.get("num_classes", DEFAULT_NUM_CLASSES)
        if not isinstance(classes, int) or classes < 1:
            raise CheckpointError(f"config num_classes: got {classes!r}, expected a positive integer")
        ck, rank = _shape(theirs, "decoder.l2.weight", 2)
    config = HypernetConfig(
        hid=hid,
        heads=_shape(theirs, "gnn.0.attn.proj_e.2.weight", 2)[0],
        layers=layers,
        rank=rank,
        ck=ck,
        max_shape=_max_shape(given, theirs, is_dense),
        num_classes=classes,
        decoder="dense" if is_dense else "low_rank",
        operations=operations,
        layernorm="ln.weight" in theirs,
        cutoff=AUTHORS_CUTOFF if given.get("ve", True) else 1,
    )
    _check_given(given, config)
    _check_channels(theirs, config)
    return config


def _max_shape(given: Mapping[str, Any], theirs: Mapping[str, Tensor], is_dense: bool) -> tuple[int, int, int, int]:
    rows = _shape(theirs, "shape_enc.embed_spatial.weight", 2)[0]
    largest_of_rows = {len(spatial_table(largest)) + 1: largest for largest in (11, 16)}
    if "max_shape" in given:
        value = given["max_shape"]
        if isinstance(value, int):
            value = (value, value, largest_of_rows.get(rows, 16), largest_of_rows.get(rows, 16))
        if (
            not isinstance(value, (tuple, list))
            or len(value) != 4
            or not all(isinstance(size, int) and size > 0 for size in value)
        ):
            raise CheckpointError(f"config max_shape: got {value!r}, expected 4 positive integers")
        out_max, in_max, height, width = value
        return (out_max, in_max, height, width)
    if not is_dense:
        raise CheckpointError("config max_shape: missing, and the shapes of a low-rank decoder do not tell it")
    if rows not in largest_of_rows:
        raise CheckpointError(f"shape_enc.embed_spatial.weight: got {rows} rows, expected one of {[*largest_of_rows]}")
    side = math.isqrt(_shape(theirs, "decoder.conv.2.weight", 2)[0])
    return (side, side, largest_of_rows[rows], largest_of_rows[rows])


def _check_given(given: Mapping[str, Any], config: HypernetConfig) -> None:
    pairs = {"hid": config.hid, "heads": config.heads, "layers": config.layers, "layernorm": config.layernorm}
    pairs["num_classes"] = config.num_classes
    if config.decoder == "low_rank":
        pairs |= {"lora_r": config.rank, "max_ck_lora": config.ck}
    for key, found in pairs.items():
        if key in given and given[key] != found:
            raise CheckpointError(f"config {key}: got {given[key]!r}, but the tensors say {found!r}")


def _check_channels(theirs: Mapping[str, Tensor], config: HypernetConfig) -> None:
    rows = _shape(theirs, "shape_enc.embed_channel.weight", 2)[0]
    expected = len(channel_table(config.num_classes, config.operations == LANGUAGE_OPERATIONS)) + 1
    if rows != expected:
        raise CheckpointError(
            f"shape_enc.embed_channel.weight: got {rows} rows, expected {expected} with num_classes "
            f"{config.num_classes} and {len(config.operations)} operations"
        )


def _shape(tensors: Mapping[str, Tensor], name: str, dims: int) -> tuple[int, ...]:
    if name not in tensors:
        raise CheckpointError(f"{name}: missing")
    shape = tuple(tensors[name].shape)
    if len(shape) != dims:
        raise CheckpointError(f"{name}: got shape {list(shape)}, expected {dims} dimensions")
    return shape
