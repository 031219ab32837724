"""A bar shows how much of a prediction has come, where somebody looks."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Iterator
from contextlib import redirect_stderr
from typing import TextIO

import pytest
from client_servers import SMALL_VIT

import logah
from logah.client import Client


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with logah.connect(server) as client:
        yield client


class Terminal:
    """A pseudo-terminal in place of standard error."""

    def __init__(self) -> None:
        self._reader, writer = os.openpty()
        # A new one is 0 wide, and tqdm draws nothing into that.
        fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.stream: TextIO = os.fdopen(writer, "w")

    def content(self) -> str:
        """What was written since it was last asked for."""
        self.stream.write("\0")
        self.stream.flush()
        content = ""
        while not content.endswith("\0"):
            content += os.read(self._reader, 1 << 16).decode(errors="replace")
        return content[:-1]

    def close(self) -> None:
        self.stream.close()
        os.close(self._reader)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.mark.server
def test_a_terminal_shows_how_much_of_which_model_has_come(client: Client, terminal: Terminal) -> None:
    with redirect_stderr(terminal.stream):
        client.state_dict(SMALL_VIT)
    shown = terminal.content()
    assert "logah-tiny-vit-fashion: 100%" in shown
    assert shown.endswith("\n")


@pytest.mark.server
def test_filling_a_module_and_the_asyncio_client_show_it_too(client: Client, terminal: Terminal, server: str) -> None:
    transformers = pytest.importorskip("transformers")
    with redirect_stderr(terminal.stream):
        client.initialize(transformers.ViTForImageClassification(transformers.ViTConfig(**SMALL_VIT)))
    assert "100%" in terminal.content()

    async def run() -> None:
        async with logah.aio.connect(server) as client:
            await client.state_dict(SMALL_VIT)

    with redirect_stderr(terminal.stream):
        asyncio.run(run())
    assert "100%" in terminal.content()


@pytest.mark.server
def test_nothing_is_shown_in_a_log_or_by_other_ranks_than_the_first_or_on_request(
    client: Client, terminal: Terminal, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with redirect_stderr(terminal.stream):
        client.state_dict(SMALL_VIT, progress=False)
        monkeypatch.setenv("RANK", "1")
        client.state_dict(SMALL_VIT)
    assert terminal.content() == ""
    monkeypatch.setenv("RANK", "0")
    client.state_dict(SMALL_VIT)
    assert capfd.readouterr().err == ""


@pytest.mark.server
def test_a_bar_is_shown_wherever_it_is_asked_for(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    client.state_dict(SMALL_VIT, progress=True)
    assert "logah-tiny-vit-fashion: 100%" in capfd.readouterr().err
