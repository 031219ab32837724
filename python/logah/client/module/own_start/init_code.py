"""The functions by which a module fills its own parameters and buffers, in the order in which they run."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn


def init_functions(
    root: nn.Module, concerns: Callable[[nn.Module], bool] = lambda _: True
) -> Iterator[Callable[[], Any]]:
    """The init code of a module, children before parents, so that whoever writes last is right.

    Of submodules that it `concerns` alone.

    First what layers do when they are made (`reset_parameters`), and what models of timm and others do behind that
    (`init_weights`); then `_init_weights` of the nearest model around each module, as transformers applies it.
    """
    yield from _own(root, concerns)
    yield from _applied(root, None, concerns)


def _own(module: nn.Module, concerns: Callable[[nn.Module], bool]) -> Iterator[Callable[[], Any]]:
    for child in module.children():
        yield from _own(child, concerns)
    if not concerns(module):
        return
    for name in ("reset_parameters", "_reset_parameters", "reset_running_stats", "init_weights"):
        function = getattr(module, name, None)
        # What transformers calls so runs `_init_weights` on all, and moves and ties besides.
        is_another = name == "init_weights" and _is_transformers(module)
        # batch norm's `reset_parameters` calls this; others use the name for what is no start.
        is_done = name == "reset_running_stats" and not isinstance(module, nn.modules.batchnorm._NormBase)
        if callable(function) and not is_another and not is_done and _takes(function, 0):
            yield function


def _applied(
    module: nn.Module, around: Callable[[nn.Module], Any] | None, concerns: Callable[[nn.Module], bool]
) -> Iterator[Callable[[], Any]]:
    own = getattr(module, "_init_weights", None)
    # timm's models apply theirs in `init_weights`, with arguments of their own.
    is_applied = callable(own) and _takes(own, 1) and (_is_transformers(module) or not hasattr(module, "init_weights"))
    apply = own if is_applied else around
    for child in module.children():
        yield from _applied(child, apply, concerns)
    if apply is not None and concerns(module):
        yield functools.partial(apply, module)


def _is_transformers(module: nn.Module) -> bool:
    """Whether the module is a model in the manner of transformers."""
    return hasattr(module, "config") and hasattr(module, "_init_weights")


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*([None] * count))
    except (TypeError, ValueError):
        return False
    return True
