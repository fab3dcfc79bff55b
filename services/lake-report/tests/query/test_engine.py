"""SQL over a lake: right numbers, the manifest's files only, nothing else within reach, errors that say where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from lakes import CopiedLake
from sql_files import MakeReport, sql

from errors import DefinitionError, LakeError, MissingTablesError
from query import definition, engine
from query.answers import Answer
from query.lake import Lake
from query.report import Query


@pytest.fixture
def ask(lake: CopiedLake, make_report: MakeReport, tmp_path: Path) -> Ask:
    return Ask(lake.url, make_report, tmp_path / "spill")


class Ask:
    """Runs one SELECT over the lake."""

    def __init__(self, url: str, make_report: MakeReport, spill: Path) -> None:
        self.url, self.make_report, self.spill = url, make_report, spill

    def __call__(self, select: str, chart: str = "table", keys: str = "") -> Answer:
        with self.prepared(select, chart, keys) as (tables, query):
            return tables.answer(query)

    def rows(self, select: str) -> list[tuple[object, ...]]:
        return list(self(select).rows)

    @contextmanager
    def prepared(self, select: str, chart: str = "table", keys: str = "") -> Iterator[tuple[engine.Engine, Query]]:
        root = self.make_report(a=sql(select, chart, keys), z=sql("SELECT 1 AS n, 'a' AS name"))
        query = definition.load("test", root).queries[0]
        lake = Lake(self.url)
        with engine.opened(lake, engine.needed([query], lake), self.spill) as tables:
            yield tables, query


def test_only_the_files_of_the_newest_state_are_read(lake: CopiedLake, ask: Ask) -> None:
    for first, last in ((1, 2), (3, 4)):
        lake.table("t", f"SELECT {first} AS n, DATE '2013-01-01' AS day UNION ALL SELECT {last}, DATE '2013-02-01'")
    assert len(lake.files("t")) == 4
    assert ask.rows("SELECT n FROM t ORDER BY n") == [(3,), (4,)]


def test_files_with_other_columns_and_narrower_types_are_read_as_the_manifest_says(lake: CopiedLake, ask: Ask) -> None:
    lake.execute("CREATE TABLE t (id INTEGER, month DATE, n DATE)")
    lake.execute("INSERT INTO t VALUES (1, '2013-01-01', '2013-01-01'), (2, '2013-02-01', NULL)")
    lake.copy("t", cursor="id")
    lake.execute("ALTER TABLE t ADD COLUMN added TEXT")
    lake.execute("INSERT INTO t VALUES (3, '2013-03-01', '2013-01-01 10:30:00', 'x')")
    lake.copy("t", cursor="id")
    lake.execute("ALTER TABLE t ADD COLUMN later REAL")
    lake.copy("t", cursor="id")
    assert ask.rows("SELECT id, n, added, later FROM t ORDER BY id") == [
        (1, datetime(2013, 1, 1), None, None),  # noqa: DTZ001 - as it was declared
        (2, None, None, None),
        (3, datetime(2013, 1, 1, 10, 30), "x", None),  # noqa: DTZ001
    ]
    assert ask.rows("SELECT DISTINCT typeof(n), typeof(later) FROM t") == [("TIMESTAMP", "DOUBLE")]


def test_a_table_without_files_has_its_columns_and_no_rows(lake: CopiedLake, ask: Ask) -> None:
    lake.table("t", "SELECT 1 AS n, now() AS seen, 'x' AS name, 1.5::DOUBLE AS d LIMIT 0")
    assert lake.files("t") == []
    assert ask.rows("SELECT n, seen, name, d FROM t") == []
    assert ask.rows("SELECT count(*), sum(n), avg(d) FROM t") == [(0, None, None)]


def test_values_come_as_people_read_them(lake: CopiedLake, ask: Ask) -> None:
    lake.table("t", "SELECT 1 AS n")
    [row] = ask.rows(
        "SELECT true, 1.50::DECIMAL(5, 2), 3::DECIMAL(5, 0), 'nan'::DOUBLE, 'inf'::DOUBLE, [1, 2], NULL,"
        " repeat('x', 1000), TIMESTAMPTZ '2013-01-01 10:00:00+00' FROM t"
    )
    assert row[:7] == ("yes", 1.5, 3, None, None, "[1, 2]", None)
    assert len(str(row[7])) == 300
    assert f"{row[8]:%Y-%m-%d %H:%M}" == "2013-01-01 10:00"


@pytest.mark.parametrize("name", ["with space", "Größe", "semi;colon'quote\"", "public.t", "..", ".t", "100%"])
def test_tables_may_be_called_anything(lake: CopiedLake, ask: Ask, name: str) -> None:
    lake.table(name, "SELECT 7 AS n")
    quoted = name.replace('"', '""')
    assert ask.rows(f'SELECT n FROM "{quoted}"') == [(7,)]


def test_a_with_may_be_called_as_the_table_that_it_reads(lake: CopiedLake, ask: Ask) -> None:
    lake.table("t", "SELECT 1 AS n UNION ALL SELECT 2")
    assert ask.rows("WITH t AS (SELECT n FROM t WHERE n > 1), u AS (FROM t) SELECT n FROM u") == [(2,)]


def test_missing_tables_are_all_named_with_the_commands_that_bring_them(lake: CopiedLake, ask: Ask) -> None:
    lake.table("there", "SELECT 1 AS n")
    with pytest.raises(MissingTablesError) as caught:
        ask("WITH local AS (FROM there) SELECT * FROM local, gone WHERE n IN (SELECT n FROM main.also_gone)")
    message = str(caught.value)
    assert "does not have the tables also_gone, gone" in message
    assert """make run-flow NAME=database-to-lake PARAMS='{"table": "gone"}'""" in message
    assert "there" not in message.split("gone")[0]
    assert "local" not in message


def test_in_an_environment_the_commands_are_those_of_the_environment(
    lake: CopiedLake, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_FLOWS_ENVIRONMENT", "Dev")
    with pytest.raises(MissingTablesError) as caught:
        ask("FROM gone")
    command = 'make trigger-flow NAME=database-to-lake ENVIRONMENT=Dev PARAMS=\'{"table": "gone", "cursor": null}\''
    assert command in str(caught.value)


@pytest.mark.parametrize(
    "select",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_blob('{file}')",
        "SELECT * FROM read_json('{file}')",
        "SELECT * FROM read_parquet('{file}')",
        "SELECT * FROM glob('{directory}/*')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_parquet('{lake}/other/*.parquet')",
        "SELECT * FROM read_parquet('lake://other/hidden.parquet')",
        "SELECT * FROM read_parquet('lake://t/*.parquet')",
        "SELECT * FROM read_csv('https://example.com/x.csv')",
        "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
        "SELECT * FROM files",
        "SELECT * FROM duckdb_secrets()",
        "SELECT getenv('HOME')",
        "COPY (SELECT 1) TO '{directory}/written'",
        "EXPORT DATABASE '{directory}/written'",
        "ATTACH '{directory}/written'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "PRAGMA enable_profiling",
        "CREATE TABLE x AS SELECT 1",
        "INSERT INTO t SELECT 1",
        "CALL pragma_version()",
        "SELECT 1; COPY (SELECT 1) TO '{directory}/written'",
        "SELECT 1; SELECT 2",
        "EXPLAIN ANALYZE SELECT 1",
    ],
)
def test_sql_reaches_nothing_but_its_tables(lake: CopiedLake, ask: Ask, tmp_path: Path, select: str) -> None:
    directory = tmp_path / "elsewhere"
    directory.mkdir()
    (directory / "secret.csv").write_text("password\nhunter2\n")
    lake.table("t", "SELECT 1 AS n")
    lake.table("other", "SELECT 'hunter2' AS password")
    (lake.root / "other" / "hidden.parquet").write_bytes(lake.files("other")[0].read_bytes())
    text = select.format(file=directory / "secret.csv", directory=directory, lake=lake.root)
    with pytest.raises((DefinitionError, MissingTablesError)) as caught:
        ask(text)
    assert "hunter2" not in str(caught.value)
    assert [path.name for path in directory.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize(
    ("select", "line", "told"),
    [
        ("SELECT\n  n\nFORM t", 9, "syntax error"),
        ("SELECT\n  no_such\nFROM t", 8, 'column "no_such" not found'),
        ("-- a comment\n\nSELECT n,\n  nofn(n)\nFROM t", 10, "nofn does not exist"),
        ("SELECT n\nFROM t\nWHERE name = ", 9, "syntax error"),
        ("SELECT sum(name)\nFROM t", 7, "No function matches"),
        ("SELECT error('stop')\nFROM t", 7, "stop"),
    ],
)
def test_sql_that_is_wrong_is_told_with_file_and_line(
    lake: CopiedLake, ask: Ask, select: str, line: int, told: str
) -> None:
    lake.table("t", "SELECT 1 AS n, 'x' AS name")
    with pytest.raises(DefinitionError) as caught:
        ask(select, "bars", 'x = "n"\ny = "name"')
    assert str(caught.value).startswith(f"reports/test/a.sql:{line}: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("select", "chart", "keys", "told"),
    [
        ("SELECT 1 AS n", "bars", 'x = "n"\ny = "name"', "5: y: the SQL gives no column name; it gives: n"),
        (
            "SELECT 'a' AS n, 'b' AS name",
            "bars",
            'x = "n"\ny = "name"',
            "4: x: the column n must be numbers, it has 'a'",
        ),
        ("SELECT 1 AS n, 2 AS n", "table", "", "gives more than one column n"),
        ("SELECT 1 AS n", "table", "[columns]\nm = { unit = 's' }", "5: columns.m: the SQL gives no column m"),
        ("SELECT 1 AS n UNION ALL SELECT 2", "figures", "", "figures are made of one row; the SQL gives 2"),
        (f"SELECT {', '.join(f'{n} AS c{n}' for n in range(101))}", "table", "", "gives 101 columns, more than 100"),
        ("SELECT 1 AS a, 2 AS b", "period", "", "a period is made of one row of two dates"),
        ("FROM range(2000)", "table", "", "gives more than 1000 rows, too many to look at"),
        ("SELECT range AS n, 'a' AS name FROM range(501)", "bars", 'x = "n"\ny = "name"', "more than 500 rows"),
        (
            "SELECT range AS n, range::text AS s FROM range(9)",
            "lines",
            'x = "n"\ny = "n"\nseries = "s"',
            "9 lines are too many to tell apart",
        ),
    ],
)
def test_rows_that_do_not_fit_the_chart_are_told(ask: Ask, select: str, chart: str, keys: str, told: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        ask(select, chart, keys)
    assert told in str(caught.value)


def test_what_an_error_says_of_the_data_can_be_shown(lake: CopiedLake, ask: Ask) -> None:
    with pytest.raises(DefinitionError, match="a�b") as caught:
        ask("SELECT error('a' || chr(27) || 'b') AS n")
    assert str(caught.value).isprintable()


def test_a_file_that_is_gone_is_the_lakes_fault(lake: CopiedLake, ask: Ask) -> None:
    lake.table("t", "SELECT 1 AS n")
    lake.files("t")[0].unlink()
    with pytest.raises(LakeError, match=r"cannot read the lake file:.*parquet"):
        ask("SELECT n FROM t")


def test_a_file_that_goes_between_two_queries_is_the_lakes_fault_too(lake: CopiedLake, ask: Ask) -> None:
    lake.table("t", "SELECT range AS n, repeat('x', 50) || range AS s FROM range(100000)")
    with ask.prepared("SELECT max(s) FROM t") as (tables, query):
        lake.files("t")[0].unlink()
        with pytest.raises(LakeError, match="cannot read the lake"):
            tables.answer(query)


def test_a_file_that_is_no_parquet_is_the_lakes_fault(lake: CopiedLake, ask: Ask) -> None:
    lake.table("t", "SELECT 1 AS n")
    path = lake.files("t")[0]
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(LakeError, match=r"a table of file:.* cannot be read"):
        ask("SELECT n FROM t")


@pytest.mark.parametrize("content", ["{}", "no JSON"])
def test_a_manifest_that_cannot_be_read_is_told(lake: CopiedLake, ask: Ask, content: str) -> None:
    lake.table("t", "SELECT 1 AS n")
    next(lake.root.glob("t/_manifests/*")).write_text(content)
    with pytest.raises(LakeError, match="a manifest in the lake"):
        ask("SELECT n FROM t")


@pytest.mark.parametrize("schema", ["", "no base64", "AAAA", "/////w=="])
def test_a_manifest_whose_columns_cannot_be_read_is_told(lake: CopiedLake, ask: Ask, schema: str) -> None:
    lake.table("t", "SELECT 1 AS n")
    path = next(lake.root.glob("t/_manifests/*"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"arrow_schema": schema}))
    with pytest.raises(LakeError, match=r"the columns of the table t of the lake file:.* cannot be read"):
        ask("SELECT n FROM t")


@pytest.mark.parametrize("url", ["", "lake", "gs://bucket/x", "s3://", "s3://key:secret@bucket/x"])
def test_a_lake_of_another_kind_is_told_without_its_secrets(url: str) -> None:
    with pytest.raises(LakeError, match="it must be file:///directory or s3://bucket/prefix") as caught:
        Lake(url)
    assert "secret" not in str(caught.value)
