"""Runs a report's SQL over tables of the lake.

Takes queries and the lake, gives answers: rows as plain values. A query reads the files that the tables' manifests name
and nothing else: DuckDB's access to files, networks, extensions and Python variables is off, and its settings are
locked. What does not fit into the memory that DuckDB counts goes to local disk; `child` bounds what it does not count.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import nanoarrow as na
import nanoarrow.ipc

from errors import LakeError, MissingTablesError, ReportError
from query.answers import Answer, answer
from query.files import LakeFiles
from query.lake import Lake, Manifest
from query.limits import DUCKDB_MEMORY, MEMORY, MOST_COLUMNS, MOST_ROWS, MOST_ROWS_OF_A_CHART, THREADS
from query.report import Query


def needed(queries: Iterable[Query], lake: Lake) -> list[Manifest]:
    """The current state of each table that the queries read.

    Raises:
        DefinitionError: a file does not hold just one SELECT.
        MissingTablesError: the lake lacks tables; all of them are named.
        LakeError: it cannot be read.
    """
    manifests: dict[str, Manifest] = {}
    missing: list[str] = []
    with duckdb.connect() as parser:
        for query in queries:
            tables, locals_ = _names(parser, query)
            for name in sorted(tables - set(manifests) - set(missing)):
                manifest = lake.current(name)
                if manifest:
                    manifests[name] = manifest
                elif name not in locals_:
                    missing.append(name)
    if missing:
        raise MissingTablesError.of(missing, lake.url, os.environ.get("DATA_FLOWS_ENVIRONMENT"))
    return list(manifests.values())


def tables_of(query: Query) -> set[str]:
    """The tables that a query names."""
    with duckdb.connect() as parser:
        return _names(parser, query)[0]


@contextmanager
def opened(lake: Lake, manifests: list[Manifest], spill: Path) -> Iterator[Engine]:
    """DuckDB with these tables, and a directory for what does not fit into its memory."""
    files = LakeFiles(lake, manifests)
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{DUCKDB_MEMORY}MB'; SET threads = {THREADS}; SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET temp_directory = $1", [str(spill)])
        connection.execute("SET parquet_metadata_cache = true")
        connection.register_filesystem(files)
        try:
            for manifest in manifests:
                _declare(connection, manifest, lake.url)
            _lock(connection, files.names)
            for manifest in manifests:
                _define(connection, manifest)
        except duckdb.Error as exc:
            raise files.failure or LakeError(f"a table of {lake.url} cannot be read: {_line(exc)}") from exc
        yield Engine(connection, files)


class Engine:
    """Answers queries."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: LakeFiles) -> None:
        self._connection, self._files = connection, files

    def answer(self, query: Query) -> Answer:
        """The rows of a query.

        Raises:
            DefinitionError: the SQL is wrong, takes too much memory, or gives what does not fit the chart.
            LakeError: a file cannot be read.
        """
        limit = MOST_ROWS.get(query.header.chart, MOST_ROWS_OF_A_CHART)
        try:
            result = self._connection.execute(query.sql)
            columns = tuple(str(column[0]) for column in result.description or ())
            if len(columns) > MOST_COLUMNS:
                raise query.wrong(query.line, f"gives {len(columns)} columns, more than {MOST_COLUMNS}")
            rows = result.fetchmany(limit + 1)
        except (duckdb.Error, MemoryError) as exc:
            raise self._explained(query, exc) from exc
        if len(rows) > limit:
            raise query.wrong(query.line, f"gives more than {limit} rows, too many to look at: aggregate, or add LIMIT")
        return answer(query, columns, rows)

    def _explained(self, query: Query, error: Exception) -> ReportError:
        # DuckDB wraps what the files raise.
        cause = self._files.failure or error
        if isinstance(cause, LakeError):
            return cause
        if isinstance(cause, MemoryError | duckdb.OutOfMemoryException):
            said = _line(cause).partition(" Possible solutions")[0]
            reason = f"takes more memory than the {MEMORY} MB that SQL may have: aggregate, or select less"
            return query.wrong(query.line, f"{reason} ({said or 'none is left'})")
        return _explained(query, error)


def _names(parser: duckdb.DuckDBPyConnection, query: Query) -> tuple[set[str], set[str]]:
    """The tables that a query reads, and those that it defines itself (WITH …)."""
    try:
        statements = parser.extract_statements(query.sql)
    except duckdb.Error as exc:
        raise _explained(query, exc) from exc
    kinds = [statement.type.name for statement in statements]
    if kinds != ["SELECT"]:
        raise query.wrong(query.line, f"must be one SELECT, not {' and '.join(kinds) or 'nothing'}")
    row = parser.execute("SELECT json_serialize_sql($1)", [query.sql]).fetchone()
    tree = json.loads(row[0]) if row else {}
    found = list(_walk(tree))
    return {name for kind, name in found if kind == "table"}, {name for kind, name in found if kind == "local"}


def _walk(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and node["schema_name"] in ("", "main"):
            yield "table", node["table_name"]
        if "cte_map" in node:
            yield from (("local", entry["key"]) for entry in node["cte_map"]["map"])
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _walk(part)


def _declare(connection: duckdb.DuckDBPyConnection, manifest: Manifest, lake: str) -> None:
    """An empty table with the columns that the manifest says, whichever of them its files have."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS columns_of")
    try:
        connection.register("columns_of_table", _no_rows(manifest.schema_message))
        connection.execute(f"CREATE TABLE columns_of.{_quoted(manifest.table)} AS FROM columns_of_table")
    except (duckdb.Error, RuntimeError, ValueError) as exc:
        table = f"the table {manifest.table} of the lake {lake}"
        raise LakeError(f"the columns of {table} cannot be read: {_line(exc)}") from exc
    connection.unregister("columns_of_table")


def _no_rows(schema_message: bytes) -> na.ArrayStream:
    schema = na.ArrayStream(nanoarrow.ipc.InputStream.from_readable(schema_message)).schema
    # Of decimals with more than 38 digits DuckDB has no type; it reads them from Parquet as floats.
    fields = {field.name: na.float64() if field.type == na.Type.DECIMAL256 else field for field in schema.fields}
    return na.ArrayStream(na.c_array_stream([], na.struct(fields)))


def _lock(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
    connection.execute("SET allowed_paths = $1", [list(files)])
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _define(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    table = _quoted(manifest.table)
    select = f"FROM columns_of.{table}"
    if manifest.files:
        files = ", ".join("'" + LakeFiles.name(file).replace("'", "''") + "'" for file in manifest.files)
        rows = f"FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
        select += f" UNION ALL BY NAME {rows}"
    connection.execute(f"CREATE VIEW {table} AS {select}")


def _explained(query: Query, error: Exception) -> ReportError:
    found = re.search(r"^LINE (\d+):", str(error), re.MULTILINE)
    line = query.line + (int(found[1]) - 1 if found else 0)
    return query.wrong(line, _line(error))


def _line(error: Exception) -> str:
    """DuckDB's message on one line, without its picture of the place."""
    return " ".join(re.split(r"\n+LINE \d+:", str(error))[0].split())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
