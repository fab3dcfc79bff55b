"""Writes lakes with database-to-lake itself: `lakes` starts this in that service's environment, once for all tests.

    python lake_writer.py services/database-to-lake

Takes requests as lines of JSON, and answers each with one line, {"error": TEXT} where it cannot be done:

    {"source": URL, "lake": URL, "table": NAME, "cursor": NAME or null, "reset": BOOLEAN}
        copies a table as the flow does, less Prefect; gives {"number": of the table's state}
    {"statements": [SQL, ...]}
        runs them in a new database of a PostgreSQL server of its own; gives {"url": of the database},
        or {"url": null} where PostgreSQL's programs are not on this machine
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any


class Writer:
    """Answers requests until there are no more."""

    def __init__(self, service: Path, until_the_end: ExitStack) -> None:
        sys.path[:0] = [str(service), str(service / "tests")]
        # By their names: what checks this file's types has another environment, and does not see that service.
        import_module("allocator")  # before all that loads pyarrow, as the flow does
        self._load, self._store = import_module("load"), import_module("lake.store")
        self._open, self._relation = import_module("source.open"), import_module("source.relation")
        self._until_the_end = until_the_end
        self._server: str | None = None
        self._databases = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if "statements" in request:
            return {"url": self.database(request["statements"])}
        return {"number": self.copy(**request)}

    def copy(self, source: str, lake: str, table: str, cursor: str | None, *, reset: bool) -> int:
        """Copies a table, and gives the number of its state in the lake."""
        wanted = self._load.Request(self._relation.Wanted(table), cursor=cursor, reset=reset)
        with self._open.open_source(source) as opened:
            outcome = self._load.load(opened, self._store.Store(lake), wanted)
        return int(outcome.manifest.number)

    def database(self, statements: Sequence[str]) -> str | None:
        """The URL of a new database, after these statements."""
        postgres = import_module("postgres_server")
        if not postgres.postgres_program("initdb"):
            return None
        if self._server is None:
            self._server = str(self._until_the_end.enter_context(postgres.running_postgres({"fsync": "off"})))
        self._databases += 1
        url = f"{self._server}/source{self._databases}"
        self._execute(f"{self._server}/postgres", [f"CREATE DATABASE source{self._databases}"])
        self._execute(url, statements)
        return url

    def _execute(self, url: str, statements: Sequence[str]) -> None:
        driver = import_module("adbc_driver_postgresql.dbapi")
        with driver.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def main(service: Path) -> None:
    """Answers line by line."""
    with ExitStack() as until_the_end:
        writer = Writer(service, until_the_end)
        for line in sys.stdin:
            try:
                answer = writer.answer(json.loads(line))
            except Exception as exc:
                answer = {"error": f"{type(exc).__name__}: {exc}"}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
