"""Answers as tables of texts that people read. Takes an answer, gives heads and rows; formats no HTML."""

from __future__ import annotations

from dataclasses import dataclass

from charts.values import NONE, axis_title, bare
from query.answers import Answer, Value
from query.report import Column

#: Characters of a text that is not broken into lines.
_SHORT = 24


@dataclass(frozen=True)
class Table:
    """Heads, the kind of each column (`number`, `short` or `long` texts), and rows of as many texts."""

    heads: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table(answer: Answer) -> Table:
    """An answer as it came."""
    columns = [answer.query.header.column(name) for name in answer.columns]
    return Table(
        tuple(map(axis_title, answer.columns, columns)),
        tuple(_kind(answer.column(name)) for name in answer.columns),
        tuple(tuple(map(bare, row, columns)) for row in answer.rows),
    )


def crossed(answer: Answer) -> Table:
    """A heatmap's answer: a row for each y, a column for each x."""
    names = answer.query.header.named_columns
    column = {role: answer.query.header.column(name) for role, name in names.items()}
    across, down, values = (_texts(answer, names[role], column[role]) for role in ("x", "y", "value"))
    cells = {(y, x): value for x, y, value in zip(across, down, values, strict=True)}
    heads = tuple(dict.fromkeys(across))
    return Table(
        (axis_title(names["y"], column["y"]), *heads),
        ("short", *("number" for _ in heads)),
        tuple((y, *(cells.get((y, x), NONE) for x in heads)) for y in dict.fromkeys(down)),
    )


def _texts(answer: Answer, name: str, column: Column) -> list[str]:
    return [bare(value, column) for value in answer.column(name)]


def _kind(values: list[Value]) -> str:
    if all(isinstance(value, int | float | None) for value in values):
        return "number"
    return "short" if max(len(str(value)) for value in values) <= _SHORT else "long"
