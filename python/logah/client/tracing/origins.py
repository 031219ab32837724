"""Whether a tensor is of data or of parameters alone: of the first a trace may assume what decides its way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from torch import Tensor
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

Origin = Literal["data", "parameters"]


class Origins:
    """Of every tensor that a forward pass makes, as far as it is seen; what is not seen is of neither."""

    def __init__(self) -> None:
        self._origins: Any = WeakIdKeyDictionary()

    def note(self, values: Any, origin: Origin) -> None:
        """Says where tensors, which may be nested, come from."""
        for tensor in _tensors(values):
            self._origins[tensor] = origin

    def is_data(self, tensor: Tensor) -> bool:
        """Whether a tensor depends on data."""
        return self._origins.get(tensor) == "data"

    def follow(self, func: Callable[..., Any], args: tuple[Any, ...], own: dict[str, Any], result: Any) -> None:
        """The result of an operation is of data if any of its operands is; so is what an item was written to."""
        origins = {self._origins.get(tensor) for tensor in _tensors((args, own))}
        origin: Origin | None = "data" if "data" in origins else "parameters" if "parameters" in origins else None
        if origin is not None:
            self.note(args[0] if func is Tensor.__setitem__ else result, origin)


def _tensors(values: Any) -> Iterable[Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor))
