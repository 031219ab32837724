"""What a network of a comparison is called, by its sizes."""

from __future__ import annotations

Sizes = dict[str, int]
#: The sizes in a network's name, in its order.
NAMED = ("width", "layers", "patch_size", "context", "heads", "mlp_ratio")


def network_name(sizes: Sizes) -> str:
    """Such as w120-l4-p7-h6: width, layers, patch or context, heads, and the MLP's ratio where it is stated."""
    return "-".join(f"{name[0]}{sizes[name]}" for name in NAMED if name in sizes)
