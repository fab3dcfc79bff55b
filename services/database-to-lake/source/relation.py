"""What a database offers, whichever it is.

A `Source` gives the names of its tables and of each, or of a query, a `Relation`: one unchanging snapshot, its Arrow
schema and its rows as record batches. Nothing of it ever changes anything in a source. Beside them stands what all
databases share: which part of a relation is meant, how SQL quotes, how a driver's result is read.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pyarrow as pa

from errors import SourceError

#: A value of the cursor column as the manifest keeps it: what the source itself gives, as number or text.
Value = int | float | str


@dataclass(frozen=True)
class Wanted:
    """What to copy: a table of the source, or the rows of a query."""

    name: str
    query: str | None = None


@dataclass(frozen=True)
class Part:
    """Which rows of a relation, by their value in the cursor column; all by default."""

    cursor: str | None = None
    at_least: Value | None = None
    above: Value | None = None
    below: Value | None = None
    exactly: Value | None = None

    def where(self, literal: Callable[[Value], str]) -> str:
        """The part as SQL condition."""
        if self.cursor is None:
            return ""
        bounds = {">=": self.at_least, ">": self.above, "<": self.below, "=": self.exactly}
        column = quoted(self.cursor)
        conditions = [f"{column} {sign} {literal(value)}" for sign, value in bounds.items() if value is not None]
        return f"WHERE {' AND '.join(conditions)}" if conditions else ""


class Relation(ABC):
    """One table or query as it was at one moment."""

    schema: pa.Schema
    #: About how many rows it holds, for showing progress only.
    estimate: int

    @abstractmethod
    def newest(self, cursor: str, at_least: Value | None) -> Value | None:
        """The highest value of a column, None where it has none (or none from `at_least` on)."""

    @abstractmethod
    def has_null(self, column: str) -> bool:
        """Whether any row lacks a value in a column."""

    @abstractmethod
    def batches(self, part: Part) -> Generator[pa.RecordBatch]:
        """The rows of a part, in `schema`. With `exactly`, the same rows always come in the same order."""


class Source(ABC):
    """A database that can be read."""

    #: Names the database without secrets: two runs that show the same name read the same rows.
    name: str

    @abstractmethod
    def tables(self) -> list[str]:
        """The names of tables and views, as `Wanted.name` takes them."""

    @abstractmethod
    def open(self, wanted: Wanted, since: tuple[str, Value] | None = None) -> AbstractContextManager[Relation]:
        """A snapshot; only rows from `since` (column and value) on will be asked for. It ends with the context."""

    def default_cursor(self, table: str) -> str | None:
        """The column that tells new rows from old ones, where the source itself knows one."""
        return None

    def no_such_table(self, table: str) -> SourceError:
        names = self.tables()
        near = difflib.get_close_matches(table, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        shown = ", ".join(names[:50]) + (f" and {len(names) - 50} more" if len(names) > 50 else "")
        return SourceError(f"{self.name} has no table {table}{hint} It has: {shown or 'no table at all'}")


def next_batch(reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
    """The next batch, None at the end. What the driver finds out only when it reads on, Arrow reports."""
    try:
        return next(reader, None)
    except (pa.ArrowException, OSError) as exc:
        raise SourceError(f"reading from the source failed: {' '.join(str(exc).split())}") from exc


def quoted(name: str) -> str:
    """A name as SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quoted_text(value: str) -> str:
    """A text as SQL literal."""
    return "'" + value.replace("'", "''") + "'"
