"""Which networks of public model zoos are traced, planned and filled to the last parameter, and whether what is not
predicted starts as the network itself would start it.

    cd python && python -m bench.coverage measure ZOO --server HOST:PORT [--every N] [--first K] [--largest N]
                                              [--again] [--only NAME ...] [--out FILE.json]
    cd python && python -m bench.coverage report [FILE.json] [--out docs/coverage.md]

ZOO is transformers, timm or torchvision, whichever are installed. `measure` adds to FILE.json what it finds, a network
at a time, and leaves out what is there already; `report` writes the document. `--largest 0` plans on the meta device
and fills nothing, which is quick; `--again` measures those anew that were refused, and no
others, and leaves what is known of those with values; `--only` names networks. The largest type, of 1.7e12 parameters,
asks for a server with `--max-parameters 10000000000000`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import platform
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

import logah
from bench.coverage_report import document
from bench.zoo import ZOOS, Network
from logah.client import Client, trace
from logah.graph import ArchitectureGraph

RESULTS = Path(__file__).parents[2] / "bench" / "results" / "coverage.json"
DOCUMENT = Path(__file__).parents[2] / "docs" / "coverage.md"

#: Parameters up to which a network is filled, twice.
LARGEST = 60_000_000
#: For one network.
SECONDS = 900
#: Kolmogorov's statistic of two samples, times the root of half their size: exceeded once in three million.
FARTHEST = 2.8
SAMPLE = 20_000


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("zoo", choices=ZOOS)
    measuring.add_argument("--server", required=True)
    measuring.add_argument("--every", type=int, default=1, help="of so many networks, one")
    measuring.add_argument("--first", type=int, default=0, help="the number of the first one")
    measuring.add_argument(
        "--largest", type=int, default=LARGEST, help="parameters up to which a network is filled (default: %(default)s)"
    )
    measuring.add_argument("--only", nargs="+", default=(), metavar="NAME", help="these networks alone")
    measuring.add_argument("--again", action="store_true", help="measure what was refused before, and nothing else")
    measuring.add_argument("--out", type=Path, default=RESULTS)
    reporting = commands.add_parser("report")
    reporting.add_argument("results", type=Path, nargs="?", default=RESULTS)
    reporting.add_argument("--out", type=Path, default=DOCUMENT)
    arguments = parser.parse_args()
    if arguments.command == "report":
        arguments.out.write_text(document(json.loads(arguments.results.read_text())))
        return
    with logah.connect(arguments.server) as client:
        for network in ZOOS[arguments.zoo]()[arguments.first :: arguments.every]:
            results = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
            own = results.setdefault(arguments.zoo, {"networks": {}})
            before = own["networks"].get(network.name)
            was_refused = before is not None and ("meta" in before or "cpu" in before)
            if (not was_refused) if arguments.again else before is not None:
                continue
            if arguments.only and network.name not in arguments.only:
                continue
            start = time.perf_counter()
            result = measured(client, network, arguments.largest)
            if before is not None and arguments.largest == 0:
                result = {**{key: before[key] for key in ("cpu", "unlike") if key in before}, **result}
            own["networks"][network.name] = {**result, "seconds": round(time.perf_counter() - start, 1)}
            own["version"] = importlib.metadata.version(arguments.zoo)
            results["environment"] = {"python": platform.python_version(), "torch": torch.__version__}
            arguments.out.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
            print(network.name, json.dumps(result), flush=True)


def measured(client: Client, network: Network, largest: int) -> dict[str, Any]:
    """What becomes of one network: on the meta device, and with values where it has up to `largest` parameters."""
    result: dict[str, Any] = {}
    with _error(result, "notBuilt"), _limit():
        module = network.on_meta()
        result["class"] = type(module).__name__
        result["parameters"] = sum(parameter.numel() for parameter in module.parameters())
    if "notBuilt" in result:
        return result
    with _error(result, "meta"), _limit():
        graph = trace(module, _inputs(network, module))
        result["coverage"] = _planned(client, graph)
        if result["parameters"] <= largest:
            client.initialize(module, graph, seed=1)
            result["metaUnlike"] = _unlike_meta(network, module, client)
    if result["parameters"] <= largest:
        with _error(result, "cpu"), _limit():
            result["unlike"] = _unlike(client, network)
    return result


def _inputs(network: Network, module: nn.Module) -> tuple[Any, ...] | None:
    return None if network.inputs is None else network.inputs(module)


def _planned(client: Client, graph: ArchitectureGraph) -> dict[str, int]:
    """Elements by origin."""
    coverage = client.plan(graph).coverage
    return {
        "parameters": coverage.parameters,
        "predicted": coverage.predicted + coverage.tiled,
        "byRule": coverage.initialized,
        "kept": coverage.kept,
    }


def _unlike(client: Client, network: Network) -> list[str]:
    """The parameters that are not predicted and start in another way than the network's own."""
    torch.manual_seed(0)
    module = network.build()
    before = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    graph = trace(module, _inputs(network, module))
    plan = client.plan(graph)
    report = client.initialize(module, graph, seed=1)
    predicted = {tensor.name for tensor in plan.tensors if tensor.predicted_elements > 0} - set(report.kept_parameters)
    torch.manual_seed(1)
    other = dict(network.build().named_parameters())
    return [
        name
        for name, parameter in module.named_parameters()
        if name not in predicted and not is_alike(parameter.detach(), before[name], other[name].detach())
    ]


def _unlike_meta(network: Network, module: nn.Module, client: Client) -> list[str]:
    """The same of a network that had no values."""
    torch.manual_seed(0)
    first = dict(network.build().named_parameters())
    torch.manual_seed(1)
    second = dict(network.build().named_parameters())
    graph = trace(module, _inputs(network, module))
    predicted = {tensor.name for tensor in client.plan(graph).tensors if tensor.predicted_elements > 0}
    return [
        name
        for name, parameter in module.named_parameters()
        if name not in predicted and not is_alike(parameter.detach(), first[name].detach(), second[name].detach())
    ]


def is_alike(values: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> bool:
    """Whether values are those of the first seed, or differ from them no more than those of the second do."""
    if values.numel() == 0 or torch.equal(values, first):
        return True
    # Of a single number that is drawn, two seeds are as far apart as can be.
    return _distance(values, first) <= max(FARTHEST, 1.5 * _distance(first, second))


def _distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Kolmogorov's distance between two samples, times the root of half their size."""
    step = max(1, a.numel() // SAMPLE) | 1
    x, y = (tensor.flatten()[::step].double().sort().values for tensor in (a, b))
    both = torch.cat((x, y)).sort().values
    gap = (torch.searchsorted(x, both, right=True) - torch.searchsorted(y, both, right=True)).abs().max().item()
    # Of constants, of which there are few, any difference counts.
    is_fixed = bool((x == x[0]).all()) or bool((y == y[0]).all())
    return float("inf") if is_fixed and gap > 0 else gap / len(x) * (len(x) / 2) ** 0.5


@contextlib.contextmanager
def _error(result: dict[str, Any], key: str) -> Iterator[None]:
    """Notes the error of a step."""
    try:
        yield
    except Exception as error:
        text = str(error).strip().splitlines()
        result[key] = f"{type(error).__name__}: {text[0][:300] if text else ''}"


@contextlib.contextmanager
def _limit() -> Iterator[None]:
    """Raises TimeoutError where a step takes too long."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"more than {SECONDS} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


if __name__ == "__main__":
    main()
