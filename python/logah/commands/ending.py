"""How the commands of the client end: by a signal, or with an error that its reader can act on."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from logah.errors import LogahError, RemoteError


def exit_status(work: Callable[[], int]) -> int:
    """What `work` returns; 1 where it failed, and 128 plus its number where a signal ended it, with a line on why."""
    try:
        with _signals_raise():
            return work()
    except _Interrupted as interruption:
        print(f"interrupted by {interruption.signal.name}", file=sys.stderr)
        return 128 + interruption.signal
    except LogahError as error:
        print(f"error: {_described(error)}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


class _Interrupted(BaseException):
    """A signal ends the command."""

    def __init__(self, signal_: signal.Signals) -> None:
        super().__init__(signal_.name)
        self.signal = signal_


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """The first SIGINT or SIGTERM raises, so that files are cleaned up; the second ends the process at once."""
    both = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for handled in both:
            signal.signal(handled, signal.SIG_DFL)
        raise _Interrupted(signal.Signals(number))

    before = [signal.signal(handled, interrupt) for handled in both]
    try:
        yield
    finally:
        for handled, handler in zip(both, before, strict=True):
            signal.signal(handled, handler)


def _described(error: LogahError) -> str:
    if not isinstance(error, RemoteError):
        return str(error)
    lines = [str(error)]
    if error.violations:
        lines = ["the request is wrong", *(f"  {wrong.field}: {wrong.description}" for wrong in error.violations)]
    if error.retry_after is not None:
        lines.append(f"try again in {error.retry_after:.1f} s")
    return "\n".join(lines)
