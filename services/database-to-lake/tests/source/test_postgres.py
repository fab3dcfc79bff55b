"""PostgreSQL's types, rights and failures."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from databases import Database
from errors import SourceError
from source.open import open_source
from source.relation import Part, Wanted

UTC_TIME = pa.timestamp("us", "UTC")


TABLE = Wanted("t")


def read(database: Database, wanted: Wanted = TABLE) -> pa.Table:
    with open_source(database.url) as source, source.open(wanted) as relation:
        return pa.Table.from_batches(relation.batches(Part()), relation.schema)


@pytest.mark.parametrize(
    ("declared", "literals", "type_", "expected"),
    [
        ("boolean", ["true", "false"], pa.bool_(), [True, False]),
        ("smallint", ["-32768"], pa.int16(), [-32768]),
        ("integer", ["2147483647"], pa.int32(), [2147483647]),
        ("bigint", ["-9223372036854775808"], pa.int64(), [-(2**63)]),
        ("real", ["1.5"], pa.float32(), [1.5]),
        ("double precision", ["0.1", "infinity", "-0"], pa.float64(), [0.1, float("inf"), -0.0]),
        (
            "numeric(12, 2)",
            ["1234567890.12", "-0.01"],
            pa.decimal128(12, 2),
            [Decimal("1234567890.12"), Decimal("-0.01")],
        ),
        ("numeric(60, 30)", ["1e-30"], pa.decimal256(60, 30), [Decimal("1e-30")]),
        ("numeric(5, -2)", ["12345"], pa.string(), ["12300"]),
        ("numeric", ["123456789012345678901234567890.123", "NaN"], pa.string(), None),
        ("text", ["'żółć ☃ 𝔘'", "''", "'it''s'"], pa.string(), ["żółć ☃ 𝔘", "", "it's"]),
        ("varchar(5)", ["'abc'"], pa.string(), ["abc"]),
        ("char(5)", ["'abc'"], pa.string(), ["abc  "]),
        ("bytea", ["'\\x00ff'", "''"], pa.binary(), [b"\x00\xff", b""]),
        ("date", ["'2020-02-29'", "'0001-01-01'"], pa.date32(), [dt.date(2020, 2, 29), dt.date(1, 1, 1)]),
        ("time", ["'12:34:56.789'"], pa.time64("us"), [dt.time(12, 34, 56, 789000)]),
        ("timetz", ["'12:34:56+02'"], pa.string(), ["12:34:56+02"]),
        (
            "timestamp",
            ["'2020-02-29 12:00:00.123456'"],
            pa.timestamp("us"),
            [dt.datetime(2020, 2, 29, 12, 0, 0, 123456)],
        ),
        ("timestamptz", ["'2020-02-29 12:00+02'"], UTC_TIME, [dt.datetime(2020, 2, 29, 10, tzinfo=dt.UTC)]),
        ("interval", ["'1 month 2 days'"], pa.string(), ["P1M2D"]),
        ("uuid", ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"], pa.string(), ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
        ("json", ["""'{"a":  1}'"""], pa.string(), ['{"a":  1}']),
        ("jsonb", ["""'{"a":  1}'"""], pa.string(), ['{"a": 1}']),
        ("integer[]", ["'{1,NULL,3}'", "'{}'"], pa.list_(pa.int32()), [[1, None, 3], []]),
        ("text[]", ["'{a,b}'"], pa.list_(pa.string()), [["a", "b"]]),
        ("integer[]", ["'{{1,2},{3,4}}'", "'{5}'"], pa.string(), ["{{1,2},{3,4}}", "{5}"]),
        ("numeric(4,1)[]", ["'{1.5}'"], pa.string(), ["{1.5}"]),
        ("inet", ["'10.0.0.1/8'"], pa.string(), ["10.0.0.1/8"]),
        ("int4range", ["'[1,5)'"], pa.string(), ["[1,5)"]),
        ("point", ["'(1,2)'"], pa.string(), ["(1,2)"]),
        ("mood", ["'happy'"], pa.string(), ["happy"]),
        ("positive", ["7"], pa.int32(), [7]),
        ("oid", ["4294967295"], pa.string(), ["4294967295"]),
    ],
)
def test_values_and_types_survive(
    postgres: Database, declared: str, literals: list[str], type_: pa.DataType, expected: list[Any] | None
) -> None:
    postgres.execute("CREATE TYPE mood AS ENUM ('happy', 'sad')")
    postgres.execute("CREATE DOMAIN positive AS integer CHECK (value > 0)")
    postgres.execute(f"CREATE TABLE t (v {declared})")
    shown = [
        literal if literal.startswith("'") or literal in ("true", "false") else f"'{literal}'" for literal in literals
    ]
    postgres.execute(f"INSERT INTO t VALUES {', '.join(f'({literal})' for literal in shown)}, (NULL)")
    column = read(postgres)["v"]
    assert column.type == type_
    assert column.to_pylist() == [*(literals if expected is None else expected), None]


@pytest.mark.parametrize(
    ("declared", "value", "message"),
    [
        ("timestamptz", "infinity", "v holds an infinite timestamptz"),
        ("timestamp", "-infinity", "v holds an infinite timestamp"),
        ("date", "infinity", "v holds an infinite date"),
        ("numeric(5,2)", "NaN", r"v holds a value that decimal128\(5, 2\) cannot hold"),
    ],
)
def test_what_arrow_has_no_value_for_is_told_with_a_way_out(
    postgres: Database, declared: str, value: str, message: str
) -> None:
    postgres.execute(f"CREATE TABLE t (v {declared})")
    postgres.execute(f"INSERT INTO t VALUES ('{value}')")
    with pytest.raises(SourceError, match=message):
        read(postgres)
    assert read(postgres, Wanted("q", "SELECT v::text FROM t"))["v"].to_pylist() == [value]


def test_a_table_without_rows_keeps_its_columns(postgres: Database) -> None:
    postgres.execute("CREATE TABLE t (id serial PRIMARY KEY, price numeric(8,2), at timestamptz)")
    found = read(postgres)
    assert found.num_rows == 0
    assert found.schema == pa.schema([("id", pa.int32()), ("price", pa.decimal128(8, 2)), ("at", UTC_TIME)])


def test_names_are_never_taken_for_sql(postgres: Database) -> None:
    names = ['we"ird', "it's", "select", "a b", "ü☃", "x; DROP TABLE t", "q"]
    quoted = ", ".join('"' + name.replace('"', '""') + '" int' for name in names)
    postgres.execute(f'CREATE TABLE "ta""b\'le; x" ({quoted})')
    postgres.execute('INSERT INTO "ta""b\'le; x" VALUES (1, 2, 3, 4, 5, 6, 7)')
    assert read(postgres, Wanted("ta\"b'le; x")).to_pylist() == [dict(zip(names, range(1, 8), strict=True))]


def test_wide_rows_survive(postgres: Database) -> None:
    names = [f"c{number}" for number in range(1000)]
    postgres.execute(f"CREATE TABLE t ({', '.join(f'{name} int' for name in names)})")
    postgres.execute(f"INSERT INTO t VALUES ({', '.join(map(str, range(1000)))})")
    assert read(postgres).to_pylist() == [{name: number for number, name in enumerate(names)}]


def test_tables_of_other_schemas_are_found_by_their_full_name(postgres: Database) -> None:
    postgres.execute("CREATE SCHEMA sales")
    postgres.execute("CREATE TABLE sales.orders AS SELECT 1 AS id")
    postgres.execute("CREATE TABLE orders AS SELECT 2 AS id")
    assert read(postgres, Wanted("sales.orders"))["id"].to_pylist() == [1]
    assert read(postgres, Wanted("public.orders"))["id"].to_pylist() == [2]
    assert read(postgres, Wanted("orders"))["id"].to_pylist() == [2]
    with pytest.raises(
        SourceError, match=r"no table sales.order; did you mean sales.orders\? It has: orders, sales.orders"
    ):
        read(postgres, Wanted("sales.order"))


def test_views_partitions_and_queries_are_read_like_tables(postgres: Database) -> None:
    postgres.execute("CREATE TABLE t (id int, day date) PARTITION BY RANGE (day)")
    postgres.execute("CREATE TABLE t2020 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')")
    postgres.execute("INSERT INTO t VALUES (1, '2020-05-05')")
    postgres.execute("CREATE MATERIALIZED VIEW m AS SELECT * FROM t")
    for wanted in (Wanted("t"), Wanted("m"), Wanted("q", "SELECT * FROM t WHERE id = 1 -- a comment at its end")):
        assert read(postgres, wanted).to_pylist() == [{"id": 1, "day": dt.date(2020, 5, 5)}]


def test_all_that_is_read_of_a_relation_is_of_one_moment(postgres: Database) -> None:
    postgres.execute("CREATE TABLE t AS SELECT 1 AS id")
    with open_source(postgres.url) as source, source.open(Wanted("t")) as relation:
        postgres.execute("INSERT INTO t VALUES (2)")
        assert relation.newest("id", None) == "1"
        assert pa.Table.from_batches(relation.batches(Part())).num_rows == 1


def test_the_source_is_never_written(postgres: Database) -> None:
    postgres.execute("CREATE TABLE t AS SELECT 1 AS id")
    postgres.execute("CREATE FUNCTION emptied() RETURNS int LANGUAGE sql AS 'DELETE FROM t RETURNING id'")
    with pytest.raises(SourceError, match="read-only transaction"):
        read(postgres, Wanted("q", "SELECT emptied() AS id"))
    assert read(postgres).num_rows == 1


def test_columns_of_the_same_name_are_told(postgres: Database) -> None:
    with pytest.raises(SourceError, match="columns of the same name: a, a"):
        read(postgres, Wanted("q", "SELECT 1 AS a, 2 AS a"))


def test_a_missing_right_is_told(postgres: Database) -> None:
    postgres.execute("CREATE TABLE secrets AS SELECT 1 AS id")
    postgres.execute("DROP ROLE IF EXISTS guest")
    postgres.execute("CREATE ROLE guest LOGIN")
    guest = Database(postgres.url.replace("flows@", "guest:open-sesame@"), postgres.execute)
    with pytest.raises(SourceError, match="permission denied for table secrets") as raised:
        read(guest, Wanted("secrets"))
    assert "open-sesame" not in str(raised.value)


def test_an_error_in_a_query_is_told(postgres: Database) -> None:
    with pytest.raises(SourceError, match='column "nope" does not exist'):
        read(postgres, Wanted("q", "SELECT nope"))
