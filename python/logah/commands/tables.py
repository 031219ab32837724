"""Numbers and tables for people: decimal units, English grouping."""

from __future__ import annotations

from collections.abc import Sequence


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of text under a title line, two spaces apart; a title that ends in `>` has its column to the right."""
    titles = [title.rstrip(">") for title in columns]
    widths = [max(len(line[index]) for line in (titles, *rows)) for index in range(len(columns))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if title.endswith(">") else cell.ljust(width)
            for title, cell, width in zip(columns, line, widths, strict=True)
        ).rstrip()
        for line in (titles, *rows)
    )


def in_bytes(count: float) -> str:
    """346270112 -> "346.3 MB" (1 MB = 10^6 bytes)."""
    for unit in ("B", "kB", "MB", "GB"):
        # 999.95 would be shown as 1000.0.
        if count < 999.95:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def number_of(count: int, noun: str) -> str:
    """ "1 tensor", "2 tensors"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
