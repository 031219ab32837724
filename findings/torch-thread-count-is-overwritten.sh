#!/usr/bin/env bash
# Guess: torch.set_num_threads(1) in a thread of a pool holds for that thread; what other threads set is theirs.
# Seen: where a thread has not asked for its count before (torch.get_num_threads, or an operation that runs in parallel), its
# first question sets it to what any thread of the process has set last. A pool whose threads each begin with
# set_num_threads(1) computes with three after the main thread has set three, and products that several threads share
# can have other bits. Asking first, and then setting, holds.
# Versions: torch 2.13.0, CPU, Python 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder"/venv/bin/pip install -q torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import threading

import torch


def count_of_a_thread(asks_first: bool) -> int:
    """What a thread computes with that has set one, after the main thread has set three."""
    has_set, other_has_set = threading.Event(), threading.Event()
    counts: list[int] = []

    def work() -> None:
        if asks_first:
            torch.get_num_threads()
        torch.set_num_threads(1)
        has_set.set()
        other_has_set.wait()
        counts.append(torch.get_num_threads())

    thread = threading.Thread(target=work)
    thread.start()
    has_set.wait()
    torch.set_num_threads(3)
    other_has_set.set()
    thread.join()
    return counts[0]


without, asking = count_of_a_thread(False), count_of_a_thread(True)
print(f"a thread that has set 1: {without} after another has set 3; {asking} where it had asked before it set")
assert (without, asking) == (3, 1), (without, asking)
PYTHON
