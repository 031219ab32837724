"""Settings of every test: one thread, and property tests that draw the same examples in each run."""

import torch
from client_servers import server as server
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("repeatable")
