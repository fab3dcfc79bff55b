"""PostgreSQL as a source: COPY in binary form, straight into Arrow.

Types that Arrow or Parquet has not are read as text, and `numeric` with a precision as decimal; the driver alone would
give the bytes of PostgreSQL's own binary form for some.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_manager.dbapi import Connection  # the drivers' own; PostgreSQL's brings no types

from errors import SourceError, scrubbed, without_secrets
from source.relation import Part, Relation, Source, Value, Wanted, next_batch, quoted, quoted_text

BATCH_BYTES = 4 * 1024 * 1024
_CONNECT_SECONDS = 15

_NUMBERS = {"int2", "int4", "int8", "float4", "float8"}
_TIMES = {"date", "time", "timestamp", "timestamptz"}
#: What the driver gives as the Arrow type that a person would expect.
_PLAIN = _NUMBERS | _TIMES | {"bool", "text", "varchar", "bpchar", "name", "char", "bytea"}
#: What has an order in which newer values come later, and reads back from its text as it was.
_CURSORS = _NUMBERS | _TIMES | {"numeric", "text", "varchar", "name", "uuid"}
#: What the driver makes of an infinite time or date: any value below these, in microseconds and in days.
_INFINITE = {64: -9_222_000_000_000_000_000, 32: -2_147_470_000}
_SESSION = """
SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = 1;
SET synchronize_seqscans = off
"""
_TABLES = """
SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END AS name,
       n.nspname::text AS schema, c.relname::text AS relation
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY 1
"""


@contextmanager
def open_postgres(url: str) -> Iterator[Source]:
    """The database at a libpq URL."""
    name = without_secrets(url)
    try:
        with adbc_driver_postgresql.dbapi.connect(_with_timeout(url), autocommit=True) as connection:
            for statement in _SESSION.split(";"):
                execute(connection, statement)
            yield PostgresSource(connection, name)
    except adbc_driver_manager.Error as exc:
        raise SourceError(f"{name} cannot be read: {scrubbed(str(exc), url)}") from exc


def _with_timeout(url: str) -> str:
    if "connect_timeout=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}connect_timeout={_CONNECT_SECONDS}"


class PostgresSource(Source):
    """A PostgreSQL database, as one user sees it."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self.name = name

    def tables(self) -> list[str]:
        return [row["name"] for row in rows(self._connection, _TABLES)]

    @contextmanager
    def open(self, wanted: Wanted, since: tuple[str, Value] | None = None) -> Iterator[Relation]:
        execute(self._connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            origin = f"(\n{wanted.query}\n)" if wanted.query is not None else self._qualified(wanted.name)
            yield PostgresRelation(self._connection, wanted.name, origin, since)
        finally:
            execute(self._connection, "ROLLBACK")

    def _qualified(self, table: str) -> str:
        found = rows(self._connection, _TABLES)
        match = [row for row in found if table in (row["name"], f"{row['schema']}.{row['relation']}")]
        if not match:
            raise self.no_such_table(table)
        return f"{quoted(match[0]['schema'])}.{quoted(match[0]['relation'])}"


class PostgresRelation(Relation):
    """A table, a view or a query."""

    def __init__(
        self,
        connection: Connection,
        name: str,
        origin: str,
        since: tuple[str, Value] | None,
    ) -> None:
        self._connection, self._name, self._origin = connection, name, origin
        with connection.cursor() as cursor:
            found = cursor.adbc_execute_schema(f"SELECT * FROM {origin} AS q")
        columns = [_Column(field) for field in found]
        self._columns = {column.name: column for column in columns}
        if len(self._columns) < len(columns):
            raise SourceError(f"{name} has columns of the same name: {', '.join(found.names)}; give each its own")
        self._read_as_text([column for column in columns if column.kind.startswith("_")])
        self.schema = pa.schema([(column.name, column.type) for column in columns])
        self.estimate = self._planned_rows(Part(since[0], at_least=since[1]) if since else Part())

    def newest(self, cursor: str, at_least: Value | None) -> Value | None:
        part = Part(cursor, at_least=at_least)
        query = f"SELECT max({quoted(cursor)})::text AS value FROM {self._origin} AS q {self._where(part)}"
        value: str | None = rows(self._connection, query)[0]["value"]
        return value

    def has_null(self, column: str) -> bool:
        query = f"SELECT EXISTS (SELECT FROM {self._origin} AS q WHERE {quoted(column)} IS NULL) AS found"
        return bool(rows(self._connection, query)[0]["found"])

    def batches(self, part: Part) -> Generator[pa.RecordBatch]:
        names = ", ".join(column.expression for column in self._columns.values())
        # Not every type has an order, but every one has a text.
        order = "ORDER BY q::text" if part.exactly is not None else ""
        query = f"SELECT {names} FROM {self._origin} AS q {self._where(part)} {order}"
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
            cursor.execute(query)
            reader = cursor.fetch_record_batch()
            while (batch := next_batch(reader)) is not None:
                yield self._converted(batch)

    def _where(self, part: Part) -> str:
        if part.cursor is None:
            return ""
        column = self._columns.get(part.cursor)
        if column is None:
            raise SourceError(f"{self._name} has no column {part.cursor}. It has: {', '.join(self._columns)}")
        if column.kind not in _CURSORS:
            raise SourceError(f"{part.cursor} is of type {column.kind}, which cannot tell new rows from old ones")
        return part.where(lambda value: f"{quoted_text(str(value))}::{column.kind}")

    def _planned_rows(self, part: Part) -> int:
        # The plan knows about how many rows there are, without counting them.
        plan = rows(self._connection, f"EXPLAIN SELECT FROM {self._origin} AS q {self._where(part)}")
        return int(str(plan[0]["QUERY PLAN"]).partition("rows=")[2].partition(" ")[0])

    def _read_as_text(self, arrays: list[_Column]) -> None:
        """Arrays of several dimensions, of which the driver gives the elements only."""
        if not arrays:
            return
        deep = ", ".join(f"coalesce(max(array_ndims({quoted(column.name)})), 0) > 1" for column in arrays)
        found = rows(self._connection, f"SELECT ARRAY[{deep}] AS deep FROM {self._origin} AS q")[0]["deep"]
        for column, is_deep in zip(arrays, found, strict=True):
            if is_deep:
                column.read_as_text()

    def _converted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = []
        for array, column in zip(batch.columns, self._columns.values(), strict=True):
            storage = array.storage if isinstance(array, pa.ExtensionArray) else array
            self._check_finite(storage, column)
            try:
                arrays.append(storage.cast(column.type))
            except pa.ArrowInvalid as exc:
                raise SourceError(
                    f"{self._name}.{column.name} holds a value that {column.type} cannot hold ({exc}); "
                    f"copy it with a query that says {quoted(column.name)}::text"
                ) from exc
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _check_finite(self, array: pa.Array, column: _Column) -> None:
        if not pa.types.is_date(array.type) and not pa.types.is_timestamp(array.type):
            return
        width = array.type.bit_width
        least = pc.min(array.cast(pa.int64() if width == 64 else pa.int32())).as_py()
        if least is not None and least < _INFINITE[width]:
            raise SourceError(
                f"{self._name}.{column.name} holds an infinite {column.kind}, which Parquet cannot hold; copy it by a "
                f"query that says nullif({quoted(column.name)}, 'infinity') or {quoted(column.name)}::text"
            )


class _Column:
    """How one column is read."""

    def __init__(self, field: pa.Field) -> None:
        metadata = field.metadata or {}
        self.name: str = field.name
        self.kind = metadata.get(b"POSTGRESQL:type", b"").decode()
        self.expression = quoted(self.name)
        decimal = _decimal(int(metadata.get(b"POSTGRESQL:typmod", b"-1"))) if self.kind == "numeric" else None
        if decimal:
            self.type = decimal
        elif self.kind in _PLAIN or self.kind.removeprefix("_") in _PLAIN:
            self.type = pa.list_(field.type.value_type) if self.kind.startswith("_") else field.type
        else:
            self.read_as_text()

    def read_as_text(self) -> None:
        """As PostgreSQL writes it."""
        self.type = pa.string()
        self.expression = f"{quoted(self.name)}::text AS {quoted(self.name)}"


def _decimal(typmod: int) -> pa.DataType | None:
    """The type of numeric(precision, scale), None where it has none or one that Arrow has not."""
    if typmod < 4:
        return None
    precision, scale = (typmod - 4) >> 16, (typmod - 4) & 0x7FF
    if not 0 <= scale <= precision <= 76:
        return None
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def rows(connection: Connection, query: str) -> list[dict[str, Any]]:
    """A small result, of a statement that COPY may not know."""
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
        cursor.execute(query)
        found: list[dict[str, Any]] = cursor.fetch_arrow_table().to_pylist()
        return found


def execute(connection: Connection, statement: str) -> None:
    """A statement without a result."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
