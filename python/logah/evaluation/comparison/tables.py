"""The tables of the report, in Markdown with aligned columns."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence

from logah.evaluation.comparison.bars import CLOSED_FORMS, MEASURES, Measured, is_reached
from logah.evaluation.comparison.results import Network, Results

NONE = ""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Aligned, the first column to the left and the rest to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(header))]

    def joined(line: Sequence[str]) -> str:
        cells = [cell.rjust(w) if n else cell.ljust(w) for n, (cell, w) in enumerate(zip(line, widths, strict=True))]
        return f"| {' | '.join(cells)} |"

    rule = ["-" * w if n == 0 else "-" * (w - 1) + ":" for n, w in enumerate(widths)]
    return "\n".join([joined(lines[0]), f"| {' | '.join(rule)} |", *map(joined, lines[1:])])


def by_network(
    results: Results, groups: Sequence[str], cell: Callable[[Network, str], str], labels: Sequence[str] | None = None
) -> str | None:
    """A row a network and a column an initialisation; columns without a cell are left out, None if all are."""
    networks = results.networks(groups)
    columns = {label: [cell(network, label) for network in networks] for label in labels or results.labels}
    columns = {label: cells for label, cells in columns.items() if any(cells)}
    if not columns:
        return None
    rows = [
        [f"{network.group}: {network.name}", f"{network.parameters:,}", *(cells[n] for cells in columns.values())]
        for n, network in enumerate(networks)
        if any(cells[n] for cells in columns.values())
    ]
    return table(["network", "parameters", *columns], rows)


def zero_shot_table(results: Results, groups: Sequence[str]) -> str | None:
    """Before any training, on the whole test split."""

    def cell(network: Network, label: str) -> str:
        record = results.untrained(network, label)
        return NONE if record is None else _number(results.value(record["zero_shot"]))

    return by_network(results, groups, cell)


def trained_table(results: Results, groups: Sequence[str], epochs: float) -> str | None:
    """After training: mean and standard deviation over seeds, and how many there are."""

    def cell(network: Network, label: str) -> str:
        values = list(results.finals(network, label, epochs).values())
        if not values:
            return NONE
        mean = _number(statistics.fmean(values))
        finite = len(values) > 1 and all(map(math.isfinite, values))
        return f"{mean} ± {statistics.stdev(values):.1f} ({len(values)})" if finite else f"{mean} ({len(values)})"

    return by_network(results, groups, cell)


def share_table(results: Results, groups: Sequence[str], share: Callable[[Network, str], float | None]) -> str | None:
    """Shares of default's budget."""

    def cell(network: Network, label: str) -> str:
        value = share(network, label)
        return NONE if value is None else "never" if math.isinf(value) else f"{value:.2f}"

    return by_network(results, groups, cell, [label for label in results.labels if label != "compute"])


def diversity_table(results: Results, groups: Sequence[str]) -> str | None:
    """Mean absolute cosines."""

    def cell(network: Network, label: str) -> str:
        record = results.untrained(network, label)
        return NONE if record is None else f"{record['mean_absolute_cosine']:.3f}"

    return by_network(results, groups, cell)


def closed_forms_table(results: Results, groups: Sequence[str]) -> str | None:
    """The candidate against each closed form after one epoch, over the seeds that both have."""
    rows = []
    for network in results.networks(groups):
        pairs = [results.paired(network, results.candidate, form, 1) for form in CLOSED_FORMS]
        found = [pair for pair in pairs if pair is not None]
        if len(found) == len(pairs):
            both = all(results.metric.better(*pair) for pair in found)
            values = [f"{_number(mine)} : {_number(other)}" for mine, other in found]
            rows.append([f"{network.group}: {network.name}", *values, "yes" if both else "**no**"])
    return table(["network", *(f"against {form}" for form in CLOSED_FORMS), "better than both"], rows) if rows else None


def tally_table(results: Results, groups: Sequence[str]) -> str | None:
    """On how many networks the candidate's mean is better and worse than each other's, by budget."""
    others = [label for label in results.labels if label != results.candidate]
    rows = []
    for epochs in results.budgets:
        cells = []
        for other in others:
            found = (results.paired(n, results.candidate, other, epochs) for n in results.networks(groups))
            pairs = [pair for pair in found if pair is not None]
            better = sum(results.metric.better(*pair) for pair in pairs)
            worse = sum(results.metric.better(other_mean, mine) for mine, other_mean in pairs)
            cells.append(f"{better} : {worse}" if pairs else NONE)
        if any(cells):
            rows.append([f"{epochs:g}", *cells])
    return table(["epochs", *others], rows) if rows else None


def rate_table(results: Results) -> str | None:
    """The learning rates that the tries chose; one at an end of those that were tried may not be the best."""
    keys = [(group, epochs) for group in results.plan["groups"] for epochs in results.budgets]
    runs = {(r["group"], r["epochs"], r["initialisation"]): r for r in results.of_kind("run")}

    def cell(group: str, epochs: float, label: str) -> str:
        run = runs.get((group, epochs, label))
        return NONE if run is None else f"{run['learning_rate']:g}" + ("*" if results.has_rate_at_end(run) else "")

    rows = [[group, f"{epochs:g}", *(cell(group, epochs, label) for label in results.labels)] for group, epochs in keys]
    rows = [row for row in rows if any(row[2:])]
    return table(["group", "epochs", *results.labels], rows) if rows else None


def bars_table(results: Results) -> str:
    """Each bar with what was measured, reached or missed."""
    rows = []
    for bar in results.plan["bars"]:
        measure = MEASURES[bar["measure"]]
        wanted = f"at most {bar['at_most']:g}" if bar["at_most"] is not None else f"at least {bar['at_least']:g}"
        measured = measure(results, results.networks([bar["group"]]))
        sentence = (measure.__doc__ or "").split("\n")[0].rstrip(".")
        verdict = "not measured" if measured is None else "reached" if is_reached(bar, measured) else "**missed**"
        rows.append([f"{bar['group']}: {sentence}", wanted, _measured(measured), verdict])
    return table(["bar", "wanted", "measured", ""], rows)


def _measured(measured: Measured | None) -> str:
    if measured is None:
        return NONE
    if measured.failed:
        return f"never on {measured.failed} of {measured.count} networks"
    return f"{measured.value:.2f} on {measured.count} network" + ("" if measured.count == 1 else "s")


def _number(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "diverged"
