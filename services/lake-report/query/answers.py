"""The rows that a query gives, as plain values; and whether they fit the chart that is to be made of them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from query.report import Chart, Query
from texts import showable

#: The lines of one chart that can still be told apart.
MOST_LINES = 5
_LONGEST_TEXT = 300
#: What JSON's readers take for a whole number.
_LARGEST = 2**63 - 1

Value = str | int | float | date | datetime | time | None
Row = tuple[Value, ...]


@dataclass(frozen=True)
class Answer:
    """The rows of a query."""

    query: Query
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, name: str) -> list[Value]:
        """The values of one column."""
        at = self.columns.index(name)
        return [row[at] for row in self.rows]


def answer(query: Query, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Answer:
    """An answer of what DuckDB gave.

    Raises:
        DefinitionError: its columns or rows do not fit the chart.
    """
    given = Answer(query, tuple(map(showable, columns)), tuple(tuple(map(_plain, row)) for row in rows))
    _check_columns(given)
    _check_rows(given)
    return given


def _check_columns(answer: Answer) -> None:
    query, header = answer.query, answer.query.header
    repeated = sorted({name for name in answer.columns if answer.columns.count(name) > 1})
    if repeated:
        raise query.wrong(query.line, f"gives more than one column {', '.join(repeated)}: rename one with AS")
    for place, column in (header.named_columns | {f"columns.{name}": name for name in header.columns}).items():
        if column not in answer.columns:
            given = ", ".join(answer.columns)
            raise query.wrong(query.line_of(place), f"{place}: the SQL gives no column {column}; it gives: {given}")
    for key in (header.chart.measure or "", "reference"):
        name = header.named_columns.get(key)
        other = next((v for v in answer.column(name) if not isinstance(v, int | float | None)), None) if name else None
        if other is not None:
            raise query.wrong(query.line_of(key), f"{key}: the column {name} must be numbers, it has {other!r}")


def _check_rows(answer: Answer) -> None:
    query, chart = answer.query, answer.query.header.chart
    if chart is Chart.FIGURES and len(answer.rows) != 1:
        raise query.wrong(query.line, f"figures are made of one row; the SQL gives {len(answer.rows)}")
    if chart is Chart.PERIOD and not (
        [len(row) for row in answer.rows] == [2] and all(isinstance(value, date | None) for value in answer.rows[0])
    ):
        raise query.wrong(query.line, "a period is made of one row of two dates, the first and the last")
    if chart is Chart.LINES and query.header.series:
        lines = len(set(answer.column(query.header.series)))
        if lines > MOST_LINES:
            raise query.wrong(
                query.line_of("series"), f"{lines} lines are too many to tell apart; {MOST_LINES} are not"
            )


def _plain(value: Any) -> Value:
    """A value as the page can show it. What is no finite number is none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        value = int(value) if value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, int) and abs(value) > _LARGEST:
        value = float(value) if abs(value) < sys.float_info.max else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int | date | datetime | time) or value is None:
        return value
    text = showable(str(value)[: _LONGEST_TEXT + 1])
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
