"""Which projections look alike to the hypernetwork, and which part of a fused one is what: the slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils._pytree import tree_leaves

from logah.client.tracing.draft import GraphDraft
from logah.client.tracing.values import Flow, Part, Value

#: Operations that move elements and change none, so that they can be done on the numbers of the channels instead.
MOVES = {
    "view", "reshape", "_unsafe_view", "flatten", "unflatten", "transpose", "permute", "slice", "select", "split",
    "split_with_sizes", "chunk", "unbind", "narrow", "squeeze", "unsqueeze", "contiguous", "clone", "expand", "getitem",
    "movedim", "swapaxes", "alias", "t", "numpy_T", "mT",
}  # fmt: skip

#: Products of matrices.
PRODUCTS = {"linear", "matmul", "mm", "bmm", "addmm", "baddbmm", "einsum"}


@dataclass(frozen=True)
class Projection:
    """A linear layer: its nodes in the draft, and which dimension of its weight is that of its outputs."""

    weight: int
    bias: int | None
    output_axis: int
    outputs: int

    @property
    def nodes(self) -> tuple[int, ...]:
        """Both nodes, or the weight's."""
        return (self.weight,) if self.bias is None else (self.weight, self.bias)


def assign_slots(
    operands: Sequence[fx.Node],
    projections: Mapping[fx.Node, Projection],
    values: Mapping[fx.Node, Value | tuple[Value, ...]],
    draft: GraphDraft,
    together: bool,
    divided: set[fx.Node],
) -> None:
    """Gives the parameters behind each operand its number as their slot; `together`: if there are some behind all.

    Where operands come of one projection, its parameters become as many blocks, provided that each operand has its
    outputs in one piece and together they have all of them. `divided`: projections that this was done for; attention
    within windows is one operation for each of them.
    """
    shares: dict[fx.Node, list[tuple[int, fx.Node]]] = {}
    for slot, operand in enumerate(operands):
        start = _origin(operand, projections, values)
        if start is not None:
            shares.setdefault(start, []).append((slot, operand))
        elif together:
            return
    for start, own in shares.items():
        projection = projections[start]
        if len(own) == 1:
            for node in projection.nodes:
                for name, use in draft.uses_of(node):
                    draft.replace_use(name, use, replace(use, slot=own[0][0]))
            continue
        if start in divided:
            continue
        pieces = [(slot, _outputs(start, operand, projection.outputs, values)) for slot, operand in own]
        whole = sorted((piece for _, piece in pieces if piece is not None), key=lambda piece: piece[0])
        ends = [0, *(first + length for first, length in whole)]
        if len(whole) < len(own) or [first for first, _ in whole] != ends[:-1] or ends[-1] != projection.outputs:
            continue
        divided.add(start)
        for node in projection.nodes:
            for name, use in draft.uses_of(node):
                axis = projection.output_axis if node == projection.weight else 0
                offset = use.part.start if use.part is not None else 0
                blocks = [
                    replace(use, slot=slot, part=Part(axis, offset + piece[0], piece[1]))
                    for slot, piece in pieces
                    if piece is not None
                ]
                draft.replace_use(name, use, *blocks)


def _origin(
    operand: fx.Node, projections: Mapping[fx.Node, Projection], values: Mapping[fx.Node, Value | tuple[Value, ...]]
) -> fx.Node | None:
    """The projection that an operand comes from, through anything that keeps to one input."""
    here: fx.Node | None = operand
    while here is not None and here not in projections:
        here = next((source for source in here.all_input_nodes if isinstance(values.get(source), Flow)), None)
    return here


def _outputs(
    start: fx.Node, operand: fx.Node, outputs: int, values: Mapping[fx.Node, Value | tuple[Value, ...]]
) -> tuple[int, int] | None:
    """Which of the projection's outputs reach an operand, as (first, count); None where they are in several pieces."""
    path: list[fx.Node] = []
    here = operand
    while here is not start:
        path.append(here)
        here = next(source for source in here.all_input_nodes if isinstance(values.get(source), Flow))
    shape = start.meta["val"].shape
    if shape[-1] != outputs:
        return None
    numbers: Tensor | Sequence[Tensor] = torch.arange(outputs, dtype=torch.int32).expand(shape)
    for node, source in zip(reversed(path), [start, *reversed(path[1:])], strict=True):
        if packet(node) in MOVES:
            args = _with_values(node.args, source, numbers)
            if any(isinstance(leaf, torch.SymInt) for leaf in tree_leaves(args)):
                return None
            numbers = node.target(*args, **node.kwargs)  # type: ignore[operator]
        elif not isinstance(numbers, Tensor) or getattr(node.meta["val"], "shape", None) != numbers.shape:
            return None
    if not isinstance(numbers, Tensor):
        return None
    kept = numbers.unique()
    first, last = int(kept[0]), int(kept[-1])
    return (first, len(kept)) if last - first + 1 == len(kept) else None


def _with_values(args: Any, source: fx.Node, numbers: Any) -> Any:
    """Arguments with what they stand for in their place: `numbers` for one of them, what the trace knows for others."""
    return fx.map_arg(args, lambda argument: numbers if argument is source else argument.meta.get("val"))


def packet(node: fx.Node) -> str:
    """The name of a node's operation without its overload; in-place ones as the others."""
    target = node.target
    name = (
        target.overloadpacket.__name__ if isinstance(target, torch._ops.OpOverload) else getattr(target, "__name__", "")
    )
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name
