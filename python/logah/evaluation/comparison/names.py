"""What a network of a comparison is called, by its sizes, and what its data are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Sizes = dict[str, int]
#: The sizes in a network's name, in its order.
NAMED = ("width", "layers", "patch_size", "context", "heads", "mlp_ratio")


def network_name(sizes: Sizes) -> str:
    """Such as w120-l4-p7-h6: width, layers, patch or context, heads, and the MLP's ratio where it is stated."""
    return "-".join(f"{name[0]}{sizes[name]}" for name in NAMED if name in sizes)


def data_name(data: str | Mapping[str, Any]) -> str:
    """A name of `logah data` as it is; such as `text a.txt` for `{text: a.txt}`."""
    return data if isinstance(data, str) else ", ".join(f"{field} {value}" for field, value in data.items())
