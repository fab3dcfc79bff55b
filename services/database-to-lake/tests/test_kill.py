"""A run killed at any moment leaves the lake as it was, or done; run again, all is as if it had not been killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from databases import Database
from lake.store import Store
from lake.table import Table

Run = Callable[..., dict[str, Any]]
Rows = Counter[tuple[Any, ...]]

CHANGES = [
    "INSERT INTO t VALUES (4, '2020-02-01', 'late'), (5, '2020-02-02', 'new'), (6, '2020-03-03', 'newest')",
    "UPDATE t SET note = 'changed' WHERE id = 1",
]


@contextmanager
def loader() -> Iterator[Run]:
    """Loads, each in a process of its own."""
    program = [sys.executable, str(Path(__file__).with_name("dying.py"))]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def command(**values: Any) -> dict[str, Any]:
            stdin.write(json.dumps(values) + "\n")
            stdin.flush()
            found: dict[str, Any] = json.loads(stdout.readline())
            return found

        yield command
        stdin.close()


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    if "s3" in request.fixturenames:
        request.getfixturevalue("s3")  # first: it sets the environment that the process gets
    with loader() as command:
        yield command


def rows(url: str) -> Rows:
    table = Table(Store(url), "t")
    return Counter(tuple(row.values()) for row in table.read().to_pylist()) if table.current() else Counter()


def create(database: Database) -> None:
    database.execute("DROP TABLE IF EXISTS t")
    database.execute("CREATE TABLE t (id INTEGER, day DATE, note TEXT)")
    database.execute("INSERT INTO t VALUES (1, '2020-01-30', 'a'), (2, '2020-01-31', NULL), (3, '2020-02-01', 'c')")


def change(database: Database) -> None:
    for statement in CHANGES:
        database.execute(statement)


def story(run: Run, database: Database, lake_url: str, cursor: str | None) -> int:
    """Kills the first load and the second one at every request to the lake; gives how many kills that were."""
    arguments = {"source": database.url, "cursor": cursor}
    unkilled = f"{lake_url}/unkilled"
    create(database)
    first = cases(run(lake=unkilled, **arguments)["requests"])
    before = rows(unkilled)
    for case in first:
        killed_and_repeated(run, f"{lake_url}/first-{case}", case, arguments, Counter(), before)
    change(database)
    second = cases(run(lake=unkilled, **arguments)["requests"])
    done = rows(unkilled)
    create(database)
    for case in second:
        run(lake=f"{lake_url}/second-{case}", **arguments)
    change(database)
    for case in second:
        killed_and_repeated(run, f"{lake_url}/second-{case}", case, arguments, before, done)
    return len(first) + len(second)


def cases(requests: int) -> list[tuple[int, bool]]:
    return [(at, after) for at in range(1, requests + 1) for after in (False, True)]


def killed_and_repeated(
    run: Run, lake: str, case: tuple[int, bool], arguments: dict[str, Any], before: Rows, done: Rows
) -> None:
    at, after = case
    assert run(lake=lake, at=at, after=after, **arguments)["killed"]
    assert rows(lake) in (before, done)
    assert not run(lake=lake, **arguments)["killed"]
    assert rows(lake) == done


@pytest.mark.parametrize("cursor", [None, "day"])
def test_killed_at_every_request_from_sqlite_to_files(
    run: Run, sqlite: Database, tmp_path: Path, cursor: str | None
) -> None:
    assert story(run, sqlite, (tmp_path / "lake").as_uri(), cursor) >= 30


def test_killed_at_every_request_from_postgres_to_s3(run: Run, postgres: Database, s3: str) -> None:
    assert story(run, postgres, s3, "day") >= 30


@pytest.mark.parametrize("cursor", [None, "id"])
def test_killed_at_any_time(run: Run, sqlite: Database, tmp_path: Path, cursor: str | None) -> None:
    """While it reads, writes, uploads or commits: wherever the clock meets it."""
    sqlite.execute("CREATE TABLE t (id INTEGER, day DATE, note TEXT)")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
    values = "SELECT i, date('2020-01-01', (i % 200) || ' days'), 'note ' || i FROM n"
    sqlite.execute(f"INSERT INTO t {numbers.format(60_000)} {values}")
    arguments = {"source": sqlite.url, "cursor": cursor}
    run(lake=(tmp_path / "base").as_uri(), **arguments)
    before = sorted_rows(tmp_path / "base")
    sqlite.execute(f"INSERT INTO t {numbers.format(90_000)} {values} WHERE i > 60000")
    shutil.copytree(tmp_path / "base", tmp_path / "whole")
    run(lake=(tmp_path / "whole").as_uri(), **arguments)
    done = sorted_rows(tmp_path / "whole")
    assert done.num_rows == 90_000
    killed = 0
    for step in range(1, 21):
        lake = tmp_path / f"lake-{step}"
        shutil.copytree(tmp_path / "base", lake)
        killed += run(lake=lake.as_uri(), seconds=step * 0.015, **arguments)["killed"]
        assert sorted_rows(lake) in (before, done)
        run(lake=lake.as_uri(), **arguments)
        assert sorted_rows(lake) == done
    assert killed >= 3


def sorted_rows(directory: Path) -> pa.Table:
    return Table(Store(directory.as_uri()), "t").read().sort_by("id")


@pytest.mark.parametrize("cursor", [None, "id"])
def test_two_processes_at_once_copy_nothing_twice(sqlite: Database, lake_url: str, cursor: str | None) -> None:
    create(sqlite)
    arguments = {"source": sqlite.url, "lake": lake_url, "cursor": cursor}
    with loader() as one, loader() as other, ThreadPoolExecutor(2) as pool:
        for number in range(4, 12):
            sqlite.execute(f"INSERT INTO t VALUES ({number}, '2020-04-04', 'x')")
            ended = list(pool.map(lambda run: run(**arguments), (one, other)))
            assert not any(found["killed"] for found in ended)
            assert sum(rows(lake_url).values()) == number
            manifest = Table(Store(lake_url), "t").current()
            assert manifest
            assert manifest.number == number - 3
