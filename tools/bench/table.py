"""PURE: figures as text. Tables are aligned, and Markdown at once."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are figures."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(row, widths) for row in (head, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    figures = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
    return f"| {' | '.join((first.ljust(widths[0]), *figures))} |"


def megabytes(size: float) -> str:
    """Bytes as megabytes of a million."""
    return f"{size / 1e6:,.0f}"


def seconds(value: float) -> str:
    """Seconds with as many digits as say something."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def percent(share: float) -> str:
    """A share of 1 as percent."""
    return f"{share:.0%}"


def times(value: float) -> str:
    """A ratio."""
    return f"{value:.2f} x" if value < 10 else f"{value:,.0f} x"
