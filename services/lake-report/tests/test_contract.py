"""The contract between two services: what database-to-lake writes, lake-report reads, value by value.

Both sides are real: databases, the copy, and the SQL of a report in its own process.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lakes import CopiedLake, Writer
from sql_files import MakeReport, sql

from query import bounded, definition
from query.answers import Row

#: A type of PostgreSQL, a value of it, and DuckDB's type and text of what is read.
POSTGRES = [
    ("smallint", "-32768", "SMALLINT", "-32768"),
    ("integer", "2147483647", "INTEGER", "2147483647"),
    ("bigint", "-9223372036854775808", "BIGINT", "-9223372036854775808"),
    ("real", "1.5", "FLOAT", "1.5"),
    ("double precision", "0.1", "DOUBLE", "0.1"),
    ("double precision", "NaN", "DOUBLE", "nan"),
    ("double precision", "-Infinity", "DOUBLE", "-inf"),
    ("numeric(4,1)", "-123.4", "DECIMAL(4,1)", "-123.4"),
    ("numeric(18,6)", "123456789012.654321", "DECIMAL(18,6)", "123456789012.654321"),
    ("numeric(38,10)", "1234567890123456789012345678.0123456789", "DECIMAL(38,10)", None),
    ("numeric(50,10)", "-12345678901234567890123456789012345678.5", "DOUBLE", "-1.2345678901234568e+37"),
    ("numeric", "1.50", "VARCHAR", "1.50"),
    ("boolean", "true", "BOOLEAN", "true"),
    ("text", "Größe ☃ 🛫\n'\"", "VARCHAR", None),
    ("text", "", "VARCHAR", ""),
    ("varchar(9)", "x", "VARCHAR", "x"),
    ("char(3)", "x", "VARCHAR", "x  "),
    ("bytea", "\\x00ff41", "BLOB", "\\x00\\xFFA"),
    ("date", "0001-01-01", "DATE", "0001-01-01"),
    ("date", "9999-12-31", "DATE", "9999-12-31"),
    ("time", "23:59:59.999999", "TIME", "23:59:59.999999"),
    ("timestamp", "1969-12-31 23:59:59.123456", "TIMESTAMP", "1969-12-31 23:59:59.123456"),
    ("timestamptz", "2013-01-01 00:30:00.5+02", "TIMESTAMP WITH TIME ZONE", "2012-12-31 22:30:00.5+00"),
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "VARCHAR", None),
    ("interval", "1 day 2 hours", "VARCHAR", "P1DT2H"),
    ("jsonb", '{"a": [1, null]}', "VARCHAR", None),
    ("inet", "10.0.0.1", "VARCHAR", "10.0.0.1/32"),
    ("integer[]", "{1,NULL,3}", "INTEGER[]", "[1, NULL, 3]"),
    ("text[]", '{"a b",c}', "VARCHAR[]", "[a b, c]"),
]


class Asked:
    """What a report's SQL gives over a lake."""

    def __init__(self, lake: CopiedLake, make_report: MakeReport) -> None:
        self._lake, self._make_report = lake, make_report

    def rows(self, select: str) -> tuple[Row, ...]:
        root = self._make_report(a=sql(select, "table", ""), z=sql("SELECT 1 AS n, 'a' AS name"))
        with bounded.opened(definition.load("test", root).queries[:1], self._lake.url) as tables:
            (answer,) = tables.answers()
        return answer.rows


@pytest.fixture
def asked(lake: CopiedLake, make_report: MakeReport) -> Asked:
    return Asked(lake, make_report)


def test_every_type_of_postgresql_is_read_back(lake: CopiedLake, asked: Asked, writer: Writer) -> None:
    columns = ", ".join(f"c{number} {kind}" for number, (kind, *_) in enumerate(POSTGRES))
    values = ", ".join("'" + value.replace("'", "''") + "'" for _, value, *_ in POSTGRES)
    nulls = ", ".join("NULL" for _ in POSTGRES)
    create = [f"CREATE TABLE t (id integer, {columns})", f"INSERT INTO t VALUES (1, {values}), (2, {nulls})"]
    url = writer.ask(statements=create)["url"]
    if url is None:
        pytest.skip("PostgreSQL's server programs (initdb, postgres) are not on this machine")
    lake.copy("t", source=url)
    shown = ", ".join(f"typeof(c{number}), c{number}::VARCHAR" for number in range(len(POSTGRES)))
    filled, empty = asked.rows(f"SELECT {named(shown)} FROM t ORDER BY id")
    found = list(zip(filled[::2], filled[1::2], strict=True))
    expected = [(kind, value if text is None else text) for _, value, kind, text in POSTGRES]
    assert found == expected
    assert set(empty[1::2]) == {None}


def named(expressions: str) -> str:
    return ", ".join(f"{one} AS e{number}" for number, one in enumerate(expressions.split(", ")))


def test_every_type_of_sqlite_is_read_back(lake: CopiedLake, asked: Asked) -> None:
    lake.execute(
        "CREATE TABLE t (id INTEGER, whole INTEGER, real REAL, flag BOOLEAN, name TEXT, bytes BLOB, day DATE,"
        " local TIMESTAMP, moment TIMESTAMP, mixed NUMERIC, empty TEXT)"
    )
    day, eve = "2013-01-31", "1969-12-31"
    rows: list[tuple[object, ...]] = [
        (1, 2**63 - 1, 0.1, 1, "Größe ☃", b"\0\xff", day, f"{day} 10:05:00", f"{day}T10:05:00Z", 1, None),
        (2, -(2**63), -1e300, 0, "", b"", eve, f"{eve} 23:59:59.5", f"{eve}T23:59:59.5Z", 2.5, None),
        (3, *[None] * 10),
    ]
    lake.execute(f"INSERT INTO t VALUES ({', '.join('?' * 11)})", rows)
    lake.copy("t")
    types = {
        "whole": "BIGINT",
        "real": "DOUBLE",
        "flag": "BOOLEAN",
        "name": "VARCHAR",
        "bytes": "BLOB",
        "day": "DATE",
        "local": "TIMESTAMP",
        "moment": "TIMESTAMP WITH TIME ZONE",
        "mixed": "DOUBLE",
        "empty": "VARCHAR",
    }
    found = ", ".join(f"typeof({name}) AS {name}" for name in types)
    assert asked.rows(f"SELECT DISTINCT {found} FROM t") == (tuple(types.values()),)
    assert asked.rows("SELECT * EXCLUDE (bytes, id), hex(bytes) AS bytes FROM t ORDER BY id") == (
        (
            2**63 - 1,
            0.1,
            "yes",
            "Größe ☃",
            date(2013, 1, 31),
            datetime(2013, 1, 31, 10, 5),  # noqa: DTZ001 - it has no zone in the source either
            datetime(2013, 1, 31, 10, 5, tzinfo=UTC),
            1.0,
            None,
            "00FF",
        ),
        (
            -(2.0**63),  # SQLite's least whole number is one beyond what a page takes for whole
            -1e300,
            "no",
            "",
            date(1969, 12, 31),
            datetime(1969, 12, 31, 23, 59, 59, 500_000),  # noqa: DTZ001
            datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC),
            2.5,
            None,
            "",
        ),
        (None,) * 10,
    )


def test_months_and_the_months_that_are_not_known_are_read_as_one_table(lake: CopiedLake, asked: Asked) -> None:
    lake.table(
        "t",
        "SELECT i AS n, CASE WHEN i < 24 THEN DATE '2012-01-15' + to_months(i::int) END::DATE AS d FROM range(26) _(i)",
    )
    assert len(lake.files("t")) == 25
    assert asked.rows("SELECT count(*) AS n, sum(n) AS s, min(d) AS a, max(d) AS b, count(d) AS c FROM t") == (
        (26, 325, date(2012, 1, 15), date(2013, 12, 15), 24),
    )
    # The partitions are no columns of the table.
    assert asked.rows("SELECT count(*) AS n FROM (DESCRIBE FROM t)") == ((2,),)


def test_a_table_that_grew_by_a_cursor_and_gained_a_column_is_read_in_each_of_its_states(
    lake: CopiedLake, asked: Asked
) -> None:
    lake.execute("CREATE TABLE t (id INTEGER, at TIMESTAMP, n INTEGER)")
    lake.execute("INSERT INTO t VALUES (1, '2013-01-31T23:00:00Z', 10), (2, '2013-02-01T00:00:00Z', 20)")
    assert lake.copy("t", cursor="at") == 1
    assert asked.rows("SELECT id, n FROM t ORDER BY id") == ((1, 10), (2, 20))
    lake.execute("ALTER TABLE t ADD COLUMN name TEXT")
    lake.execute("INSERT INTO t VALUES (3, '2013-02-01T00:00:00Z', NULL, 'b'), (4, '2013-03-01T00:00:00Z', 40, 'c')")
    assert lake.copy("t", cursor="at") == 2
    assert asked.rows("SELECT id, n, name FROM t ORDER BY id") == (
        (1, 10, None),
        (2, 20, None),
        (3, None, "b"),
        (4, 40, "c"),
    )
    lake.execute("DROP TABLE t")
    lake.execute("CREATE TABLE t (id INTEGER)")
    assert lake.copy("t", reset=True) == 3
    assert asked.rows("SELECT * FROM t") == ()


def test_what_a_page_says_of_its_sources_is_what_was_copied(lake: CopiedLake, make_report: MakeReport) -> None:
    before = datetime.now(UTC)
    lake.table("a table", "SELECT range AS n FROM range(7)")
    root = make_report(a=sql('SELECT n FROM "a table"', "table", ""), z=sql("SELECT 1 AS n, 'a' AS name"))
    with bounded.opened(definition.load("test", root).queries, lake.url) as tables:
        (source,) = tables.sources
    assert (source.table, source.number, source.rows) == ("a table", 1, 7)
    assert source.source == f"sqlite://{Path(lake.root).with_name('source.db')}"
    assert before <= source.created <= datetime.now(UTC)
