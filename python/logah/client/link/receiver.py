"""What takes in a stream, over all the attempts at it."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from logah.errors import LogahError

Item = TypeVar("Item", covariant=True)


class Receiver(Protocol[Item]):
    """It knows what has come, and so what to ask for when a stream has broken off."""

    @property
    def begun(self) -> bool:
        """Whether anything has come that another attempt can go on from, or may skip."""

    @property
    def complete(self) -> bool:
        """Whether there is no more to come."""

    def next_request(self) -> Any:
        """What to send for the first attempt, or the next one."""

    def accept(self, message: Any) -> Item | None:
        """What is new of a message; None: nothing. Raises ProtocolError."""

    def ended(self) -> LogahError | None:
        """The stream ended without an error: what is wrong with that, where another attempt may help; else None."""
