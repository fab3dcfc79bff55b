"""SQLite's awkward values: what a column is declared to hold and what it holds are two things."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from databases import Database
from errors import SourceError
from source.open import open_source
from source.relation import Part, Relation, Wanted
from source.sqlite import BATCH_ROWS

UTC = dt.UTC


def table_of(relation: Relation) -> pa.Table:
    return pa.Table.from_batches(relation.batches(Part()), relation.schema)


TABLE = Wanted("t")


def read(database: Database, wanted: Wanted = TABLE) -> pa.Table:
    with open_source(database.url) as source, source.open(wanted) as relation:
        return table_of(relation)


@pytest.mark.parametrize(
    ("declared", "values", "type_", "expected"),
    [
        ("INTEGER", [1, None, 2**63 - 1, -(2**63)], pa.int64(), None),
        ("INTEGER", [1, 2.5], pa.float64(), [1.0, 2.5]),
        ("INTEGER", [2**60 + 1, 2.5], pa.string(), ["1152921504606846977", "2.5"]),
        ("INTEGER", [1, "two"], pa.string(), ["1", "two"]),
        ("INTEGER", [1, b"\x00\xff"], pa.binary(), [b"1", b"\x00\xff"]),
        ("REAL", [1, 2.5, None], pa.float64(), [1.0, 2.5, None]),
        ("REAL", [float("inf"), -0.0], pa.float64(), None),
        ("DECIMAL(10,2)", [1, 2], pa.int64(), None),
        ("DECIMAL(10,2)", ["1.50", 2], pa.float64(), [1.5, 2.0]),
        ("TEXT", ["a", None, "", "żółć ☃ 𝔘", 'it\'s "quoted"'], pa.string(), None),
        ("TEXT", ["NULL", "null", "0"], pa.string(), None),
        ("BLOB", [b"\x00\xff", b"", None], pa.binary(), None),
        ("BLOB", ["text", b"\xff"], pa.binary(), [b"text", b"\xff"]),
        ("", [1, None, 3], pa.int64(), None),
        ("", [1, "x", 2.5], pa.string(), ["1", "x", "2.5"]),
        ("BOOLEAN", [0, 1, None], pa.bool_(), [False, True, None]),
        ("BOOLEAN", [0, 2], pa.int64(), None),
        ("DATE", ["2020-02-29", None], pa.date32(), [dt.date(2020, 2, 29), None]),
        ("DATE", ["2020-02-29", "2020-02-30"], pa.string(), None),
        ("DATE", ["2020-02-29 12:00"], pa.timestamp("us"), [dt.datetime(2020, 2, 29, 12)]),
        ("DATETIME", ["2020-02-29T12:00:01.5", "2020-03-01"], pa.timestamp("us"), None),
        ("TIMESTAMP", ["2020-02-29 12:00:01.123456"], pa.timestamp("us"), None),
        (
            "TIMESTAMP",
            ["2020-02-29T12:00:00Z", "2020-02-29T12:00:00+02:00"],
            pa.timestamp("us", "UTC"),
            [dt.datetime(2020, 2, 29, 12, tzinfo=UTC), dt.datetime(2020, 2, 29, 10, tzinfo=UTC)],
        ),
        ("TIMESTAMP", ["2020-02-29T12:00:00Z", "2020-02-29T12:00:00"], pa.string(), None),
        ("TIMESTAMP", ["2020-02-29 24:00:00"], pa.string(), None),
        ("TIMESTAMP", ["yesterday"], pa.string(), None),
        ("TIMESTAMP", [1582977600, None], pa.int64(), None),
        ("TIMESTAMP", [1582977600, "2020-02-29"], pa.string(), ["1582977600", "2020-02-29"]),
        ("INTEGER", [None], pa.int64(), None),
        ("REAL", [None], pa.float64(), None),
        ("NUMERIC", [None], pa.float64(), None),
        ("VARCHAR(9)", [None], pa.string(), None),
        ("BLOB", [None], pa.binary(), None),
        ("", [None], pa.string(), None),
        ("DATE", [None], pa.date32(), None),
        ("TIMESTAMP", [None], pa.timestamp("us"), None),
        ("BOOLEAN", [None], pa.bool_(), None),
    ],
)
def test_values_and_types_survive(
    sqlite: Database, declared: str, values: list[Any], type_: pa.DataType, expected: list[Any] | None
) -> None:
    sqlite.execute(f"CREATE TABLE t (v {declared})")
    sqlite.execute("INSERT INTO t VALUES (?)", [(value,) for value in values])
    found = read(sqlite)
    assert found.schema.field("v").type == type_
    shown = found["v"].to_pylist()
    if expected is None and pa.types.is_timestamp(type_):
        expected = [value and dt.datetime.fromisoformat(value) for value in values]
    assert shown == (values if expected is None else expected)


@pytest.mark.parametrize(
    ("declared", "late", "type_"),
    [
        ("INTEGER", 2.5, pa.float64()),
        ("INTEGER", "x", pa.string()),
        ("TEXT", "x", pa.string()),
        ("", b"x", pa.binary()),
    ],
)
def test_a_type_that_only_later_rows_show_is_known_from_the_first(
    sqlite: Database, declared: str, late: Any, type_: pa.DataType
) -> None:
    sqlite.execute(f"CREATE TABLE t (v {declared})")
    sqlite.execute("INSERT INTO t VALUES (?)", [(None,)] * (2 * BATCH_ROWS) + [(late,)])
    column = read(sqlite)["v"]
    assert column.type == type_
    assert column.null_count == 2 * BATCH_ROWS
    assert column[-1].as_py() == late


def test_a_table_without_rows_keeps_its_columns(sqlite: Database) -> None:
    sqlite.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, born DATE, name TEXT)")
    found = read(sqlite)
    assert found.num_rows == 0
    assert found.schema == pa.schema([("id", pa.int64()), ("born", pa.date32()), ("name", pa.string())])


def test_names_are_never_taken_for_sql(sqlite: Database) -> None:
    names = ['we"ird', "it's", "select", "a b", "ü☃", "x; DROP TABLE t"]
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    sqlite.execute(f'CREATE TABLE "ta""b\'le; x" ({quoted})')
    sqlite.execute('INSERT INTO "ta""b\'le; x" VALUES (1, 2, 3, 4, 5, 6)')
    found = read(sqlite, Wanted("ta\"b'le; x"))
    assert found.to_pylist() == [dict(zip(names, range(1, 7), strict=True))]


def test_wide_rows_and_generated_columns_survive(sqlite: Database) -> None:
    names = [f"c{number}" for number in range(900)]
    sqlite.execute(f"CREATE TABLE t ({', '.join(names)}, twice AS (c1 * 2))")
    sqlite.execute(f"INSERT INTO t VALUES ({', '.join('?' * 900)})", [tuple(range(900))])
    found = read(sqlite)
    assert found.num_columns == 901
    assert found["twice"].to_pylist() == [2]


def test_views_and_queries_are_read_like_tables(sqlite: Database) -> None:
    sqlite.execute("CREATE TABLE t (id INTEGER, day DATE)")
    sqlite.execute("INSERT INTO t VALUES (?, ?)", [(1, "2020-01-01"), (2, None)])
    sqlite.execute("CREATE VIEW v AS SELECT * FROM t WHERE id = 1")
    assert read(sqlite, Wanted("v")).to_pylist() == [{"id": 1, "day": dt.date(2020, 1, 1)}]
    query = Wanted("q", "SELECT id * 10 AS ten, day FROM t -- with a comment at its end")
    assert read(sqlite, query)["ten"].to_pylist() == [10, 20]


def test_all_that_is_read_of_a_relation_is_of_one_moment(sqlite: Database) -> None:
    sqlite.execute("PRAGMA journal_mode = WAL")
    sqlite.execute("CREATE TABLE t (id INTEGER)")
    sqlite.execute("INSERT INTO t VALUES (1)")
    with open_source(sqlite.url) as source, source.open(Wanted("t")) as relation:
        sqlite.execute("INSERT INTO t VALUES (2)")
        assert relation.newest("id", None) == 1
        assert table_of(relation).num_rows == 1
        assert not relation.has_null("id")


@pytest.mark.parametrize("query", ["DELETE FROM t", "SELECT 1); DROP TABLE t; --", "DELETE FROM t RETURNING id"])
def test_the_source_is_never_written(sqlite: Database, query: str) -> None:
    sqlite.execute("CREATE TABLE t (id INTEGER)")
    sqlite.execute("INSERT INTO t VALUES (1)")
    with suppress(SourceError):
        read(sqlite, Wanted("q", query))
    assert read(sqlite).num_rows == 1


def test_text_that_is_not_utf8_is_told_with_a_way_out(sqlite: Database) -> None:
    sqlite.execute("CREATE TABLE t (v TEXT)")
    sqlite.execute("INSERT INTO t VALUES (CAST(x'ff' AS TEXT))")
    with pytest.raises(SourceError, match="v holds text that is not UTF-8"):
        read(sqlite)
    assert read(sqlite, Wanted("q", "SELECT CAST(v AS BLOB) AS v FROM t"))["v"].to_pylist() == [b"\xff"]


def test_a_table_that_is_not_there_is_told_with_those_that_are(sqlite: Database) -> None:
    sqlite.execute("CREATE TABLE orders (id)")
    with pytest.raises(SourceError, match=r"no table order; did you mean orders\? It has: orders"):
        read(sqlite, Wanted("order"))


def test_a_file_that_is_not_there_or_no_database_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file"), open_source(f"sqlite:///{tmp_path}/missing.db"):
        pass
    (tmp_path / "text.db").write_text("this is not a database, however long it may be " * 50)
    with (
        pytest.raises(SourceError, match="not a database"),
        open_source(f"sqlite:///{tmp_path}/text.db") as source,
    ):
        source.tables()
