"""What the spaces of all transformers have in common."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TransformerSpace:
    """Every combination of sizes whose heads divide the width.

    Widths in `held_out_widths` are never sampled: evaluation uses them. The heads of a width are given in one of two
    ways. head_sizes: widths of one head. heads: groups of numbers of heads; a width has those of the first group all of
    which divide it. depth_widths: (most layers, least width, greatest width) of each range of depths, ascending; empty:
    every depth has every width.
    """

    widths: tuple[int, ...]
    layers: tuple[int, ...]
    held_out_widths: tuple[int, ...] = ()
    head_sizes: tuple[int, ...] = ()
    heads: tuple[tuple[int, ...], ...] = ()
    mlp_ratios: tuple[int, ...] = (4,)
    depth_widths: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where a size has nothing to choose from."""
        if bool(self.head_sizes) == bool(self.heads):
            raise ValueError("expected either head_sizes or heads")
        for name in ("widths", "layers", "mlp_ratios"):
            sizes: tuple[int, ...] = getattr(self, name)
            if not sizes or min(sizes) < 1:
                raise ValueError(f"{name}: got {list(sizes)}, expected positive numbers")
        for width in self.widths:
            if not self.heads_of(width):
                raise ValueError(f"widths: no number of heads divides {width}")
        for layers in self.layers:
            if not self.widths_of(layers):
                raise ValueError(f"layers: no width that is not held out is left for {layers} layers")

    @property
    def sampled_widths(self) -> list[int]:
        """Those that are not held out."""
        return [w for w in self.widths if w not in self.held_out_widths]

    def widths_of(self, layers: int) -> list[int]:
        """The widths that networks of so many layers are sampled with."""
        for most, least, greatest in self.depth_widths:
            if layers <= most:
                return [w for w in self.sampled_widths if least <= w <= greatest]
        return [] if self.depth_widths else self.sampled_widths

    def heads_of(self, width: int) -> list[int]:
        """The numbers of heads that networks of this width are sampled with."""
        if self.head_sizes:
            return [width // size for size in self.head_sizes if width % size == 0]
        return next((list(group) for group in self.heads if all(width % count == 0 for count in group)), [])

    def sample_sizes(self, rng: random.Random, **own: Sequence[int]) -> dict[str, int]:
        """`width`, `layers`, `heads`, `mlp_ratio`, and one of each of the family's `own`; each choice uniform."""
        if self.depth_widths:
            layers = rng.choice(self.layers)
            width = rng.choice(self.widths_of(layers))
        else:
            # In the order that the shipped models were trained with.
            width = rng.choice(self.sampled_widths)
            layers = rng.choice(self.layers)
        return {
            "width": width,
            "layers": layers,
            **{name: rng.choice(sizes) for name, sizes in own.items()},
            "heads": rng.choice(self.heads_of(width)),
            "mlp_ratio": rng.choice(self.mlp_ratios),
        }

    def size_ranges(self, **own: Sequence[int]) -> dict[str, list[int]]:
        """Smallest and largest value of each size and of the family's `own`, by the names of configurations."""
        widths = sorted({width for layers in self.layers for width in self.widths_of(layers)})
        sizes: dict[str, Sequence[int]] = {
            "hidden_size": widths,
            "num_hidden_layers": self.layers,
            "num_attention_heads": [count for width in widths for count in self.heads_of(width)],
            "intermediate_size": [w * r for w in widths for r in self.mlp_ratios],
            **own,
        }
        return {name: [min(values), max(values)] for name, values in sizes.items()}
