"""Times the ways into a PyTorch module beside each other, in one run, and writes a result file.

    python python/bench/into_module.py OUT.json [--rounds 3] [--config CONFIG.json]

Needs the built service (`npm run build`) and a quiet machine. GPT-2-Large (774 million parameters, float32) unless
another configuration is given; a LoGAH-Tiny of rank 32 with random weights answers over loopback. The module has its
memory already, but for transformers' own start, which makes it. The plain PyTorch prediction has a process of its own,
and so have Llama-7B, one rank of 512 of Llama-3.1-405B (`large_modules.py`), and NumPy (`without_torch.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from make_model import LANGUAGE_NAME, LANGUAGE_TINY, write_model
from measuring import ROOT, cpu_seconds, peak_bytes, reset_peak, served, spread
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig

import logah
from logah.export.bundle import BundleDescription

GPT2_LARGE = {
    "architectures": ["GPT2LMHeadModel"],
    "model_type": "gpt2",
    "n_embd": 1280,
    "n_head": 20,
    "n_layer": 36,
    "n_positions": 1024,
    "vocab_size": 50257,
}
#: What large_modules.py fills.
NETWORKS = ("llama-7b", "llama-405b-rank")


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


def own_process(script: str, *arguments: str) -> Any:
    """What another script of this folder prints, in a process that ends then: memory comes fresh, and is given back."""
    command = [sys.executable, str(ROOT / "python/bench" / script), *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def large_rounds(network: str, address: str, pid: int, rounds: int) -> dict[str, object]:
    """`large_modules.py` in rounds; the server has the cores of the network from the second on."""
    ran, server = [], []
    for _ in range(rounds):
        used = cpu_seconds(pid)
        ran.append(own_process("large_modules.py", network, address))
        server.append(cpu_seconds(pid) - used)
    figures: dict[str, object] = {
        name: spread([run[name] for run in ran])
        if name.endswith("Seconds") or name == "seconds"
        else max(run[name] for run in ran)
        for name in ran[0]
    }
    return {**figures, "serverCpuSeconds": spread(server)}


def on_meta(settings: PretrainedConfig) -> nn.Module:
    """A module without memory: what fills it has the system clear each page first."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(settings)


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
    parser.add_argument("--without-large", action="store_true", help="leave out the networks that need 14 GB of memory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        config = work / "config.json"
        config.write_text(json.dumps(GPT2_LARGE) if arguments.config is None else arguments.config.read_text())
        about = BundleDescription(LANGUAGE_NAME, "LoGAH-Tiny with random weights", families=("gpt2", "llama"))
        write_model(work, LANGUAGE_TINY, about)
        with served(work / "models") as (address, pid):
            networks = () if arguments.without_large else NETWORKS
            figures = measured(arguments.rounds, work, config, address, pid, networks)
            arguments.out.write_text(json.dumps(figures, indent=2) + "\n")


def measured(
    rounds: int, work: Path, config: Path, address: str, pid: int, networks: tuple[str, ...]
) -> dict[str, object]:
    """All figures of a run."""
    client = logah.connect(address)
    ways = way_rounds(client, rounds, AutoConfig.from_pretrained(work), pid)
    # By now the memory of the modules has been given back.
    naive = naive_seconds(work, config, rounds)
    numpy = own_process("without_torch.py", str(config), address, "--rounds", str(rounds))
    large = {name: large_rounds(name, address, pid, rounds) for name in networks}
    plan = client.plan(config, representation="core")
    return {
        "parameters": plan.coverage.parameters,
        "rounds": rounds,
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "bytes": {"core": plan.total_bytes, "dense": client.plan(config).total_bytes},
        **ways,
        "seconds": {**ways["seconds"], "naive": spread(naive)},
        "withoutTorchSeconds": {name: spread(values) for name, values in numpy.items()},
        "large": large,
        "serverPeakBytes": peak_bytes(pid),
    }


def way_rounds(client: logah.Client, rounds: int, settings: PretrainedConfig, pid: int) -> dict[str, Any]:
    """Each way into a module of this configuration, once a round."""
    small = AutoConfig.for_model("gpt2", n_embd=64, n_layer=2, n_head=4, vocab_size=100, n_positions=32)
    client.initialize(AutoModelForCausalLM.from_config(small))
    module = AutoModelForCausalLM.from_config(settings)
    # What a way finds in the module decides what it keeps: each begins with transformers' own start.
    own = {name: value.clone() for name, value in module.state_dict().items()}
    ways: dict[str, Callable[[int], object]] = {
        "transformersStart": lambda seed: AutoModelForCausalLM.from_config(settings),
        "auto": lambda seed: client.initialize(module, seed=seed),
        "autoAgain": lambda seed: client.initialize(module, seed=seed),
        "autoFromMeta": lambda seed: client.initialize(on_meta(settings), seed=seed),
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
    return {
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "serverCpuSeconds": {name: spread(values) for name, values in server.items()},
        "verifySeconds": spread(verify),
        "clientBytesBeyondModule": beyond,
    }


if __name__ == "__main__":
    main()
