"""What a trace takes for numbers that depend on the network's weights, where its control flow wants to know them.

Whole numbers that a network predicts, such as durations, are 1. Masks are true everywhere, but for those of what is no
number: a loop over the experts that were hit runs over all of them, each of which reads every token. Or choices are
known: one after the other, in turns. So layers are seen on data of some shape, which is all that a graph says.

Of parameters alone nothing is assumed: what they hold decides which network it is.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils.weak import WeakIdKeyDictionary

from logah.client.tracing.origins import Origins

#: Elements of a tensor up to which its numbers are assumed.
_LARGEST = 4096

_WHOLE = (torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8)
_CASTS = {Tensor.long, Tensor.int, Tensor.to}
_NONZERO = {torch.nonzero, Tensor.nonzero}
_OVER_ALL = {torch.any, Tensor.any, torch.all, Tensor.all}
#: Masks that are false of all that a network computes, and of what else: those that an operation makes of such masks.
_ABNORMAL = {torch.isnan, Tensor.isnan, torch.isinf, Tensor.isinf}
_NOT = {torch.logical_not, Tensor.logical_not, torch.bitwise_not, Tensor.bitwise_not, Tensor.__invert__}
_OR = {torch.logical_or, Tensor.logical_or, torch.bitwise_or, Tensor.bitwise_or, Tensor.__or__}
_FINITE = {torch.isfinite, Tensor.isfinite}
_ITEMS = {Tensor.__getitem__, Tensor.__setitem__}
#: What chooses along a dimension -> the position of that dimension among the arguments, and what it is by default.
_CHOICES: dict[Callable[..., Any], tuple[int, Any]] = {
    **dict.fromkeys((torch.topk, Tensor.topk), (2, -1)),
    **dict.fromkeys((torch.sort, Tensor.sort, torch.argsort, Tensor.argsort), (1, -1)),
    **dict.fromkeys((torch.argmax, Tensor.argmax), (1, None)),
}

#: What is assumed beside predicted numbers.
Assumption = Literal["masks", "choices"]
ASSUMPTIONS: tuple[Assumption, ...] = ("masks", "choices")


#: Counts: the one that is assumed first, and others that show what depends on it.
_COUNTS = (1, 2, 0, 64)
#: Ways of one line that are tried beside the first.
_MOST_WAYS = 16

#: A line of the network's code: file and number.
Site: TypeAlias = tuple[str, int]


class Assumed(TorchFunctionMode):
    """Assumes numbers while it is entered."""

    def __init__(self, assumption: Assumption, otherwise: Mapping[Site, int] | None = None) -> None:
        """`otherwise`: lines where another of the ways is assumed, which shows what the first (0) leaves out."""
        super().__init__()
        self._assumption = assumption
        self.otherwise = otherwise or {}
        #: Lines where something was assumed, and how many other ways there are; those of conditions alone.
        self.made: dict[Site, int] = {}
        self.conditions: set[Site] = set()
        #: Says the submodule that the forward pass is in.
        self.submodule: Callable[[], nn.Module] = nn.Identity
        self.origins = Origins()
        self._kinds: Any = WeakIdKeyDictionary()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        own = kwargs or {}
        result = self._result(func, args, own)
        self.origins.follow(func, args, own, result)
        if isinstance(result, Tensor) and result.dtype == torch.bool:
            kind = self._kind(func, args)
            if kind:
                self._kinds[result] = kind
        return result

    def _kind(self, func: Callable[..., Any], args: tuple[Any, ...]) -> str:
        """Of a mask: whether it is true of numbers alone, or false of them."""
        if func in _ABNORMAL or func in _FINITE:
            return "never" if func in _ABNORMAL else "always"
        kinds = [self._kinds.get(each, "") if isinstance(each, Tensor) else "" for each in args]
        if func in _NOT and kinds[0]:
            return "always" if kinds[0] == "never" else "never"
        return "never" if func in _OR and set(kinds) == {"never"} else ""

    def _result(self, func: Callable[..., Any], args: tuple[Any, ...], own: dict[str, Any]) -> Any:
        if func in _CASTS:
            return self._counts(args[0], func(*args, **own))
        if self._assumption == "choices":
            result = func(*args, **own)
            return self._turns(func, args, own, result) if func in _CHOICES else result
        return self._with_true_masks(func, args, own)

    def _with_true_masks(self, func: Callable[..., Any], args: tuple[Any, ...], own: dict[str, Any]) -> Any:
        if func in _NONZERO and self._is_assumable(args[0]):
            places = self._places(args[0])
            return places.unbind(1) if own.get("as_tuple") else places
        if func is torch.where and len(args) == 1 and self._is_assumable(args[0]):
            return self._places(args[0]).unbind(1)
        if func in _OVER_ALL and len(args) == 1 and not own and self._is_condition(args[0]):
            is_true = self._kinds.get(args[0]) != "never"
            return torch.tensor(is_true != bool(self._way(1, is_condition=True)))
        if func in _ITEMS:
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            if any(_is_mask(item) and self._is_assumable(item) for item in index):
                parts = [
                    self._places(item).unbind(1) if _is_mask(item) and self._is_assumable(item) else (item,)
                    for item in index
                ]
                return func(args[0], tuple(each for part in parts for each in part), *args[2:])
        return func(*args, **own)

    def _places(self, mask: Tensor) -> Tensor:
        """Where a mask is true: everywhere; of experts in one tensor it is true of the first alone, as of any other."""
        shape = tuple(mask.shape)
        own = [parameter for parameter in self.submodule().parameters(recurse=False) if parameter.dim() == 3]
        if len(shape) == 1 and any(1 < len(parameter) <= shape[0] for parameter in own):
            shape = (1,)
        with _disable_current_modes():
            places = torch.ones(shape).nonzero()
        return _known(places[:0] if self._way(1) else places)

    def _counts(self, before: Tensor, result: Tensor) -> Tensor:
        """What a conversion to whole numbers makes: ones."""
        if not (before.is_floating_point() and result.dtype in _WHOLE and _is_unknown(result)):
            return result
        if not self.origins.is_data(before):
            return result
        with _disable_current_modes():
            counts = torch.full(tuple(result.shape), _COUNTS[self._way(len(_COUNTS) - 1)], dtype=result.dtype)
        return _known(counts)

    def _turns(self, func: Callable[..., Any], args: tuple[Any, ...], own: dict[str, Any], result: Any) -> Any:
        """Choices along a dimension, in turns: none is made twice before all were made once."""
        indices = result if isinstance(result, Tensor) else result[1]
        if not _is_unknown(indices) or not self.origins.is_data(args[0]):
            return result
        position, default = _CHOICES[func]
        dim = args[position] if len(args) > position else own.get("dim", default)
        among = args[0].numel() if dim is None else args[0].shape[dim]
        # Where there are not enough for each, others are chosen the next time; else one of them may decide alone.
        step = indices.numel() if 0 < indices.numel() < among else 1
        first = step * self._way(min(math.ceil(among / step) - 1, _MOST_WAYS))
        with _disable_current_modes():
            shape = list(indices.shape)
            if dim is not None and len(shape) == args[0].dim():
                # Those of one row follow one another.
                shape.append(shape.pop(dim))
            turns = (torch.arange(math.prod(shape)).reshape(shape) + first) % among
            if dim is not None and len(shape) == args[0].dim():
                turns = turns.movedim(-1, dim)
        return _known(turns) if isinstance(result, Tensor) else type(result)((result[0], _known(turns)))

    def _is_condition(self, mask: Any) -> bool:
        # Of any size, since the answer is a single value.
        return _is_mask(mask) and getattr(mask, "constant", None) is None and self.origins.is_data(mask)

    def _is_assumable(self, mask: Any) -> bool:
        return _is_unknown(mask) and self.origins.is_data(mask)

    def _way(self, others: int, is_condition: bool = False) -> int:
        """Notes that something is assumed at the line that the forward pass is at; which of the ways it is to be."""
        site = _site()
        if is_condition and site not in self.made:
            self.conditions.add(site)
        elif not is_condition:
            self.conditions.discard(site)
        self.made[site] = max(others, self.made.get(site, 0))
        return min(self.otherwise.get(site, 0), others)


_PASSED = (str(Path(torch.__file__).parent), str(Path(__file__).parent))


def _site() -> Site:
    """The innermost line that is neither of torch nor of the trace."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PASSED):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def _known(numbers: Tensor) -> Tensor:
    """A tensor of which a trace knows what is in it."""
    with _disable_current_modes():
        values = numbers.tolist()
    return torch.tensor(values, dtype=numbers.dtype).reshape(tuple(numbers.shape))


def _is_mask(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.bool


def _is_unknown(value: Any) -> bool:
    if not isinstance(value, FakeTensor) or value.constant is not None:
        return False
    return all(isinstance(size, int) for size in value.shape) and value.numel() <= _LARGEST
