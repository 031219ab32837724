"""When a call that failed is made again, and how long it waits first; `docs/clients.md` has the rules."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import grpc

from logah.client.deadline import Deadline
from logah.client.link.replicas import Replica, Replicas
from logah.client.link.wrong_port import explained
from logah.errors import LogahError, ProtocolError, RemoteError, RequestError

#: Seconds that a call may bring nothing new, and as long as no server has answered at all: an address may be wrong.
_PATIENCE = 60.0
_PATIENCE_UNREACHED = 2.0

#: What an attempt may be silent for after so many silences in a row, in parts of the first. A proxy that does not know
#: that one of its servers hangs passes some attempts on to it again, so there are several soon; a slow server needs one
#: that is long. As many are made unless the caller has set a patience.
_SILENCES = (1.0, 0.25, 0.25, 0.25, 0.5, 0.5, 1.0, 1.0, 2.0)

#: Seconds between attempts when every server has failed in turn: doubled from the first to the last, each cut by up to
#: a half at random.
_FIRST_PAUSE = 0.1
_LAST_PAUSE = 3.0

#: What a proxy or gRPC itself makes of a connection that is lost before anything has come, and of some wrong calls too;
#: and how many attempts may fail so.
_DOUBTFUL = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED})
_MAX_DOUBTFUL = 3

#: Statuses that no lost connection becomes.
_REFUSALS = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})


@dataclass(frozen=True)
class Persistence:
    """How a client goes on where a call fails that can be made again."""

    #: Seconds, from the failure on, that a call may bring nothing new before it is given up; 0: it is made once.
    #: None: a minute, and two seconds as long as no server has answered at all.
    patience: float | None = None
    #: Seconds without a message after which a call counts as broken off, though its connection stands: the server
    #: hangs, or a proxy has lost it. The attempts behind it have a quarter of that at first, and more by and by.
    stall: float = 30.0


class StallError(RemoteError):
    """A call that was silent for too long."""

    def __init__(self, target: str, seconds: float) -> None:
        super().__init__(target, grpc.StatusCode.UNAVAILABLE, f"nothing came for {seconds:g} s")


class Attempts:
    """The attempts of one call at the servers of a client. Blocking and asyncio clients share it: it never waits, but
    for a second where a port that has never answered may speak TLS."""

    def __init__(self, replicas: Replicas, persistence: Persistence, deadline: Deadline) -> None:
        self._replicas = replicas
        self._persistence = persistence
        self._deadline = deadline
        # When the first failure was after which nothing new has come.
        self._broken_at: float | None = None
        # In a row, without progress.
        self._failures = 0
        self._doubts = 0
        self._stalls = 0

    @property
    def replica(self) -> Replica:
        """The server for the next attempt. Raises RequestError where the client has been closed."""
        if self._replicas.closed:
            raise RequestError("the client is closed; connect again")
        return self._replicas.current

    @property
    def stall(self) -> float:
        """Seconds that the next attempt may be without a message."""
        return self._persistence.stall * _SILENCES[min(self._stalls, len(_SILENCES) - 1)]

    def progress(self) -> None:
        """Something new has come."""
        self._replicas.reached = True
        self._broken_at = None
        self._failures = self._doubts = self._stalls = 0

    def after(self, error: LogahError, replica: Replica, begun: bool) -> float:
        """The seconds to wait before the next attempt. `begun`: the answer had begun, now or in an attempt before.

        Raises the error where there is no point in another attempt, or no patience left, and RemoteError
        (DEADLINE_EXCEEDED) where the wait would take all the time that is left.
        """
        if not self._replicas.reached and self._broken_at is None and isinstance(error, RemoteError):
            reason = explained(error, self._replicas.is_secure)
            if reason is not None:
                raise reason
        now = time.monotonic()
        if self._broken_at is None:
            self._broken_at = now
        if self._replicas.closed or not self._can_go_on(error, begun):
            raise error
        if isinstance(error, StallError):
            self._stalls += 1
        self._replicas.leave(replica)
        self._failures += 1
        pause = self._pause(error)
        self._deadline.after(pause)
        return pause

    def _can_go_on(self, error: LogahError, begun: bool) -> bool:
        if isinstance(error, RemoteError):
            if error.code is not grpc.StatusCode.UNAVAILABLE:
                self._replicas.reached = True
            if error.code is grpc.StatusCode.DEADLINE_EXCEEDED and self._deadline.passed:
                return False
            if not is_break(error, begun):
                return False
            few_silences = isinstance(error, StallError) and self._stalls + 1 < len(_SILENCES)
            if few_silences and self._persistence.patience is None:
                return True
        # Before the answer has begun, an end without an error is as doubtful as some errors are.
        if not begun and (isinstance(error, ProtocolError) or _is_doubtful(error)):
            self._doubts += 1
            if self._doubts >= _MAX_DOUBTFUL:
                return False
        asked = _asked(error) if len(self._replicas.all) == 1 else 0.0
        return self._patience_left() > asked

    def _patience_left(self) -> float:
        patience = self._persistence.patience
        if patience is None:
            patience = _PATIENCE if self._replicas.reached else _PATIENCE_UNREACHED
        now = time.monotonic()
        return patience - (now - (self._broken_at if self._broken_at is not None else now))

    def _pause(self, error: LogahError) -> float:
        """None before the first try of another server."""
        count = len(self._replicas.all)
        if self._failures < count:
            return 0.0
        spread = random.uniform(0.5, 1.0)
        backoff = min(_LAST_PAUSE, _FIRST_PAUSE * 2.0 ** min(16, self._failures - count))
        # Not below what the server asks for, and not all callers at once.
        wanted = max(backoff * spread, _asked(error) * (1.5 - spread / 2))
        return max(0.0, min(wanted, self._patience_left()))


def is_break(error: RemoteError, begun: bool) -> bool:
    """Whether the call can be made again, or go on, behind this failure.

    The service names each of its own errors (`ErrorInfo`); what comes without that name is a proxy's or gRPC's. Proxies
    make any status of a lost server: INTERNAL, UNKNOWN, CANCELLED, even RESOURCE_EXHAUSTED, where the bytes of an error
    page are taken for the length of a message. So once a stream has begun, whatever the service does not say is a
    break. Not for the caller's own cancellations and deadlines.
    """
    if error.code is grpc.StatusCode.UNAVAILABLE or error.retry_after is not None:
        return True
    if error.of_service or error.code in _REFUSALS:
        return False
    return begun or error.code in _DOUBTFUL


def _is_doubtful(error: LogahError) -> bool:
    return isinstance(error, RemoteError) and error.code in _DOUBTFUL and error.retry_after is None


def _asked(error: LogahError) -> float:
    return (error.retry_after or 0.0) if isinstance(error, RemoteError) else 0.0
