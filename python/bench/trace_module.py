"""Traces a transformers model on the meta device, and measures it.

    python python/bench/trace_module.py CONFIG.json [--out FILE.json]

Prints one JSON object, and writes it to FILE.json: the graph's sizes, the seconds of building the module and of tracing
it, and the peak memory of the process, imports included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from pathlib import Path

import torch
import transformers

from logah.client import trace


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, help="a transformers config.json that names its class")
    parser.add_argument("--out", type=Path, help="where to write the result")
    arguments = parser.parse_args()

    config = transformers.AutoConfig.for_model(**json.loads(arguments.config.read_text()))
    start = time.perf_counter()
    with torch.device("meta"):
        module = getattr(transformers, config.architectures[0])(config)
    built = time.perf_counter()
    graph = trace(module)
    traced = time.perf_counter()
    result = {
        "network": arguments.config.parent.name,
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "tensors": len(graph.parameters),
        "nodes": len(graph.nodes),
        "buildSeconds": round(built - start, 2),
        "traceSeconds": round(traced - built, 2),
        # Kilobytes on Linux.
        "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "loadAverage": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "date": time.strftime("%Y-%m-%d"),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out is not None:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
