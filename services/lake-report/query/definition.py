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
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from errors import DefinitionError
from query.report import Column, Header, Query, Report, Shown, Strict, Text, line_of
from texts import unshowable

ROOT = Path(__file__).parents[1] / "reports"

_HEADER = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_BLANK_OR_COMMENT = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)

Model = TypeVar("Model", bound=BaseModel)


class _Page(Strict):
    title: Text
    text: Shown = ""


def load(name: str, root: Path = ROOT) -> Report:
    """The report of that name.

    Raises:
        DefinitionError: there is none, or one of its files is not as it must be.
    """
    known = sorted(path.parent.name for path in root.glob("*/report.toml"))
    if name not in known:
        raise DefinitionError.at(Path(root.name), 1, f"there is no report {name!r}; there are: {', '.join(known)}")
    directory = root / name
    page_file = directory / "report.toml"
    page = _parsed(_Page, _text(page_file, root), _shown(page_file, root))
    queries = tuple(_query(file, root) for file in sorted(directory.glob("*.sql")))
    report = Report(name, page.title, page.text, queries)
    _check(report, _shown(page_file, root))
    return report


def _check(report: Report, file: Path) -> None:
    if not any(query.header.chart.is_drawn for query in report.queries):
        raise DefinitionError.at(
            file, 1, "the report has no chart: one .sql file beside it must have bars, columns, ..."
        )
    mains = [query for query in report.queries if query.header.main]
    if len(mains) > 1:
        raise mains[1].wrong(mains[1].line_of("main"), f"main = true stands in {mains[0].file.name} already")


def _query(path: Path, root: Path) -> Query:
    file, source = _shown(path, root), _text(path, root)
    found = _HEADER.match(source)
    if not found:
        raise DefinitionError.at(file, 1, "must begin with /*, a header in TOML (title, chart, ...), and */")
    header = _parsed(Header, found[1], file)
    # DuckDB counts lines from the first word of the statement.
    begin = _end_of_blanks(source, found.end())
    sql = source[begin:]
    line = source.count("\n", 0, begin) + 1
    if not sql.strip():
        raise DefinitionError.at(file, line, "there is no SQL after the header")
    return Query(file, header, sql, line, source)


def _end_of_blanks(source: str, start: int) -> int:
    found = _BLANK_OR_COMMENT.match(source, start)
    return found.end() if found else start


def _parsed(model: type[Model], text: str, file: Path) -> Model:
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        reason, _, line = str(exc).partition(" (at line ")
        raise DefinitionError.at(file, int(line.split(",")[0]) if line else _last_line(text), reason) from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = _allowed(model, key) if first["type"] == "extra_forbidden" else first["msg"]
        reason = reason.removeprefix("Value error, ")
        raise DefinitionError.at(file, line_of(text, key), f"{key}: {reason}" if key else reason) from exc


def _allowed(model: type[BaseModel], key: str) -> str:
    fields = Column.model_fields if key.startswith("columns.") else model.model_fields
    return f"there is no such key; there are: {', '.join(fields)}"


def _last_line(text: str) -> int:
    return text.rstrip().count("\n") + 1


def _text(path: Path, root: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        line = path.read_bytes()[: exc.start].count(b"\n") + 1
        raise DefinitionError.at(_shown(path, root), line, "is not UTF-8") from exc
    if found := unshowable(text):
        at, reason = found
        raise DefinitionError.at(_shown(path, root), text.count("\n", 0, at) + 1, reason)
    return text


def _shown(path: Path, root: Path) -> Path:
    return path.relative_to(root.parent)
