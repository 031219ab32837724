"""What the spaces of all transformers have in common."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TransformerSpace:
    """Every combination of sizes whose heads divide the width.

    Widths in `held_out_widths` are never sampled: evaluation uses them. `head_sizes` are widths of one head.
    """

    widths: tuple[int, ...]
    held_out_widths: tuple[int, ...]
    layers: tuple[int, ...]
    head_sizes: tuple[int, ...]
    mlp_ratios: tuple[int, ...]

    @property
    def sampled_widths(self) -> list[int]:
        """Those that are not held out."""
        return [w for w in self.widths if w not in self.held_out_widths]

    def sample_sizes(self, rng: random.Random, **own: Sequence[int]) -> dict[str, int]:
        """`width`, `layers`, `heads`, `mlp_ratio`, and one of each of the family's `own`; each choice uniform."""
        width = rng.choice(self.sampled_widths)
        return {
            "width": width,
            "layers": rng.choice(self.layers),
            **{name: rng.choice(sizes) for name, sizes in own.items()},
            "heads": width // rng.choice([s for s in self.head_sizes if width % s == 0]),
            "mlp_ratio": rng.choice(self.mlp_ratios),
        }

    def size_ranges(self, **own: Sequence[int]) -> dict[str, list[int]]:
        """Smallest and largest value of each size and of the family's `own`, by the names of configurations."""
        widths = self.sampled_widths
        sizes: dict[str, Sequence[int]] = {
            "hidden_size": widths,
            "num_hidden_layers": self.layers,
            "num_attention_heads": [w // s for w in widths for s in self.head_sizes if w % s == 0],
            "intermediate_size": [w * r for w in widths for r in self.mlp_ratios],
            **own,
        }
        return {name: [min(values), max(values)] for name, values in sizes.items()}
