"""A report as its files declare it, as frozen types. Reads no file, runs no SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from errors import DefinitionError
from texts import unshowable

_ROLES = ("x", "y", "value", "series", "reference")


def _showable(text: str) -> str:
    if found := unshowable(text):
        raise ValueError(found[1])
    return text


Shown = Annotated[str, AfterValidator(_showable)]
Text = Annotated[str, Field(min_length=1), AfterValidator(_showable)]


class Chart(Enum):
    """What is made of a SQL file's rows."""

    BARS = "bars"  # lying bars, x says how long
    COLUMNS = "columns"  # standing bars, y says how high
    LINES = "lines"  # y over x, a line for each value of `series`
    HEATMAP = "heatmap"  # a field for each x and y, `value` says its colour
    FIGURES = "figures"  # of the one row, each column as a large number
    TABLE = "table"
    PERIOD = "period"  # of the one row, the first and the last day that the report covers

    @property
    def roles(self) -> tuple[str, ...]:
        """The keys that must name a column."""
        return {Chart.HEATMAP: ("x", "y", "value")}.get(self, ("x", "y") if self.is_drawn else ())

    @property
    def measure(self) -> str | None:
        """The key whose column must be numbers."""
        return {Chart.BARS: "x", Chart.COLUMNS: "y", Chart.LINES: "y", Chart.HEATMAP: "value"}.get(self)

    @property
    def is_drawn(self) -> bool:
        return self in (Chart.BARS, Chart.COLUMNS, Chart.LINES, Chart.HEATMAP)


class Strict(BaseModel):
    """What stands in a file: unknown keys and other types are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Column(Strict):
    """How a column of the result is shown."""

    label: Shown = ""
    unit: Shown = ""
    #: After the decimal point.
    digits: int | None = Field(default=None, ge=0, le=6)
    #: Where the axis ends at least, for charts that are to be compared.
    max: float | None = Field(default=None, gt=0)


class Header(Strict):
    """What the comment at the beginning of a SQL file says."""

    title: Text
    text: Shown = ""
    chart: Annotated[Chart, Field(strict=False)]
    section: Shown = ""
    width: Literal["full", "half", "third"] = "full"
    main: bool = False
    x: Text | None = None
    y: Text | None = None
    value: Text | None = None
    series: Text | None = None
    reference: Text | None = Field(
        default=None, description="a column whose value is drawn as a line across bars and columns"
    )
    columns: dict[Shown, Column] = {}

    @model_validator(mode="after")
    def _roles_fit_the_chart(self) -> Self:
        optional = {Chart.LINES: ("series",), Chart.BARS: ("reference",), Chart.COLUMNS: ("reference",)}
        for role in _ROLES:
            given = getattr(self, role) is not None
            if role in self.chart.roles and not given:
                raise ValueError(f"a chart of {self.chart.value} needs {role}, the name of a column")
            if given and role not in (*self.chart.roles, *optional.get(self.chart, ())):
                raise ValueError(f"a chart of {self.chart.value} has no {role}")
        if self.main and not self.chart.is_drawn:
            raise ValueError("main is for a chart that is drawn: bars, columns, lines or heatmap")
        return self

    @property
    def named_columns(self) -> dict[str, str]:
        """Each role in the chart, with the name of the column that has it."""
        return {role: name for role in _ROLES if (name := getattr(self, role)) is not None}

    def column(self, name: str) -> Column:
        """How a column is shown; as it comes where nothing is said about it."""
        return self.columns.get(name) or Column()


@dataclass(frozen=True)
class Query:
    """One SQL file."""

    file: Path
    header: Header
    sql: str
    #: The line on which the SQL begins, counted from 1.
    line: int
    source: str

    @property
    def name(self) -> str:
        return self.file.stem

    def line_of(self, key: str) -> int:
        """The line on which the header gives a key."""
        return line_of(self.source, key)

    def wrong(self, line: int, reason: str) -> DefinitionError:
        """An error at a line of this file."""
        return DefinitionError.at(self.file, line, reason)


@dataclass(frozen=True)
class Report:
    """A report: what its page says at the top, and its parts in their order."""

    name: str
    title: str
    text: str
    queries: tuple[Query, ...]

    @property
    def main(self) -> Query:
        """The chart that stands for the report: the one with `main = true`, else the first."""
        drawn = [query for query in self.queries if query.header.chart.is_drawn]
        return next((query for query in drawn if query.header.main), drawn[0])


def line_of(text: str, key: str) -> int:
    """The line that gives a key; that of the header's first key where it cannot be told."""
    names = key.split(".")
    for name in reversed(names):
        found = re.search(rf"""^[ \t]*["']?{re.escape(name)}["']?[ \t]*=""", text, re.MULTILINE)
        if found:
            return text.count("\n", 0, found.start()) + 1
    return 1
