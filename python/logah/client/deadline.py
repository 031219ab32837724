"""One deadline for all attempts of a call together."""

from __future__ import annotations

import time

import grpc

from logah.errors import RemoteError, RequestError


class Deadline:
    """`timeout` seconds from now; None: never. Raises RequestError where it is not above 0."""

    def __init__(self, timeout: float | None, target: str) -> None:
        if timeout is not None and not timeout > 0:
            raise RequestError(f"timeout is {timeout}; allowed: seconds above 0, or None for no limit")
        self._end = None if timeout is None else time.monotonic() + timeout
        self._target = target

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self._end is not None and time.monotonic() >= self._end

    def remaining(self) -> float | None:
        """Seconds left, for gRPC; None: no limit. Raises RemoteError (DEADLINE_EXCEEDED) where none are."""
        return self.after(0.0)

    def after(self, pause: float) -> float | None:
        """Seconds left after a pause. Raises RemoteError (DEADLINE_EXCEEDED) where it would take them all."""
        if self._end is None:
            return None
        left = self._end - time.monotonic() - pause
        if left <= 0:
            raise RemoteError(self._target, grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        return left
