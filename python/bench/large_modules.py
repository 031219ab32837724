"""Fills a module of billions of parameters from the meta device, in a process of its own, and prints figures.

    python python/bench/large_modules.py {llama-7b,llama-405b-rank} HOST:PORT

Both are in bfloat16. Of Llama-3.1-405B one rank of 512 fills its part under `fully_shard`, with a process group that is
fake, since no rank talks to another. Beside it, `zero_` on as many parameters: on memory that was never touched, as
that of the module is, and once more on the same memory, which has its pages by then.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch
from measuring import peak_bytes, reset_peak
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from transformers import AutoConfig, AutoModelForCausalLM

import logah

CONFIGS: dict[str, dict[str, Any]] = {
    "llama-7b": {
        "model_type": "llama",
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "vocab_size": 32000,
    },
    "llama-405b-rank": {
        "model_type": "llama",
        "hidden_size": 16384,
        "intermediate_size": 53248,
        "num_hidden_layers": 126,
        "num_attention_heads": 128,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
    },
}
RANK, RANKS = 5, 512


def held(module: nn.Module) -> list[Tensor]:
    """What this process holds of each parameter."""
    parameters = [parameter.detach() for parameter in module.parameters()]
    return [value.to_local() if isinstance(value, DTensor) else value for value in parameters]


def sharded(module: nn.Module) -> None:
    """FSDP2 over a fake process group."""
    from torch.distributed import init_process_group
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.testing._internal.distributed.fake_pg import FakeStore

    init_process_group("fake", rank=RANK, world_size=RANKS, store=FakeStore())
    mesh = init_device_mesh("cpu", (RANKS,))
    for layer in module.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(module, mesh=mesh)


def zeroed(module: nn.Module) -> dict[str, float]:
    """Seconds of `zero_` on tensors like the module's: on memory as the system gives it, and again."""
    figures = {}
    memory: list[Tensor] = []
    for name in ("zeroFresh", "zeroAgain"):
        start, cpu = time.perf_counter(), time.process_time()
        memory = memory or [torch.empty_like(value, device="cpu") for value in held(module)]
        for value in memory:
            value.zero_()
        figures[f"{name}Seconds"] = time.perf_counter() - start
        figures[f"{name}CpuSeconds"] = time.process_time() - cpu
    return figures


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("network", choices=sorted(CONFIGS))
    parser.add_argument("server")
    arguments = parser.parse_args()
    given = dict(CONFIGS[arguments.network])
    settings = AutoConfig.for_model(given.pop("model_type"), **given)

    def made() -> nn.Module:
        with torch.device("meta"):
            module = AutoModelForCausalLM.from_config(settings, dtype=torch.bfloat16)
        if arguments.network == "llama-405b-rank":
            sharded(module)
        return module

    module = made()
    zero = zeroed(module)
    with logah.connect(arguments.server) as client:
        # Loads what every later call has: torch's threads, gRPC, the model's last layer. Nothing of this network.
        with torch.device("cpu"):
            small = AutoConfig.for_model("llama", hidden_size=64, intermediate_size=128, num_hidden_layers=1)
            small.update({"num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 128})
            client.initialize(AutoModelForCausalLM.from_config(small))
        before = reset_peak()
        start, cpu = time.perf_counter(), time.process_time()
        report = client.initialize(module, seed=1)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        size = sum(value.nbytes for value in held(module))
        beyond = peak_bytes() - before - size
        start = time.perf_counter()
        report.verify()
        verify = time.perf_counter() - start
        plan = client.plan(settings, representation="core")
    figures = {
        "parameters": plan.coverage.parameters,
        "heldBytes": size,
        "sentBytes": plan.total_bytes,
        "seconds": seconds,
        "clientCpuSeconds": cpu,
        "clientBytesBeyondModule": max(0, beyond),
        "verifySeconds": verify,
        **zero,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
