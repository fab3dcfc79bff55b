"""Lakes for tests, which database-to-lake writes: nothing here knows how a lake is laid out."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

#: Of lakes in S3.
BUCKET = "data-flows-test"

_REPOSITORY = Path(__file__).parents[3]
_SERVICE = _REPOSITORY / "services" / "database-to-lake"
#: DuckDB's types as SQLite's columns are declared, and how a value of each becomes one that SQLite has.
_DECLARED = {
    "BOOLEAN": ("BOOLEAN", "{}"),
    "INTEGER": ("INTEGER", "{}"),
    "BIGINT": ("INTEGER", "{}"),
    "DOUBLE": ("REAL", "{}"),
    "VARCHAR": ("TEXT", "{}"),
    "BLOB": ("BLOB", "{}"),
    "DATE": ("DATE", "{}::VARCHAR"),
    "TIMESTAMP": ("TIMESTAMP", "{}::VARCHAR"),
    "TIMESTAMP WITH TIME ZONE": ("TIMESTAMP", "strftime(make_timestamp(epoch_us({})), '%Y-%m-%dT%H:%M:%S.%fZ')"),
}


class Writer:
    """The process in which database-to-lake writes."""

    def __init__(self, process: subprocess.Popen[str], home: Path) -> None:
        self._process, self._home = process, home

    def ask(self, **request: Any) -> Any:
        """What `lake_writer` answers."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer

    def flights(self, rows: int) -> Path:
        """A lake with so many flights, written once for all tests."""
        made = self._home / str(rows) / "lake"
        if not made.exists():
            made.mkdir(parents=True)
            _write_flights(CopiedLake(made, self), rows)
        return made


@contextmanager
def running_writer(home: Path) -> Iterator[Writer]:
    """database-to-lake in its own environment, which is made first where it is missing or old."""
    make = [str(_REPOSITORY / ".venv" / "bin" / "python"), "-m", "tools", "test", _SERVICE.name, "--", "--version"]
    subprocess.run(make, cwd=_REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    command = [str(_SERVICE / ".venv" / "bin" / "python"), str(Path(__file__).with_name("lake_writer.py"))]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, str(_SERVICE)], stdin=pipe, stdout=pipe, text=True, cwd=home) as process:
        yield Writer(process, home)


class CopiedLake:
    """A lake in a directory, whose tables database-to-lake copies there from a SQLite database."""

    def __init__(self, root: Path, writer: Writer) -> None:
        self.root, self.url = root, root.as_uri()
        self._writer, self._database = writer, root.with_name("source.db")

    def table(self, name: str, select: str) -> None:
        """Makes the rows of a query in DuckDB's SQL a table's next state."""
        with duckdb.connect() as connection:
            relation = connection.sql(select)
            kinds = zip(relation.columns, relation.types, strict=True)
            columns = [(f'"{column}"', *_DECLARED[str(kind)]) for column, kind in kinds]
            values = ", ".join(value.format(column) for column, _, value in columns)
            rows = connection.sql(f"SELECT {values} FROM ({select})").fetchall()
        quoted = '"' + name.replace('"', '""') + '"'
        places = ", ".join("?" for _ in columns)
        self.execute(f"DROP TABLE IF EXISTS {quoted}")
        self.execute(f"CREATE TABLE {quoted} ({', '.join(f'{column} {declared}' for column, declared, _ in columns)})")
        self.execute(f"INSERT INTO {quoted} VALUES ({places})", rows)
        self.copy(name, reset=True)

    def execute(self, statement: str, rows: list[tuple[Any, ...]] | None = None) -> None:
        """Runs a statement in the SQLite database, for each of these rows where there are such."""
        with closing(sqlite3.connect(self._database)) as connection, connection:
            connection.execute(statement) if rows is None else connection.executemany(statement, rows)

    def copy(self, name: str, *, cursor: str | None = None, reset: bool = False, source: str | None = None) -> int:
        """Copies a table of the database, and gives the number of its state."""
        source = source or f"sqlite:///{self._database}"
        request = {"source": source, "lake": self.url, "table": name, "cursor": cursor, "reset": reset}
        return int(self._writer.ask(**request)["number"])

    def files(self, name: str) -> list[Path]:
        """The data files that lie there for a table."""
        return sorted((self.root / name).rglob("*.parquet"))

    def flights(self, rows: int = 20_000) -> None:
        """Gives it the tables of the report `flights`, with made-up flights of 2013 by 15 airlines."""
        if any(self.root.iterdir()):
            _write_flights(self, rows)
        else:
            shutil.copytree(self._writer.flights(rows), self.root, dirs_exist_ok=True)


def _write_flights(lake: CopiedLake, rows: int) -> None:
    lake.table(
        "flights",
        f"""SELECT 2013 AS year, (1 + i % 12)::int AS month, (1 + i % 28)::int AS day,
            CASE WHEN i % 41 > 0 THEN 600 END AS dep_time,
            CASE WHEN i % 41 > 0 THEN (i * 7 % (30 + i % 13)) - 10 END::double AS dep_delay,
            'C' || (i * i % 97 % 15) AS carrier, ['EWR', 'JFK', 'LGA'][1 + i % 3] AS origin,
            make_timestamptz(2013, (1 + i % 12)::int, (1 + i % 28)::int, i % 24, 0, 0, 'UTC') AS time_hour
            FROM range({rows}) AS _(i)""",
    )
    lake.table(
        "airlines", "SELECT 'C' || i AS carrier, 'Airline number ' || i || ' Inc.' AS name FROM range(14) AS _(i)"
    )
    lake.table(
        "weather",
        """SELECT DISTINCT year, month, day, origin, time_hour, (hash(time_hour) % 40)::double AS wind_speed,
            (hash(time_hour, 1) % 11)::double AS visib, (hash(time_hour, 2) % 5 / 15)::double AS precip
            FROM (SELECT 2013 AS year, (1 + i % 12)::int AS month, (1 + i % 28)::int AS day,
                ['EWR', 'JFK', 'LGA'][1 + i % 3] AS origin,
                make_timestamptz(2013, (1 + i % 12)::int, (1 + i % 28)::int, i % 24, 0, 0, 'UTC') AS time_hour
                FROM range(20000) AS _(i))""",
    )
