"""The servers of a client, which hold the same models: one is asked until it fails, then the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from logah.client.link.channel import Calls, Channel
from logah.client.link.security import WithToken
from logah.errors import RequestError


@dataclass(frozen=True, eq=False)
class Replica:
    """One server and the connection to it."""

    #: The address as given to `connect`.
    target: str
    channel: Channel
    calls: Calls


class Replicas:
    """They connect at the first call."""

    def __init__(
        self,
        targets: str | Sequence[str],
        open_channel: Callable[[str], Channel],
        token: Callable[[], str] | None = None,
        *,
        is_secure: bool = False,
    ) -> None:
        """`token` gives what each call shows; `is_secure`: channels speak TLS.

        Raises RequestError where no server is named, or one is no address.
        """
        names = [targets] if isinstance(targets, str) or not isinstance(targets, Iterable) else list(targets)
        if not names:
            raise RequestError("target names no server; expected an address such as 127.0.0.1:50051, or several")
        for name in names:
            if not isinstance(name, str) or not name.strip():
                raise RequestError(f"target is {name!r}; expected an address such as 127.0.0.1:50051")
        self.all = tuple(_connected(target, open_channel(target), token) for target in names)
        self.is_secure = is_secure
        #: The one to ask.
        self.current = self.all[0]
        #: Whether any of them has answered yet.
        self.reached = False
        self.closed = False

    def leave(self, replica: Replica) -> None:
        """Turns to the next one, unless another call has done so."""
        if self.current is replica:
            self.current = self.all[(self.all.index(replica) + 1) % len(self.all)]


def _connected(target: str, channel: Channel, token: Callable[[], str] | None) -> Replica:
    calls = Calls(channel)
    if token is not None:
        for name, method in vars(calls).items():
            setattr(calls, name, WithToken(method, token))
    return Replica(target, channel, calls)
