"""What a value of the traced graph stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import fx

#: What a value is on its way to become: a mean, a value without its mean, a deviation or 1 over it, a value divided by
#: its deviation (as it was, or without its mean), of the other sign, half of a rotary embedding, scores of attention,
#: their softmax.
Stage = Literal["", "mean", "centered", "deviation", "rms", "ln", "negated", "rotated", "scores", "softmax"]


@dataclass(frozen=True)
class Part:
    """`length` entries of a parameter's dimension `axis`, from `start`."""

    axis: int
    start: int
    length: int


@dataclass(frozen=True)
class Slice:
    """The matrix of this number of a parameter that holds several, one after the other."""

    number: int


@dataclass(frozen=True)
class Weight:
    """A parameter, whole or in part, with all of its values as they are; its dimensions may have moved."""

    name: str
    part: Part | None = None
    #: Whether the first two dimensions have changed places; of three, the last two.
    transposed: bool = False
    #: Whether only dimensions of size 1 were added or taken away.
    plain: bool = True
    #: One of its matrices alone; then it is not plain.
    slice: Slice | None = None


@dataclass(frozen=True)
class Derived:
    """Computed of parameters alone, such as a normalised weight."""


@dataclass(frozen=True)
class Flow:
    """Data that depends on the inputs, or on a learned sequence."""

    #: The nodes that it comes from, with no other node between.
    sources: tuple[int, ...]
    stage: Stage = ""
    #: The value is the output of this projection, seen through changes of shape alone.
    projection: fx.Node | None = None
    #: Learned tokens in front of the sequence.
    prefix: int = 0
    #: The operands whose product the scores are.
    scored: tuple[fx.Node, fx.Node] | None = None
    #: Whether an activation came after the last node.
    activated: bool = False


@dataclass(frozen=True)
class Angle:
    """Sine or cosine of positions: a rotary embedding's."""


#: None: constants, numbers, what depends on no parameter and no input.
Value: TypeAlias = Weight | Derived | Flow | Angle | None


def joined(values: list[Value]) -> Flow | None:
    """What reads all of these values, as far as they are data; None where none is."""
    flows = [value for value in values if isinstance(value, Flow)]
    if not flows:
        return None
    sources = dict.fromkeys(source for flow in flows for source in flow.sources)
    return Flow(tuple(sources))
