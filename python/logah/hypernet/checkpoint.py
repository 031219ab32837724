"""Reads checkpoints: our own (`logah-checkpoint-1`) and those of the LoGAH and GHN-3 authors' code.

A checkpoint is a pickle, and loading a stranger's pickle runs its code; so only torch's weights-only loader touches
it, or, where joblib wrote it as it did GHN-3's, our own reader. The one class that the authors put in theirs,
`argparse.Namespace`, is read as an inert placeholder.
"""

from __future__ import annotations

import json
import math
import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from logah.hypernet.config import LANGUAGE_OPERATIONS, VISION_OPERATIONS, HypernetConfig, Normalization
from logah.hypernet.hypernetwork import Hypernetwork
from logah.hypernet.joblib_file import JoblibError, is_joblib, read_state_dict
from logah.hypernet.shapes import channel_table, spatial_table

OWN_FORMAT = "logah-checkpoint-1"
COMPILED_PREFIX = "_orig_mod."
#: The virtual-edge cutoff of the authors' evaluation; checkpoints do not record it.
AUTHORS_CUTOFF = 250
#: The authors' default where a checkpoint's config omits it, as language checkpoints' do.
DEFAULT_NUM_CLASSES = 10


class CheckpointError(ValueError):
    """A checkpoint that is not one we can load; the message names the key, what came and what is expected."""


@dataclass(frozen=True)
class LoadedCheckpoint:
    """`source` is `logah` for our own format, `authors` for theirs; `step` is None where it is not recorded."""

    model: Hypernetwork
    source: str
    averaged: bool
    step: int | None


def load_checkpoint(
    path: Path, *, ema: bool | None = None, cutoff: int | None = None, normalization: Normalization | None = None
) -> LoadedCheckpoint:
    """Loads a hypernetwork in evaluation mode, on the CPU in float32.

    ema: take the exponential moving average of the weights (`ema_state_dict`). By default ours is taken, since we
    train with one always, and the authors' is not, since their own evaluation reads `state_dict`.
    cutoff: longest shortest path that counts, in place of the checkpoint's own or, for the authors', 250.
    normalization: how weights are scaled, in place of the checkpoint's own or, for the authors' (their files do not
    say it), fan_in: so were all that they published. Their language code has used std since 27 August 2024.

    Raises CheckpointError.
    """
    content = _read(path)
    if "format" in content:
        loaded = _load_own(content, ema is not False)
    else:
        loaded = _load_authors(content, ema is True)
    if cutoff is not None:
        loaded = replace(loaded, model=_with(loaded.model, cutoff=cutoff))
    if normalization is not None:
        loaded = replace(loaded, model=_with(loaded.model, normalization=normalization))
    return replace(loaded, model=loaded.model.eval().requires_grad_(False))


class _Inert:
    """Stands for an `argparse.Namespace` while unpickling: it takes any state and keeps none."""

    def __setstate__(self, state: object) -> None:
        pass


def _read(path: Path) -> Mapping[str, Any]:
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


def _reason(error: Exception) -> str:
    """What torch found, without its advice to load the file unsafely."""
    unsupported = re.search(r"GLOBAL (\S+)", str(error))
    if unsupported:
        return f"it names {unsupported[1]}"
    found = re.search(r"WeightsUnpickler error: (.*)", str(error))
    return found[1] if found else str(error).strip().split("\n")[0] or type(error).__name__


# --- our own format ---------------------------------------------------------------------------------------------------


def _load_own(content: Mapping[str, Any], ema: bool) -> LoadedCheckpoint:
    if content["format"] != OWN_FORMAT:
        raise CheckpointError(f"format: got {content['format']!r}, expected {OWN_FORMAT!r}")
    try:
        config = HypernetConfig.from_json(json.loads(content["config"])["hypernet"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"config: not the JSON of a training configuration ({error!r})") from error
    key = "ema_state_dict" if ema else "state_dict"
    state = {_without_prefix(name): tensor for name, tensor in _tensors(content, key).items()}
    return LoadedCheckpoint(_build(config, state), "logah", ema, content.get("step"))


# --- the authors' format ----------------------------------------------------------------------------------------------


def _load_authors(content: Mapping[str, Any], ema: bool) -> LoadedCheckpoint:
    is_bare = "state_dict" not in content and all(isinstance(value, Tensor) for value in content.values())
    if is_bare and ema:
        raise CheckpointError("ema_state_dict: missing; this file is a bare state dict")
    given = content.get("config") or {}
    if not isinstance(given, Mapping):
        raise CheckpointError(f"config: got {type(given).__name__}, expected a mapping")
    tensors = _tensors(content, "state_dict") if not is_bare else content
    if ema:
        # The average covers parameters only and names a shared tensor once, so the rest is the plain state dict's.
        tensors = {**tensors, **_tensors(content, "ema_state_dict")}
    theirs = {_without_prefix(name): tensor for name, tensor in tensors.items()}
    if any(name.startswith("gnn.gru.") for name in theirs):
        raise CheckpointError("gnn.gru.*: this is a GHN-2 checkpoint; GHN-3 and LoGAH are supported")
    if given.get("weight_norm") is False:
        raise CheckpointError("config weight_norm: got False; only networks trained with normalisation are supported")
    config = _authors_config(given, theirs)
    step = content.get("step")
    return LoadedCheckpoint(_build(config, _renamed(theirs)), "authors", ema, step if isinstance(step, int) else None)


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


#: Their module path -> ours, for the paths that do not carry a layer's number. The three tables of `gnn.0` stand at
#: the top level in GHN-3's published files.
_MODULES = {
    "ln": "encoder.norm",
    "embed": "encoder.embed",
    "shape_enc.embed_channel": "encoder.shape.embed_channel",
    "shape_enc.embed_spatial": "encoder.shape.embed_spatial",
    "centrality_embed_in": "encoder.in_degree",
    "centrality_embed_out": "encoder.out_degree",
    "input_dist_embed": "encoder.input_distance",
    "gnn.0.centrality_embed_in": "encoder.in_degree",
    "gnn.0.centrality_embed_out": "encoder.out_degree",
    "gnn.0.input_dist_embed": "encoder.input_distance",
    "gnn.0.attn.edge_embed.embed": "encoder.edge_bias.embed",
    "gnn.0.attn.proj_e.0": "encoder.edge_bias.project.0",
    "gnn.0.attn.proj_e.2": "encoder.edge_bias.project.2",
    "decoder.mlp.fc.0": "decoder.core.0",
    "decoder.mlp.fc.2": "decoder.core.2",
    "decoder.mlp.fc.4": "decoder.core.4",
    "decoder.l2": "decoder.l2",
    "decoder.fc.0": "decoder.fc.0",
    "decoder.conv.0": "decoder.conv.0",
    "decoder.conv.2": "decoder.conv.2",
    "decoder.class_layer_predictor.1": "decoder.class_layer_predictor.1",
    "decoder_1d.fc.0": "decoder.decoder_1d.0",
    "decoder_1d.fc.2": "decoder.decoder_1d.2",
    "bias_class.1": "decoder.bias_class.1",
}
_LAYER_MODULES = {
    "ln1": "ln1",
    "ln2": "ln2",
    "attn.to_qkv": "to_qkv",
    "attn.to_out.0": "to_out",
    "ff.net.0": "ff.0",
    "ff.net.3": "ff.2",
}
#: In LoGAH's files: a layer that its decoder never calls, and 1 x 1 stand-ins for GHN-3's 1-D decoder.
_UNUSED_IN_LOW_RANK = ("decoder.l1", "decoder_1d.0", "bias_class.1")


def _renamed(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their state dict under our names, less what the decoder does not use."""
    is_low_rank = "decoder.l2.weight" in theirs
    ours: dict[str, Tensor] = {}
    for name, tensor in theirs.items():
        module, _, leaf = name.rpartition(".")
        if is_low_rank and module in _UNUSED_IN_LOW_RANK:
            continue
        if is_low_rank and module == "decoder.seq.1":
            # The second name of `l2`. An average names a shared tensor once, so the two may be of different age.
            if tensor.shape != theirs[f"decoder.l2.{leaf}"].shape:
                raise CheckpointError(f"{name}: shape {list(tensor.shape)} differs from decoder.l2's")
            continue
        ours_module = _MODULES.get(module) or _layer_module(module)
        if ours_module is None:
            raise CheckpointError(f"{name}: unexpected; no part of GHN-3 or LoGAH has this name")
        if f"{ours_module}.{leaf}" in ours:
            raise CheckpointError(f"{name}: came twice, also under another name of the same table")
        ours[f"{ours_module}.{leaf}"] = tensor
    return ours


def _layer_module(module: str) -> str | None:
    parts = module.split(".", 2)
    if len(parts) != 3 or parts[0] != "gnn" or not parts[1].isdecimal() or parts[2] not in _LAYER_MODULES:
        return None
    return f"encoder.layers.{parts[1]}.{_LAYER_MODULES[parts[2]]}"


# --- both -------------------------------------------------------------------------------------------------------------


def _tensors(content: Mapping[str, Any], key: str) -> Mapping[str, Tensor]:
    value = content.get(key)
    if not isinstance(value, Mapping):
        raise CheckpointError(f"{key}: got {type(value).__name__}, expected a mapping of tensors")
    for name, tensor in value.items():
        if not isinstance(tensor, Tensor):
            raise CheckpointError(f"{key} {name}: got {type(tensor).__name__}, expected a tensor")
    return value


def _shape(tensors: Mapping[str, Tensor], name: str, dims: int) -> tuple[int, ...]:
    if name not in tensors:
        raise CheckpointError(f"{name}: missing")
    shape = tuple(tensors[name].shape)
    if len(shape) != dims:
        raise CheckpointError(f"{name}: got shape {list(shape)}, expected {dims} dimensions")
    return shape


def _without_prefix(name: str) -> str:
    return name.replace(COMPILED_PREFIX, "")


def _build(config: HypernetConfig, state: Mapping[str, Tensor]) -> Hypernetwork:
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


def _with(model: Hypernetwork, **changes: Any) -> Hypernetwork:
    return _build(replace(model.config, **changes), model.state_dict())
