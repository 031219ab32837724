"""Exports a fixed set of networks with every exporter that is installed, and compares what a server makes of the files.

    cd python && python -m bench.exporters HOST:PORT [--only PART ...]

PART is rows (the fixed set), configurations or packages; without one, all are measured, and what is not stays in the
result file as it was. Needs torch, transformers, onnx and onnxscript, for packages those of `bench.shipped_onnx`;
keras, jax2onnx with flax, skl2onnx, onnxslim, onnxsim and onnxruntime are used where they are installed. Each matrix of
a file is found in the module by its values, and what is predicted for it is compared with what is predicted for the
module's own parameter from a trace.
"""

from __future__ import annotations

import argparse
import json
import logging
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.config_and_onnx import configuration_section, measure_configurations
from bench.exporter_rows import measure_exporters
from bench.exporting import version
from bench.shipped_onnx import PACKAGES, measure_shipped, shipped_section

RESULTS = Path(__file__).parents[2] / "bench" / "results" / "exporters.json"
DOCUMENT = Path(__file__).parents[2] / "docs" / "exporters.md"

_PACKAGES = (
    "torch",
    "transformers",
    "onnx",
    "onnxscript",
    "onnxslim",
    "onnxsim",
    "onnxruntime",
    "keras",
    "jax2onnx",
    "skl2onnx",
    *PACKAGES,
)


def report(result: Mapping[str, Any]) -> str:
    """The document of a result file."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items() if version)
    lines = [
        "# What exporters make of a network",
        "",
        "`python/bench/exporters.py` exports a fixed set of networks, whose parameters all differ, with each exporter",
        "that is installed, and compares what the service plans and predicts for the file with what it predicts for",
        "the module from a trace. Written from `bench/results/exporters.json`; with",
        f"{versions}.",
        "",
        "| Network | Exporter | Parameters: module / plan | Tensors: parameters + constants of all | Names kept "
        "| Matrices compared | Largest ratio of deviations | Largest difference |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["rows"]:
        if row["refused"]:
            lines.append(f"| {row['network']} | {row['exporter']} | {row['refused']} | | | | | |")
            continue
        matrices = row["matrices"] or "-"
        figures = [f"{row['deviation_ratio']:.4f}", f"{row['difference']:.1e}"] if row["matrices"] else ["-", "-"]
        own = f"{row['module_parameters']:,}" if row["module_parameters"] else "-"
        names = row["names_kept"] if row["module_parameters"] else "-"
        lines.append(
            f"| {row['network']} | {row['exporter']} | {own} / {row['plan_parameters']:,} "
            f"| {row['planned']} + {row['constants']} of {row['tensors']} | {names} | {matrices} | "
            + " | ".join(figures)
            + " |"
        )
    lines += [
        "",
        "A matrix is found in the module by its values, so those that an exporter has computed anew (a batch norm that",
        "is folded into a convolution) are not compared; nor is what is drawn at random, which goes by a tensor name.",
        "A network whose norms were folded away is another graph, whose matrices differ from the trace's. Projections",
        "of query, key and value that onnxsim has joined are read as the three layers that they were.",
        "",
        *configuration_section(result["configurations"]),
        *shipped_section(result["packages"]),
    ]
    return "\n".join(lines)


_PARTS: dict[str, Callable[[str], Iterable[Any]]] = {
    "rows": measure_exporters,
    "configurations": measure_configurations,
    "packages": measure_shipped,
}


def main() -> None:
    """Measures, and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=list(_PARTS), metavar="PART")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    result = json.loads(RESULTS.read_text())
    for part in given.only:
        result[part] = [asdict(row) for row in _PARTS[part](given.address)]
    # Of a part that is not measured here, the versions that it was measured with.
    result["versions"] = {name: version(name) or result["versions"].get(name, "") for name in _PACKAGES}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    DOCUMENT.write_text(report(result))


if __name__ == "__main__":
    main()
