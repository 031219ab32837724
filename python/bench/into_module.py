"""Times the ways into a PyTorch module beside each other, in one run, and writes a result file.

    python python/bench/into_module.py OUT.json [--rounds 3] [--config CONFIG.json]

Needs the built service (`npm run build`) and a quiet machine. GPT-2-Large (774 million parameters, float32) unless
another configuration is given; a LoGAH-Tiny of rank 32 with random weights answers over loopback. The module has its
memory already, but for transformers' own start, which makes it. The plain PyTorch prediction has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from make_model import LANGUAGE_NAME, LANGUAGE_TINY, write_model
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

import logah
from logah.export.bundle import BundleDescription

ROOT = Path(__file__).parents[2]
GPT2_LARGE = {
    "architectures": ["GPT2LMHeadModel"],
    "model_type": "gpt2",
    "n_embd": 1280,
    "n_head": 20,
    "n_layer": 36,
    "n_positions": 1024,
    "vocab_size": 50257,
}


@contextmanager
def served(models: Path) -> Iterator[tuple[str, int]]:
    """The address and the process number of a server of its own."""
    command = ["node", str(ROOT / "dist/cli/main.js"), "serve", "--address", "127.0.0.1:0", "--models", str(models)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        for line in server.stdout:
            entry = json.loads(line)
            if entry["msg"] == "listening":
                break
        # Its log must not fill the pipe.
        subprocess.Popen(["cat"], stdin=server.stdout, stdout=subprocess.DEVNULL)
        yield f"127.0.0.1:{entry['port']}", server.pid
    finally:
        server.terminate()
        server.wait()


def cpu_seconds(pid: int) -> float:
    """Of a process and its threads, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_bytes(pid: int | str = "self") -> int:
    """The largest resident memory of a process so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def reset_peak() -> int:
    """Begins the count of the largest resident memory anew; what is resident now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def naive_seconds(work: Path, config: Path, rounds: int) -> list[float]:
    """The plain PyTorch prediction of the same network by the same hypernetwork."""
    graph = work / "graph.json"
    shown = subprocess.run(
        ["node", str(ROOT / "dist/cli/main.js"), "graph", str(config)], check=True, capture_output=True, text=True
    )
    graph.write_text(shown.stdout)
    command = [sys.executable, str(ROOT / "python/bench/naive_predict.py"), str(work / "checkpoint.pt"), str(graph)]
    report = subprocess.run([*command, "--repeats", str(rounds)], check=True, capture_output=True, text=True)
    seconds: list[float] = json.loads(report.stdout)["seconds"]
    return seconds


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def drawn(module: nn.Module) -> None:
    """PyTorch's normal numbers in every parameter."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 0.02)


def cleared(module: nn.Module) -> None:
    """Zeros in every parameter."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()


def main() -> None:
    """Measures in rounds, each way once a round."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--config", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        config = work / "config.json"
        config.write_text(json.dumps(GPT2_LARGE) if arguments.config is None else arguments.config.read_text())
        about = BundleDescription(LANGUAGE_NAME, "LoGAH-Tiny with random weights", families=("gpt2", "llama"))
        write_model(work, LANGUAGE_TINY, about)
        with served(work / "models") as (address, pid):
            arguments.out.write_text(
                json.dumps(measured(arguments.rounds, work, config, address, pid), indent=2) + "\n"
            )


def measured(rounds: int, work: Path, config: Path, address: str, pid: int) -> dict[str, object]:
    """All figures of a run."""
    settings = AutoConfig.from_pretrained(work)
    client = logah.connect(address)
    small = AutoConfig.for_model("gpt2", n_embd=64, n_layer=2, n_head=4, vocab_size=100, n_positions=32)
    client.initialize(AutoModelForCausalLM.from_config(small))
    module = AutoModelForCausalLM.from_config(settings)
    # What a way finds in the module decides what it keeps: each begins with transformers' own start.
    own = {name: value.clone() for name, value in module.state_dict().items()}
    before = client.initialize(module, representation="core")
    ways: dict[str, Callable[[int], object]] = {
        "transformersStart": lambda seed: AutoModelForCausalLM.from_config(settings),
        "auto": lambda seed: client.initialize(module, seed=seed),
        "autoAgain": lambda seed: client.initialize(module, seed=seed),
        "factors": lambda seed: client.initialize(module, seed=seed, representation="factors"),
        "dense": lambda seed: client.initialize(module, seed=seed, representation="dense"),
        "normal": lambda seed: drawn(module),
        "zero": lambda seed: cleared(module),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    server: dict[str, list[float]] = {name: [] for name in ways}
    beyond = 0
    verify = []
    for round_number in range(1, rounds + 1):
        for name, way in ways.items():
            module.load_state_dict(own)
            held, used = reset_peak(), cpu_seconds(pid)
            start = time.perf_counter()
            # A seed of its own each round: the server has the cores of no earlier one.
            answer = way(round_number)
            seconds[name].append(time.perf_counter() - start)
            server[name].append(cpu_seconds(pid) - used)
            if name == "auto":
                beyond = max(beyond, peak_bytes() - held)
                start = time.perf_counter()
                answer.verify()  # type: ignore[attr-defined]
                verify.append(time.perf_counter() - start)
            del answer
    naive = naive_seconds(work, config, rounds)
    plan = client.plan(config, representation="core")
    return {
        "parameters": before.predicted + before.tiled + before.initialized,
        "rounds": rounds,
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "bytes": {"core": plan.total_bytes, "dense": client.plan(config).total_bytes},
        "seconds": {**{name: spread(values) for name, values in seconds.items()}, "naive": spread(naive)},
        "serverCpuSeconds": {name: spread(values) for name, values in server.items()},
        "verifySeconds": spread(verify),
        "clientBytesBeyondModule": beyond,
        "serverPeakBytes": peak_bytes(pid),
    }


if __name__ == "__main__":
    main()
