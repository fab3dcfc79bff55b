"""SQL in a process of its own: what it gives, and how it ends where it takes more than it may have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from lakes import CopiedLake
from sql_files import MakeReport, sql

from errors import DefinitionError, LakeError, MissingTablesError
from query import bounded, definition
from query.limits import MEMORY
from query.report import Query

TOO_MUCH = rf"^reports/test/a\.sql:6: takes more memory than the {MEMORY} MB that SQL may have"
SPILLS = """WITH many AS (SELECT n * 5000 + range AS i FROM t, range(5000))
SELECT count(*) AS n FROM (SELECT md5(i::text) AS a, list(i) AS l FROM many GROUP BY a ORDER BY a)"""
#: Asks one query, and says how much memory the process had that ran it.
PROGRAM = """
import resource, sys
from pathlib import Path
from query import bounded, definition

query = definition.load("test", Path(sys.argv[2])).queries[0]
try:
    with bounded.opened([query], sys.argv[1]) as tables:
        print([answer.rows for answer in tables.answers()])
except Exception as exc:
    print(exc)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


@pytest.fixture
def queries(make_report: MakeReport) -> Queries:
    return Queries(make_report)


class Queries:
    """Makes queries of SELECTs."""

    def __init__(self, make_report: MakeReport) -> None:
        self._make_report = make_report

    def root(self, *selects: str) -> Path:
        files = {name: sql(select, "table", "") for name, select in zip("abcdefg", selects, strict=False)}
        return self._make_report(**files, z=sql("SELECT 1 AS n, 'x' AS name"))

    def __call__(self, *selects: str) -> tuple[Query, ...]:
        return definition.load("test", self.root(*selects)).queries[: len(selects)]


def test_answers_come_in_their_order_with_the_tables_that_they_are_of(lake: CopiedLake, queries: Queries) -> None:
    lake.table("one", "SELECT 1 AS n UNION ALL SELECT 2")
    lake.table("two", "SELECT 'x' AS s")
    asked = queries("SELECT sum(n) AS n FROM one", "SELECT s FROM two", "SELECT 7 AS n")
    with bounded.opened(asked, lake.url) as tables:
        assert [(source.table, source.number, source.rows) for source in tables.sources] == [
            ("one", 1, 2),
            ("two", 1, 1),
        ]
        assert [tables.read_by(query) for query in asked] == [("one",), ("two",), ()]
        answers = list(tables.answers())
    assert [answer.rows for answer in answers] == [((3,),), (("x",),), ((7,),)]
    assert all(answer.query is query for answer, query in zip(answers, asked, strict=True))


def test_what_is_wrong_is_told_as_where_it_is_found(lake: CopiedLake, queries: Queries) -> None:
    with (
        pytest.raises(MissingTablesError, match="does not have the table gone"),
        bounded.opened(queries("FROM gone"), lake.url),
    ):
        pass
    with bounded.opened(queries("SELECT 1 AS n", "SELECT no_such"), lake.url) as tables:
        answers = tables.answers()
        assert next(answers).rows == ((1,),)
        with pytest.raises(DefinitionError, match=r"^reports/test/b\.sql:6: .*no_such"):
            next(answers)
    lake.table("t", "SELECT 1 AS n")
    lake.files("t")[0].unlink()
    with pytest.raises(LakeError, match="cannot read the lake"), bounded.opened(queries("FROM t"), lake.url):
        pass


@pytest.mark.parametrize(
    "select",
    [
        "SELECT repeat('x', 2000000000) AS s",
        "SELECT repeat('x', 2000000) AS s FROM range(1000)",
        "SELECT repeat('x', 50000000)::BLOB AS s FROM range(1000)",
        "SELECT length(string_agg(repeat('x', 1000000), '')) AS n FROM range(2000)",
        "SELECT sum(length(repeat('x', 1000000) || r.range)) AS n FROM range(3000) AS r",
        "SELECT range(500000000) AS l",
        "SELECT map_from_entries(list_transform(range(9000000), lambda x: (x, repeat('y', 100)))) AS m",
        "SELECT {'a': range(40000000)} AS s",
        "WITH RECURSIVE r AS (SELECT 'x' AS s UNION ALL SELECT s || s FROM r) SELECT length(s) AS n FROM r",
    ],
)
def test_sql_that_takes_too_much_memory_is_one_error(lake: CopiedLake, queries: Queries, select: str) -> None:
    with bounded.opened(queries(select), lake.url) as tables, pytest.raises(DefinitionError, match=TOO_MUCH) as caught:
        list(tables.answers())
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def measured(lake: CopiedLake, root: Path) -> tuple[str, float]:
    """What one query gives, and the megabytes of the process that ran it."""
    command = [sys.executable, "-c", PROGRAM, lake.url, str(root)]
    service = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=service, capture_output=True, text=True, check=True)
    given, peak = done.stdout.splitlines()  # and no progress bar
    return given, float(peak)


def test_what_does_not_fit_into_memory_goes_to_disk(lake: CopiedLake, queries: Queries) -> None:
    lake.table("t", "SELECT range AS n FROM range(1000)")
    given, peak = measured(lake, queries.root(SPILLS))
    assert given == "[((5000000,),)]"
    assert peak < 500


def test_the_memory_of_a_query_that_wants_all_of_it_is_bounded(lake: CopiedLake, queries: Queries) -> None:
    wide = "SELECT sum(length(repeat('x', 3000000) || r.range)) FROM range(9000) AS r"
    given, peak = measured(lake, queries.root(wide))
    assert "takes more memory than" in given
    assert peak < MEMORY


def child() -> int:
    """The process in which SQL runs now."""
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    (found,) = [number for number in children if "query.child" in Path(f"/proc/{number}/cmdline").read_text()]
    return int(found)


def test_a_process_that_is_killed_is_told_with_the_query_that_it_ran(lake: CopiedLake, queries: Queries) -> None:
    endless = "SELECT count(*) AS n FROM range(10000000) AS a, range(10000000) AS b WHERE hash(a.range, b.range) = 7"
    with bounded.opened(queries("SELECT 1 AS n", endless), lake.url) as tables:
        answers = tables.answers()
        next(answers)
        os.kill(child(), signal.SIGKILL)
        with pytest.raises(
            DefinitionError, match=r"b\.sql:6: the process that ran it was ended by SIGKILL, most likely"
        ):
            next(answers)


def test_a_fault_of_the_code_is_no_fault_of_the_report(queries: Queries) -> None:
    odd: Any = b""  # what no caller passes
    with pytest.raises(RuntimeError, match="ended with exit code 1"), bounded.opened(queries("SELECT 1"), odd):
        pass
