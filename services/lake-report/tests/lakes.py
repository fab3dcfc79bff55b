"""Lakes that the tests write."""

from __future__ import annotations

import base64
import io
import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import nanoarrow as na
import nanoarrow.ipc

#: Of lakes in S3.
BUCKET = "data-flows-test"


class WrittenLake:
    """A lake in a directory, written as database-to-lake writes it: files first, then a manifest that names them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = root.as_uri()

    def table(self, name: str, *selects: str, schema: str | None = None) -> None:
        """Makes a table's next state of the rows that these queries give, one file for each.

        The columns are those of the query `schema`, by default those of the last file.
        """
        directory = self.root / quote(name, safe=" ")
        files = []
        with duckdb.connect() as connection:
            for select in selects:
                path = f"{directory.name}/part-{uuid.uuid4().hex}.parquet"
                directory.mkdir(parents=True, exist_ok=True)
                target = str(self.root / path).replace("'", "''")
                connection.execute(f"COPY ({select}) TO '{target}' (FORMAT parquet)")
                [(rows,)] = connection.execute(f"SELECT count(*) FROM ({select})").fetchall()
                size = (self.root / path).stat().st_size
                files.append({"path": path, "partition": "", "sha256": "", "rows": rows, "bytes": size})
            buffer = io.BytesIO()
            with nanoarrow.ipc.StreamWriter.from_writable(buffer) as writer:
                writer.write_stream(na.c_array_stream(connection.sql(f"FROM ({schema or selects[-1]}) LIMIT 0")))
        manifests = directory / "_manifests"
        manifests.mkdir(parents=True, exist_ok=True)
        number = len(list(manifests.iterdir())) + 1
        manifest: dict[str, Any] = {
            "number": number,
            "table": name,
            "source": "sample:test",
            "created": "2026-01-02T03:04:05Z",
            "run": "a run",
            "arrow_schema": base64.b64encode(buffer.getvalue()).decode(),
            "partition": None,
            "cursor": None,
            "watermark": None,
            "files": files,
        }
        (manifests / f"{number:010}.json").write_text(json.dumps(manifest))


def flights(lake: WrittenLake, rows: int = 20_000) -> None:
    """Gives a lake the tables of the report `flights`, with made-up flights of 2013 by 15 airlines."""
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
