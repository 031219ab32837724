"""What a module's own init code fills each parameter and buffer with, seen without values."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from logah.client.module.own_start.init_code import init_functions
from logah.client.module.own_start.recorder import Record, Recorder
from logah.client.module.own_start.twin import twin_of


class OwnRules:
    """Runs a module's init code once, on a twin without values, when it is first asked."""

    def __init__(self, root: nn.Module) -> None:
        self._root = root

    def record(self, name: str) -> Record:
        """What is written to a parameter or buffer, by its name in the module; no writers where nothing is."""
        return self._records.get(name) or Record()

    @cached_property
    def _records(self) -> dict[str, Record]:
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        followed: dict[str, Tensor] = {}

        def fake(name: str, own: Tensor) -> Tensor:
            with mode:
                value = torch.empty(own.shape, dtype=own.dtype, device="cpu")
            followed[name] = nn.Parameter(value, own.is_floating_point()) if isinstance(own, nn.Parameter) else value
            return followed[name]

        twin = twin_of(self._root, fake)
        recorder = Recorder(followed)
        with torch.random.fork_rng(devices=[]), torch.no_grad(), mode, recorder:
            for position, function in enumerate(init_functions(twin)):
                recorder.writer = position
                try:
                    function()
                except Exception:  # Of the module's own code, which may need values.
                    recorder.forget(position)
        return recorder.records
