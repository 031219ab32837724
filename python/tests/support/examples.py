"""Small hypernetworks and graphs that several test files use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from logah.graph import ArchitectureGraph
from logah.graph.vit import vit_graph
from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import Hypernetwork

LOW_RANK = HypernetConfig(hid=16, heads=4, layers=2, rank=6, ck=64, max_shape=(32, 32, 16, 16), cutoff=50)
ALIGNED = replace(LOW_RANK, decoder="aligned", shape_encoding="smooth", slots=3)
DENSE = HypernetConfig(
    hid=16, heads=4, layers=2, rank=0, ck=0, max_shape=(12, 8, 11, 11), num_classes=7, decoder="dense", cutoff=50
)
CONFIGS = {"low_rank": LOW_RANK, "aligned": ALIGNED, "dense": DENSE}


def random_model(config: HypernetConfig, seed: int = 0) -> Hypernetwork:
    """A hypernetwork with random weights; those that start as constants are moved off them."""
    torch.manual_seed(seed)
    model = Hypernetwork(config).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.02)
    return model


def small_vit(**changes: Any) -> ArchitectureGraph:
    """A vision transformer of width 24: square patches, q, k and v as nodes of their own, a head of 10 classes."""
    config: dict[str, Any] = {
        "hidden_size": 24,
        "intermediate_size": 40,
        "num_hidden_layers": 2,
        "patch_size": 4,
        "image_size": 20,
        "num_channels": 3,
        "num_labels": 10,
        "initializer_range": 0.02,
    }
    return vit_graph({**config, **changes}, "small-vit")


def relative_error(ours: Tensor | NDArray[Any], theirs: Tensor | NDArray[Any]) -> float:
    """Norm of the difference over the norm of `theirs`."""
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    assert a.shape == b.shape, f"shapes {a.shape} and {b.shape}"
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


#: Names in the authors' files -> ours, less those inside a layer; `gnn.0.` may be absent before the last three.
AUTHORS_NAMES = {
    "ln": "encoder.norm",
    "embed": "encoder.embed",
    "shape_enc.embed_spatial": "encoder.shape.embed_spatial",
    "shape_enc.embed_channel": "encoder.shape.embed_channel",
    "gnn.0.attn.edge_embed.embed": "encoder.edge_bias.embed",
    "gnn.0.attn.proj_e.0": "encoder.edge_bias.project.0",
    "gnn.0.attn.proj_e.2": "encoder.edge_bias.project.2",
    "gnn.0.centrality_embed_in": "encoder.in_degree",
    "gnn.0.centrality_embed_out": "encoder.out_degree",
    "gnn.0.input_dist_embed": "encoder.input_distance",
}
AUTHORS_LAYER_NAMES = {
    "ln1": "ln1",
    "attn.to_qkv": "to_qkv",
    "attn.to_out.0": "to_out",
    "ln2": "ln2",
    "ff.net.0": "ff.0",
    "ff.net.3": "ff.2",
}
AUTHORS_LOW_RANK_NAMES = {
    "decoder.mlp.fc.0": "decoder.core.0",
    "decoder.mlp.fc.2": "decoder.core.2",
    "decoder.mlp.fc.4": "decoder.core.4",
    "decoder.l2": "decoder.l2",
    "decoder.seq.1": "decoder.l2",
}
AUTHORS_DENSE_NAMES = {
    "decoder.fc.0": "decoder.fc.0",
    "decoder.conv.0": "decoder.conv.0",
    "decoder.conv.2": "decoder.conv.2",
    "decoder.class_layer_predictor.1": "decoder.class_layer_predictor.1",
    "decoder_1d.fc.0": "decoder.decoder_1d.0",
    "decoder_1d.fc.2": "decoder.decoder_1d.2",
    "bias_class.1": "decoder.bias_class.1",
}


def authors_state(model: Hypernetwork) -> dict[str, Tensor]:
    """The model's weights as the authors' code saves them."""
    names = dict(AUTHORS_NAMES)
    for layer in range(model.config.layers):
        names |= {f"gnn.{layer}.{t}": f"encoder.layers.{layer}.{o}" for t, o in AUTHORS_LAYER_NAMES.items()}
    is_dense = model.config.decoder == "dense"
    names |= AUTHORS_DENSE_NAMES if is_dense else AUTHORS_LOW_RANK_NAMES
    state = model.state_dict()
    theirs = {
        f"{name}.{leaf}": state[f"{ours}.{leaf}"]
        for name, ours in names.items()
        for leaf in ("weight", "bias")
        if f"{ours}.{leaf}" in state
    }
    if not is_dense:
        r = model.config.rank
        theirs |= {"decoder.l1.weight": torch.zeros(r, r), "decoder.l1.bias": torch.zeros(r)}
        for placeholder in ("decoder_1d.0", "bias_class.1"):
            theirs |= {f"{placeholder}.weight": torch.zeros(1, 1), f"{placeholder}.bias": torch.zeros(1)}
    return theirs


def authors_checkpoint(model: Hypernetwork, **changes: Any) -> dict[str, Any]:
    """A checkpoint in the authors' format."""
    config = model.config
    is_dense = config.decoder == "dense"
    given: Mapping[str, Any] = {
        "max_shape": config.max_shape,
        "num_classes": config.num_classes,
        "hypernet": "gatedgnn",
        "decoder": "conv",
        "weight_norm": True,
        "ve": True,
        "layernorm": True,
        "hid": config.hid,
        "layers": config.layers,
        "heads": config.heads,
        "is_ghn2": False,
        "lora": not is_dense,
        "lora_r": 16 if is_dense else config.rank,
        "max_ck_lora": 32 if is_dense else config.ck,
        "use_1d_decoder": is_dense,
    }
    return {"state_dict": authors_state(model), "config": given, "epoch": 3, "step": 17, **changes}


#: What `joblib_state` is the state of; the files do not record the cutoff and get the evaluation's.
JOBLIB_CONFIG = replace(DENSE, max_shape=(12, 12, 11, 11), cutoff=250)


def joblib_state() -> dict[str, Tensor]:
    """A bare state dict as GHN-3's are published: three tables at the top level. Coarse numbers, which compress."""
    tables = ("centrality_embed_in", "centrality_embed_out", "input_dist_embed")
    return {
        name.removeprefix("gnn.0.") if name.startswith(tuple(f"gnn.0.{t}." for t in tables)) else name: (t * 8).round()
        / 8
        for name, t in authors_state(random_model(JOBLIB_CONFIG)).items()
    }
