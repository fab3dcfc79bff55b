"""SQLite as a source.

SQLite types values, not columns: a column declared INTEGER may hold text, and times are text. ADBC's driver settles on
types from the first rows it sees and fails when later ones differ. So the types are looked up first (`_schema`, one
scan) and every query begins with a row that makes the driver settle on them.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import adbc_driver_manager
import adbc_driver_sqlite.dbapi
import pyarrow as pa
from adbc_driver_manager.dbapi import Connection

from errors import SourceError
from source.relation import Part, Relation, Source, Value, Wanted, next_batch, quoted, quoted_text

BATCH_ROWS = 16_384
_QUERY_VIEW = "data-flows query"
_TIMESTAMP, _TIMESTAMP_UTC = pa.timestamp("us"), pa.timestamp("us", tz="UTC")
_LARGEST_EXACT_INTEGER = 2**53


@contextmanager
def open_sqlite(url: str) -> Iterator[Source]:
    """The database in a file."""
    path = Path(unquote(url.removeprefix("sqlite://").removeprefix("/").partition("?")[0])).absolute()
    name = f"sqlite://{path}"
    with read_only(path, name) as connection:
        yield SQLiteSource(connection, name)


@contextmanager
def read_only(path: Path, name: str) -> Iterator[Connection]:
    """A connection that cannot write; what the driver has to say meanwhile becomes a `SourceError` about `name`."""
    _check_readable(path)
    connection = None
    try:
        connection = adbc_driver_sqlite.dbapi.connect(f"file:{quote(str(path))}?mode=ro")
        yield connection
    except adbc_driver_manager.Error as exc:
        raise SourceError(f"{name} cannot be read: {' '.join(str(exc).split())}") from exc
    finally:
        if connection is not None:
            connection.close()


def _check_readable(path: Path) -> None:
    if not path.is_file():
        raise SourceError(
            f"there is no file {path}; SOURCE_URL must name a SQLite database as sqlite:////absolute/path"
        )
    if not os.access(path, os.R_OK):
        raise SourceError(f"no permission to read {path}")


class SQLiteSource(Source):
    """A SQLite database."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self.name = name

    def tables(self) -> list[str]:
        query = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'"
        return sorted(row["name"] for row in rows(self._connection, query))

    @contextmanager
    def open(self, wanted: Wanted, since: tuple[str, Value] | None = None) -> Iterator[Relation]:
        # ADBC holds a transaction open from the first read on: all that is read is of one state.
        try:
            if wanted.query is not None:
                view = quoted(_QUERY_VIEW)
                execute(self._connection, f"CREATE TEMP VIEW {view} AS SELECT * FROM (\n{wanted.query}\n)")
                yield SQLiteRelation(self._connection, _QUERY_VIEW, since)
            elif wanted.name not in self.tables():
                raise self.no_such_table(wanted.name)
            else:
                yield SQLiteRelation(self._connection, wanted.name, since)
        finally:
            self._connection.rollback()


class SQLiteRelation(Relation):
    """A table, a view or a query's temporary view."""

    def __init__(self, connection: Connection, table: str, since: tuple[str, Value] | None) -> None:
        self._connection = connection
        self._table = quoted(table)
        columns = f"SELECT name, type FROM pragma_table_xinfo({quoted_text(table)}) WHERE hidden <> 1"
        declared = {row["name"]: row["type"].upper() for row in rows(connection, columns)}
        if since and since[0] not in declared:
            raise SourceError(f"{table} has no column {since[0]}. It has: {', '.join(declared)}")
        where = Part(cursor=since[0], at_least=since[1]).where(_literal) if since else ""
        self.estimate = rows(connection, f"SELECT count(*) AS n FROM {self._table} {where}")[0]["n"]
        self._kinds = _kinds(connection, self._table, list(declared), where)
        self.schema = pa.schema(
            [
                (name, _type(_Column(connection, self._table, where, quoted(name)), declaration, self._kinds[name]))
                for name, declaration in declared.items()
            ]
        )

    def newest(self, cursor: str, at_least: Value | None) -> Value | None:
        where = Part(cursor, at_least=at_least).where(_literal)
        value = rows(self._connection, f"SELECT max({quoted(cursor)}) AS value FROM {self._table} {where}")[0]["value"]
        if isinstance(value, bytes):
            raise SourceError(f"the column {cursor} holds binary values, which have no order to copy by")
        newest: Value | None = value
        return newest

    def has_null(self, column: str) -> bool:
        query = f"SELECT EXISTS (SELECT 1 FROM {self._table} WHERE {quoted(column)} IS NULL) AS found"
        return bool(rows(self._connection, query)[0]["found"])

    def batches(self, part: Part) -> Generator[pa.RecordBatch]:
        values = ", ".join(self._expression(field) for field in self.schema)
        # Column numbers: every value has a place in SQLite's order, and equal rows may change places.
        order = f"ORDER BY {', '.join(str(i + 1) for i in range(len(self.schema)))}" if part.exactly is not None else ""
        settling = ", ".join(f"{_settling_value(field.type)} AS {quoted(field.name)}" for field in self.schema)
        wanted = f"SELECT {values} FROM {self._table} {part.where(_literal)} {order}"
        query = f"SELECT {settling} UNION ALL SELECT * FROM ({wanted})"
        first = True
        for batch in stream(self._connection, query):
            rest = batch.slice(1) if first else batch
            first = False
            if rest.num_rows:
                yield _converted(rest, self.schema)

    def _expression(self, field: pa.Field) -> str:
        name = quoted(field.name)
        if pa.types.is_floating(field.type) or "real" not in self._kinds[field.name]:
            return name
        # Among texts. The driver would show six digits of a float, and SQLite fifteen.
        text = f"CAST({name} AS TEXT)"
        exact = f"iif(CAST({text} AS REAL) = {name}, {text}, printf('%!.17g', {name}))"
        return f"iif(typeof({name}) = 'real', {exact}, {name})"


def stream(connection: Connection, query: str) -> Iterator[pa.RecordBatch]:
    """The batches of a query's result."""
    with connection.cursor(adbc_stmt_kwargs={"adbc.sqlite.query.batch_rows": str(BATCH_ROWS)}) as cursor:
        cursor.execute(query)
        reader = cursor.fetch_record_batch()
        while (batch := next_batch(reader)) is not None:
            yield batch


def rows(connection: Connection, query: str) -> list[dict[str, Any]]:
    """A small result."""
    return [row for batch in stream(connection, query) for row in batch.to_pylist()]


def execute(connection: Connection, statement: str) -> None:
    """A statement without a result."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _literal(value: Value) -> str:
    return quoted_text(value) if isinstance(value, str) else repr(value).replace("inf", "9e999")


def _settling_value(type_: pa.DataType) -> str:
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
        return "0"
    if pa.types.is_floating(type_):
        return "0.0"
    return "x'00'" if pa.types.is_binary(type_) else "'0'"


def _converted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        if pa.types.is_string(column.type):
            _check_text(column, field.name)
        columns.append(column.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _check_text(column: pa.Array, name: str) -> None:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as exc:
        raise SourceError(
            f"the column {name} holds text that is not UTF-8; copy it by a query that says CAST({quoted(name)} AS BLOB)"
        ) from exc


def _kinds(connection: Connection, table: str, names: list[str], where: str) -> dict[str, frozenset[str]]:
    """What kinds of values each column holds, null apart: integer, real, text, blob."""
    kinds = ", ".join(f"typeof({quoted(name)}) AS {quoted(name)}" for name in names)
    combinations = rows(connection, f"SELECT DISTINCT {kinds} FROM {table} {where}")
    return {name: frozenset(row[name] for row in combinations) - {"null"} for name in names}


def _type(column: _Column, declaration: str, found: frozenset[str]) -> pa.DataType:
    """The type for what a column holds, and then for what it is declared to hold."""
    if not found:
        return _declared_type(declaration)
    if found == {"integer"}:
        return pa.bool_() if "BOOL" in declaration and column.within(0, 1) else pa.int64()
    if found == {"real"}:
        return pa.float64()
    if found == {"integer", "real"}:
        # As text where a float would round.
        exact = column.within(-_LARGEST_EXACT_INTEGER, _LARGEST_EXACT_INTEGER)
        return pa.float64() if exact else pa.string()
    if found == {"text"}:
        return next((type_ for type_ in _times(declaration) if column.casts_to(type_)), pa.string())
    return pa.binary() if "blob" in found else pa.string()


def _times(declaration: str) -> tuple[pa.DataType, ...]:
    """What text in a column so declared is tried as."""
    if "TIMESTAMP" in declaration or "DATETIME" in declaration:
        return (_TIMESTAMP, _TIMESTAMP_UTC)
    return (pa.date32(), _TIMESTAMP, _TIMESTAMP_UTC) if "DATE" in declaration else ()


def _declared_type(declaration: str) -> pa.DataType:
    """For a column without any value: SQLite's own rules of affinity, and the names of types it has no values for."""
    if times := _times(declaration):
        return times[0]
    if "BOOL" in declaration:
        return pa.bool_()
    if "INT" in declaration:
        return pa.int64()
    if any(word in declaration for word in ("CHAR", "CLOB", "TEXT")):
        return pa.string()
    if any(word in declaration for word in ("REAL", "FLOA", "DOUB", "NUM", "DEC")):
        return pa.float64()
    return pa.binary() if "BLOB" in declaration else pa.string()


class _Column:
    """Questions about the values of one column."""

    def __init__(self, connection: Connection, table: str, where: str, name: str) -> None:
        self._connection = connection
        self._rows = f"(SELECT {name} AS value FROM {table} {where})"

    def within(self, low: int, high: int) -> bool:
        """Whether all integers lie between two values."""
        outside = f"typeof(value) = 'integer' AND (value < {low} OR value > {high})"
        query = f"SELECT EXISTS (SELECT 1 FROM {self._rows} WHERE {outside}) AS found"
        return not rows(self._connection, query)[0]["found"]

    def casts_to(self, type_: pa.DataType) -> bool:
        """Whether all texts are ISO 8601 of one kind: with or without a zone, dates or times."""
        query = f"SELECT '' AS value UNION ALL SELECT value FROM {self._rows} WHERE value IS NOT NULL"
        first = True
        for batch in stream(self._connection, query):
            texts = batch.column(0).slice(1) if first else batch.column(0)
            first = False
            try:
                texts.cast(type_)
            except pa.ArrowInvalid:
                return False
        return True
