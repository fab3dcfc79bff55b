"""A report as its directory declares it: `report.toml`, and a SQL file for each of its parts.

Takes `reports/<name>/`, gives a `Report`, or raises `DefinitionError` with file and line. Runs no SQL.

A SQL file begins with a comment that is TOML:

    /*
    title = "Late departures by airline"
    chart = "bars"
    x = "late"
    y = "airline"

    [columns]
    late = { label = "Late departures", unit = "%", digits = 1 }
    */
    SELECT ...
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from errors import DefinitionError

ROOT = Path(__file__).parent / "reports"

_HEADER = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_BLANK_OR_COMMENT = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)

_ROLES = ("x", "y", "value", "series", "reference")
Text = Annotated[str, Field(min_length=1)]
Model = TypeVar("Model", bound=BaseModel)


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


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Column(_Strict):
    """How a column of the result is shown."""

    label: str = ""
    unit: str = ""
    #: After the decimal point.
    digits: int | None = Field(default=None, ge=0, le=6)
    #: Where the axis ends at least, for charts that are to be compared.
    max: float | None = Field(default=None, gt=0)


class Header(_Strict):
    """What the comment at the beginning of a SQL file says."""

    title: Text
    text: str = ""
    chart: Annotated[Chart, Field(strict=False)]
    section: str = ""
    width: Literal["full", "half", "third"] = "full"
    main: bool = False
    x: Text | None = None
    y: Text | None = None
    value: Text | None = None
    series: Text | None = None
    reference: Text | None = Field(
        default=None, description="a column whose value is drawn as a line across bars and columns"
    )
    columns: dict[str, Column] = {}

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
        return _line_of(self.source, key)

    def wrong(self, line: int, reason: str) -> DefinitionError:
        """An error at a line of this file."""
        return DefinitionError(self.file, line, reason)


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


class _Page(_Strict):
    title: Text
    text: str = ""


def load(name: str, root: Path = ROOT) -> Report:
    """The report of that name.

    Raises:
        DefinitionError: there is none, or one of its files is not as it must be.
    """
    known = sorted(path.parent.name for path in root.glob("*/report.toml"))
    if name not in known:
        raise DefinitionError(Path(root.name), 1, f"there is no report {name!r}; there are: {', '.join(known)}")
    directory = root / name
    page_file = directory / "report.toml"
    page = _parsed(_Page, _text(page_file, root), _shown(page_file, root))
    queries = tuple(_query(file, root) for file in sorted(directory.glob("*.sql")))
    report = Report(name, page.title, page.text, queries)
    _check(report, _shown(page_file, root))
    return report


def _check(report: Report, file: Path) -> None:
    if not any(query.header.chart.is_drawn for query in report.queries):
        raise DefinitionError(file, 1, "the report has no chart: one .sql file beside it must have bars, columns, ...")
    mains = [query for query in report.queries if query.header.main]
    if len(mains) > 1:
        raise mains[1].wrong(mains[1].line_of("main"), f"main = true stands in {mains[0].file.name} already")


def _query(path: Path, root: Path) -> Query:
    file, source = _shown(path, root), _text(path, root)
    found = _HEADER.match(source)
    if not found:
        raise DefinitionError(file, 1, "must begin with /*, a header in TOML (title, chart, ...), and */")
    header = _parsed(Header, found[1], file)
    # DuckDB counts lines from the first word of the statement.
    begin = _end_of_blanks(source, found.end())
    sql = source[begin:]
    line = source.count("\n", 0, begin) + 1
    if not sql.strip():
        raise DefinitionError(file, line, "there is no SQL after the header")
    return Query(file, header, sql, line, source)


def _end_of_blanks(source: str, start: int) -> int:
    found = _BLANK_OR_COMMENT.match(source, start)
    return found.end() if found else start


def _parsed(model: type[Model], text: str, file: Path) -> Model:
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        reason, _, line = str(exc).partition(" (at line ")
        raise DefinitionError(file, int(line.split(",")[0]) if line else _last_line(text), reason) from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = _allowed(model, key) if first["type"] == "extra_forbidden" else first["msg"]
        reason = reason.removeprefix("Value error, ")
        raise DefinitionError(file, _line_of(text, key), f"{key}: {reason}" if key else reason) from exc


def _allowed(model: type[BaseModel], key: str) -> str:
    fields = Column.model_fields if key.startswith("columns.") else model.model_fields
    return f"there is no such key; there are: {', '.join(fields)}"


def _line_of(text: str, key: str) -> int:
    """The line that gives a key; that of the header's first key where it cannot be told."""
    names = key.split(".")
    for name in reversed(names):
        found = re.search(rf"""^[ \t]*["']?{re.escape(name)}["']?[ \t]*=""", text, re.MULTILINE)
        if found:
            return text.count("\n", 0, found.start()) + 1
    return 1


def _last_line(text: str) -> int:
    return text.rstrip().count("\n") + 1


def _text(path: Path, root: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        line = path.read_bytes()[: exc.start].count(b"\n") + 1
        raise DefinitionError(_shown(path, root), line, "is not UTF-8") from exc


def _shown(path: Path, root: Path) -> Path:
    return path.relative_to(root.parent)
