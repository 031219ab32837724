"""How much of a prediction has come, as a bar on standard error."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Any

from logah.client.wire.plan import Plan
from logah.client.wire.prediction_stream import DataEvent, Event, PlanEvent

if TYPE_CHECKING:
    from tqdm import tqdm


class Progress:
    """A bar over the bytes that are sent, from the plan on.

    `shown` None: where standard error is a terminal; of the ranks that torchrun starts, on the first one alone.
    """

    def __init__(self, shown: bool | None) -> None:
        self._shown = False if shown is None and os.environ.get("RANK", "0") != "0" else shown
        self._bar: tqdm[Any] | None = None
        self._plan: Plan | None = None

    @property
    def plan(self) -> Plan:
        """To be asked for once the events have come."""
        if self._plan is None:
            raise RuntimeError("the events ended before the plan")
        return self._plan

    def accept(self, event: Event) -> None:
        """The events of one prediction, in their order."""
        if isinstance(event, PlanEvent):
            self._plan = event.plan
            if self._shown is False:
                return
            from tqdm import tqdm

            # tqdm's None: not where it would not write to a terminal.
            disable = None if self._shown is None else not self._shown
            self._bar = tqdm(
                total=event.plan.total_bytes, unit="B", unit_scale=True, desc=event.plan.model, disable=disable
            )
        elif isinstance(event, DataEvent) and self._bar is not None:
            self._bar.update(len(event.data))

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
