"""The names of the authors' modules, and ours for them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from logah.errors import CheckpointError

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


def renamed(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their state dict under our names, less what the decoder does not use. Raises CheckpointError."""
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
