"""Models that say how they were made, so that their constructors can be seen at work once more."""

from __future__ import annotations

import copy
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.overrides import TorchFunctionMode

from logah.client.module.own_start.draw import Draw
from logah.client.module.own_start.recorder import Recorder
from logah.client.module.own_start.twin import plain_class

_BUILDERS: weakref.WeakKeyDictionary[nn.Module, Callable[[], nn.Module]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Maker:
    """What makes a model once more."""

    #: Of the model's parameters, in the module around it; with the dot behind it, or empty.
    prefix: str
    model: nn.Module
    make: Callable[[], nn.Module]
    #: Whether init code that the model keeps says all that its constructor drew.
    keeps_init_code: bool = False
    #: The name that a library has for the model, where what it was given beside that is not known.
    assumed: str = ""


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    """The module that `build` makes, on the meta device, and how it was made: see `logah.client.on_meta`."""
    with torch.device("meta"):
        module = build()
    _BUILDERS[module] = build
    return module


def makers(root: nn.Module) -> Iterator[Maker]:
    """The outermost models within a module that say how they were made."""
    done: list[str] = []
    for prefix, model in root.named_modules():
        if any(prefix.startswith(outer) for outer in done):
            continue
        start = f"{prefix}." if prefix else ""
        maker = _maker(start, model)
        if maker is not None:
            done.append(start)
            yield maker


def _maker(prefix: str, model: nn.Module) -> Maker | None:
    build = _BUILDERS.get(model)
    if build is not None:
        return Maker(prefix, model, build)
    config: Any = getattr(model, "config", None)
    if hasattr(model, "_init_weights") and hasattr(config, "to_dict"):
        cls = plain_class(type(model))
        return Maker(prefix, model, lambda: cls(copy.deepcopy(config)), keeps_init_code=True)
    name = _timm_name(model)
    if name:
        create = sys.modules["timm"].create_model
        return Maker(prefix, model, lambda: create(name), assumed=name)
    return None


def _timm_name(model: nn.Module) -> str:
    """What timm's registry calls a model that it made; empty for others."""
    own = getattr(model, "pretrained_cfg", None)
    name = own.get("architecture") if isinstance(own, dict) else None
    timm = sys.modules.get("timm")
    return name if isinstance(name, str) and timm is not None and timm.is_model(name) else ""


class RemadeRules:
    """What constructors draw for parameters, seen without values when it is first asked."""

    def __init__(self, root: nn.Module) -> None:
        self._root = root

    def draw(self, name: str, is_written: bool) -> Draw:
        """What a constructor leaves in a parameter; `is_written`: whether init code that the model keeps fills it."""
        return (self._sure.get(name) or (None if is_written else self._unsaid.get(name))) if self._makers else None

    def assumed(self, name: str) -> str:
        """The name of the library's model whose defaults a parameter's values are taken to be; else empty."""
        return next((m.assumed for m in self._makers if m.assumed and name.startswith(m.prefix)), "")

    @cached_property
    def _makers(self) -> list[Maker]:
        return list(makers(self._root))

    @cached_property
    def _sure(self) -> dict[str, Draw]:
        return _draws(maker for maker in self._makers if not maker.keeps_init_code)

    @cached_property
    def _unsaid(self) -> dict[str, Draw]:
        return _draws(maker for maker in self._makers if maker.keeps_init_code)


def _draws(of: Iterator[Maker]) -> dict[str, Draw]:
    draws: dict[str, Draw] = {}
    for maker in of:
        recorder = Recorder({})
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        with torch.random.fork_rng(devices=[]), torch.device("cpu"), mode, recorder, _Zeros():
            try:
                other = maker.make()
            except Exception:  # Of the model's own code, which may need values.
                continue
        shapes = {name: own.shape for name, own in maker.model.named_parameters()}
        for name, made in other.named_parameters():
            draw = recorder.draw_of(made)
            if draw is not None and made.shape == shapes.get(name):
                draws[maker.prefix + name] = draw
    return draws


class _Zeros(TorchFunctionMode):
    """Takes numbers that a constructor wants of tensors without values, such as rates of dropped paths, to be 0."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        try:
            return func(*args, **(kwargs or {}))
        except DataDependentOutputException:
            if func not in (Tensor.tolist, Tensor.item, Tensor.__float__, Tensor.__int__, Tensor.__bool__):
                raise
            return np.zeros(args[0].shape).tolist() if func is Tensor.tolist else func is not Tensor.__bool__ and 0
