"""Settings of every test: one thread, and property tests that draw the same examples in each run."""

import pytest
import torch
from client_servers import CLI
from client_servers import server as server
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("repeatable")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test of the client against the service says what it lacks."""
    if item.get_closest_marker("server") and not CLI.exists():
        pytest.fail(f"needs the built service, and there is no {CLI}: npm ci && npm run build (or set LOGAH_CLI)")
