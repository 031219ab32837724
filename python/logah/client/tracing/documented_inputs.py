"""Example inputs in the shapes that the documentation of a forward pass says: `of shape (batch_size, num_boxes, 4)`."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

import torch
from torch import Tensor, nn

from logah.client.tracing.input_makers import TOKENS, Sizes

#: "bbox (`torch.FloatTensor` of shape `(batch_size, num_boxes, 4)`", with quotes of any kind.
_ENTRY = re.compile(r"^\s*(\w+) \([`']*(?:torch\.)?(\w*)Tensor[`']* of shape [`'][(\[](.+?)[)\]][`']", re.MULTILINE)
_TYPES = {"Long": torch.long, "Int": torch.int, "Bool": torch.bool}
#: Of names that say what is counted, and not how wide it is.
_COUNTED = re.compile(r"length|^num_|^number_of|tokens|seq|boxes|time")
_WIDTHS = ("hidden_size", "d_model", "dim")


def documented_inputs(module: nn.Module, sizes: Sizes) -> dict[str, Tensor]:
    """By name, on the meta device, those inputs whose dimensions are all known."""
    text = (inspect.getdoc(type(module).forward) or "").partition("Returns:")[0]
    inputs: dict[str, Tensor] = {}
    for name, kind, dimensions in _ENTRY.findall(text):
        try:
            shape = [
                _size(ast.parse(dimension.strip(), mode="eval").body, sizes) for dimension in dimensions.split(",")
            ]
        except (SyntaxError, LookupError):
            continue
        is_whole = re.search(r"(_ids|mask|index)$", name) is not None
        dtype = _TYPES.get(kind, torch.long if is_whole else torch.float32)
        inputs.setdefault(name, torch.zeros(*shape, dtype=dtype, device="meta"))
    return inputs


def _size(expression: ast.expr, sizes: Sizes) -> int:
    """The value of a dimension such as `config.block_size` or `dim * len(config.layers)`; LookupError: not known."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, int):
        return expression.value
    if isinstance(expression, ast.BinOp):
        left, right = _size(expression.left, sizes), _size(expression.right, sizes)
        if isinstance(expression.op, ast.Add):
            return left + right
        if isinstance(expression.op, ast.Mult):
            return left * right
    if isinstance(expression, ast.Call) and expression.args:
        return len(_field(sizes, expression.args[0]))
    if isinstance(expression, ast.Attribute):
        return int(_field(sizes, expression))
    if isinstance(expression, ast.Name):
        return _named(expression.id, sizes)
    raise LookupError(ast.unparse(expression))


def _field(sizes: Sizes, expression: ast.expr) -> Any:
    value = sizes.find(expression.attr) if isinstance(expression, ast.Attribute) else None
    if value is None:
        raise LookupError(ast.unparse(expression))
    return value


def _named(name: str, sizes: Sizes) -> int:
    channels, height, width = sizes.image
    own = {"batch_size": 1, "num_channels": channels, "height": height, "width": width, "image_size": height}
    if name in own:
        return own[name]
    size = sizes.number(name, *(_WIDTHS if name in _WIDTHS else ()), default=0)
    if size > 0:
        return size
    if _COUNTED.search(name):
        return min(TOKENS)
    raise LookupError(name)
