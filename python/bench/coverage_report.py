"""The document of what `coverage.py` measured."""

from __future__ import annotations

from collections import Counter
from typing import Any

_TITLES = {
    "transformers": "transformers, a class of every type",
    "timm": "timm, a sample",
    "torchvision": "torchvision, a network of every family",
}


def document(results: dict[str, Any]) -> str:
    """Markdown."""
    zoos = [zoo for zoo in _TITLES if zoo in results]
    lines = [
        "# Coverage of model zoos",
        "",
        "Written by `python/bench/coverage.py` from [the results](../bench/results/coverage.json). Networks are those",
        "of their libraries' default configurations; transformers' have two layers. Most of those of up to 30 million",
        "parameters (of timm and torchvision 60 million) are filled, on the meta device and with values, and every",
        "parameter that is not predicted is compared with the module's own start under two seeds (Kolmogorov's test,",
        "one false alarm in three million); others are planned alone, by a server that takes 10^13 parameters.",
        "Defaults that make a network which transformers cannot run are mended (`zoo.py`).",
        "Where constructors alone say how networks start (timm, torchvision), `logah.client.on_meta` makes them.",
        "",
        "| | " + " | ".join(f"{zoo} {results[zoo]['version']}" for zoo in zoos) + " |",
        "| --- |" + " ---: |" * len(zoos),
    ]
    columns = [_summary(results[zoo]["networks"]) for zoo in zoos]
    lines += [f"| {row} | " + " | ".join(column[row] for column in columns) + " |" for row in columns[0]]
    for zoo in zoos:
        lines += ["", f"## {_TITLES[zoo]}", ""]
        lines += _table(results[zoo]["networks"])
    return "\n".join(lines) + "\n"


def _summary(networks: dict[str, Any]) -> dict[str, str]:
    built = [result for result in networks.values() if "notBuilt" not in result]
    meta = [result for result in built if "meta" not in result]
    small = [result for result in built if "unlike" in result or "cpu" in result]
    filled = [result for result in small if "cpu" not in result]
    checked_meta = [result for result in meta if "metaUnlike" in result]
    shares = sorted(_share(result, "predicted") for result in meta)
    return {
        "networks": str(len(networks)),
        "built on the meta device": str(len(built)),
        "of these planned, meta device": _of(len(meta), len(built)),
        "of the small ones filled with values": _of(len(filled), len(small)),
        "median share predicted": f"{shares[len(shares) // 2]:.0%}" if shares else "",
        "with a parameter unlike its own start, values": str(sum(bool(result["unlike"]) for result in filled)),
        "the same, meta device": str(sum(bool(result["metaUnlike"]) for result in checked_meta)),
    }


def _of(count: int, whole: int) -> str:
    return f"{count} of {whole} ({count / whole:.1%})" if whole else "0"


def _share(result: dict[str, Any], origin: str) -> float:
    coverage = result["coverage"]
    return float(coverage[origin] / max(1, coverage["parameters"]))


def _table(networks: dict[str, Any]) -> list[str]:
    planned = {name: result for name, result in networks.items() if "coverage" in result}
    lines = ["| Network | Parameters | Predicted | By rule | Kept |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, result in planned.items():
        shares = " | ".join(f"{_share(result, origin):.1%}" for origin in ("predicted", "byRule", "kept"))
        lines.append(f"| {name} | {result['parameters']:,} | {shares} |")
    unlike = {
        name: [*result.get("unlike", ()), *result.get("metaUnlike", ())]
        for name, result in planned.items()
        if result.get("unlike") or result.get("metaUnlike")
    }
    if unlike:
        lines += ["", "Unlike the module's own start:", ""]
        lines += [f"- {name}: {', '.join(f'`{each}`' for each in names[:5])}" for name, names in unlike.items()]
    refused = {
        name: reason
        for name, result in networks.items()
        if (reason := result.get("meta") or result.get("cpu")) is not None
    }
    if refused:
        lines += ["", "Refused:", ""]
        lines += [f"- {name}: {_escaped(reason)}" for name, reason in refused.items()]
    missing = Counter(result["notBuilt"].split(":")[0] for result in networks.values() if "notBuilt" in result)
    if missing:
        reasons = ", ".join(f"{count} {kind}" for kind, count in missing.most_common())
        lines += ["", f"Not built from their default configuration: {reasons}."]
    return lines


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<").replace("*", "\\*").replace("_", "\\_")
