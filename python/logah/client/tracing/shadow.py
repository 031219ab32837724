"""A copy of a module whose tensors are fake: shapes and element types without memory.

Whatever a trace does, it does to the copy; the module itself is only read.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.distributed.tensor import DTensor
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_map_only

from logah.errors import CoverageError, TraceError

#: What a prediction can be rounded to.
_ELEMENT_TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


class Shadow:
    """The copy, in evaluation mode, and the mode that its tensors live in."""

    def __init__(self, module: nn.Module) -> None:
        """Raises TraceError and CoverageError for a module that cannot be copied, or has unfit parameters."""
        check_module(module)
        self.mode = FakeTensorMode(allow_non_fake_inputs=True)
        fakes: dict[int, Any] = {id(tensor): self._fake(tensor) for tensor in _tensors(module)}
        try:
            self.module: nn.Module = copy.deepcopy(module, fakes).eval()
        except Exception as error:
            raise TraceError(f"a {type(module).__name__} cannot be copied for its trace: {error}") from error
        for submodule in self.module.modules():
            # What the forward pass converts, such as a router to float32, is converted where it is.
            vars(submodule)["_apply"] = functools.partial(_convert, submodule)
        for tensor in (*self.module.parameters(), *self.module.buffers()):
            if isinstance(tensor, FakeTensor):
                # Else the export describes and makes each once more, a sixth of its time.
                self.mode.fake_tensor_converter.set_tensor_memo(tensor, tensor)

    def inputs(self, value: Any) -> Any:
        """Example inputs with their tensors replaced by fake ones; only shapes and element types count."""
        return tree_map_only(Tensor, self._fake, value)

    def _fake(self, tensor: Tensor) -> Tensor:
        with self.mode:
            fake = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
        if not isinstance(tensor, nn.Parameter):
            return fake
        # Frozen parameters too: attention layers take a fused path of their own where nothing needs a gradient.
        return nn.Parameter(fake, requires_grad=True)


def _convert(module: nn.Module, convert: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
    """`module.to` and its like, without the exchange of tensors, which fake ones do not allow."""
    for own in (each for inner in module.modules() for each in (inner._parameters, inner._buffers)):
        for name, tensor in own.items():
            own[name] = None if tensor is None else convert(tensor)  # type: ignore[assignment]
    return module


def check_module(module: nn.Module) -> None:
    """Raises TraceError and CoverageError for a module that cannot be traced, or has unfit parameters."""
    _check_modules(module)
    _check_parameters(module)


def _check_modules(module: nn.Module) -> None:
    for name, submodule in module.named_modules():
        own = [*submodule._parameters.values(), *submodule._buffers.values()]
        if any(tensor is not None and is_lazy(tensor) for tensor in own):
            raise TraceError(
                f"{described(name, submodule)} has no shapes yet: call the module on an example first "
                "(lazy modules take their shapes from their first input)",
                name,
            )
        if any(isinstance(tensor, DTensor) for tensor in own):
            raise TraceError(f"{described(name, submodule)} is sharded already: trace the module before that", name)
        if ".quantized." in f"{type(submodule).__module__}." or any(
            tensor is not None and tensor.is_quantized for tensor in own
        ):
            raise TraceError(f"{described(name, submodule)} is quantised: trace the module before that", name)


def _check_parameters(module: nn.Module) -> None:
    parameters = dict(module.named_parameters())
    if not parameters:
        raise TraceError(f"a {type(module).__name__} has no parameters: there is nothing to predict")
    wrong = [name for name, parameter in parameters.items() if parameter.dtype not in _ELEMENT_TYPES]
    if wrong:
        types = ", ".join(f"{name} ({parameters[name].dtype})" for name in wrong[:10])
        allowed = ", ".join(str(dtype) for dtype in _ELEMENT_TYPES)
        raise CoverageError(f"parameters are of element types that are not predicted: {types}; only {allowed}", wrong)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    """Every tensor that the module holds: parameters, buffers, and plain attributes."""
    for submodule in module.modules():
        yield from _nested_tensors([*vars(submodule).values()])


def _nested_tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _nested_tensors([*value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _nested_tensors(item)


def described(name: str, module: nn.Module) -> str:
    """A submodule in a message."""
    return f'submodule "{name}" ({type(module).__name__})' if name else f"the module ({type(module).__name__})"
