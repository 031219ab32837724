"""What a hypernetwork is: the sizes and conventions that its weights alone do not tell."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

VISION_OPERATIONS = (
    "max_pool",
    "avg_pool",
    "sep_conv",
    "dil_conv",
    "conv",
    "msa",
    "cse",
    "sum",
    "concat",
    "input",
    "bias",
    "bn",
    "ln",
    "pos_enc",
    "glob_avg",
)
LANGUAGE_OPERATIONS = (*VISION_OPERATIONS, "rmsnorm", "rot_emb", "gate")

#: `low_rank` is LoGAH's decoder as published, `aligned` ours with every block at phase 0, `dense` GHN-3's.
DecoderKind = Literal["low_rank", "aligned", "dense"]
ShapeEncoding = Literal["table", "smooth"]
Normalization = Literal["fan_in", "std"]
#: Of a table of embeddings: "none" leaves it as decoded, as published; "fan_in" scales it like other matrices.
EmbeddingScale = Literal["none", "fan_in"]


@dataclass(frozen=True)
class HypernetConfig:
    """Sizes of a hypernetwork.

    hid: width of the node embeddings. heads, layers: of the encoder. rank: r of LoGAH's factors (0 for `dense`).
    ck: rows of each factor (`max_ck_lora`). max_shape: sizes (out, in, height, width) above which a dimension is
    tiled. num_classes: as trained; two rows of the channel table depend on it. cutoff: longest shortest path that
    counts. slots: blocks that the decoder tells apart although their nodes look alike (q, k and v; 1: none).
    """

    hid: int
    heads: int
    layers: int
    rank: int
    ck: int
    max_shape: tuple[int, int, int, int]
    num_classes: int = 10
    decoder: DecoderKind = "low_rank"
    shape_encoding: ShapeEncoding = "table"
    normalization: Normalization = "fan_in"
    operations: tuple[str, ...] = VISION_OPERATIONS
    layernorm: bool = True
    slots: int = 1
    cutoff: int = 250
    embedding_scale: EmbeddingScale = "none"

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the fields' own names."""
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> HypernetConfig:
        """The inverse of `to_json`."""
        fields = dict(value)
        fields["max_shape"] = tuple(fields["max_shape"])
        fields["operations"] = tuple(fields["operations"])
        return HypernetConfig(**fields)
