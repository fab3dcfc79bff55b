"""Copying a table again and again while its source changes. On both kinds of sources and of lakes."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from databases import Database
from errors import LostRaceError, SchemaConflictError, SourceError
from lake.store import Store
from lake.table import Table
from load import Outcome, Request, load
from source.open import open_source
from source.relation import Wanted

DAY = dt.date(2020, 1, 30)


def run(database: Database, table: Table, cursor: str | None = None, **options: Any) -> Outcome:
    with open_source(database.url) as source:
        return load(source, table.store, Request(Wanted("t"), cursor, **options))


def rows(table: Table) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row.values()) for row in table.read().to_pylist())


def objects(table: Table) -> set[str]:
    return {path for path, _ in table.store.listed("")}


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """The table t of a lake."""
    return Table(Store((tmp_path / "lake").as_uri()), "t")


@pytest.fixture
def events(database: Database) -> Database:
    """A table t(id, day, note) with rows of three days."""
    database.execute("CREATE TABLE t (id INTEGER, day DATE, note TEXT)")
    database.execute("INSERT INTO t VALUES (1, '2020-01-30', 'a'), (2, '2020-01-31', NULL), (3, '2020-02-01', 'c')")
    return database


def day(number: int) -> dt.date:
    return DAY + dt.timedelta(days=number)


EVENTS = Counter({(1, day(0), "a"): 1, (2, day(1), None): 1, (3, day(2), "c"): 1})


@pytest.mark.parametrize("cursor", [None, "day", "id"])
def test_run_again_it_copies_nothing(events: Database, lake_url: str, cursor: str | None) -> None:
    table = Table(Store(lake_url), "t")
    first = run(events, table, cursor)
    assert (first.changed, first.rows_new, first.manifest.number) == (True, 3, 1)
    assert rows(table) == EVENTS
    before = objects(table)
    again = run(events, table, cursor)
    assert (again.changed, again.rows_new, again.files_written) == (False, 0, 0)
    assert objects(table) == before


def test_by_a_cursor_only_what_is_new_is_read(events: Database, table: Table) -> None:
    run(events, table, "id")
    events.execute("INSERT INTO t VALUES (4, '2020-02-02', 'd')")
    outcome = run(events, table, "id")
    assert (outcome.rows_new, outcome.rows_read) == (1, 2)
    assert rows(table) == EVENTS + Counter([(4, day(3), "d")])


def test_late_rows_with_the_newest_value_are_not_lost(events: Database, table: Table) -> None:
    run(events, table, "day")
    events.execute("INSERT INTO t VALUES (4, '2020-02-01', 'late'), (3, '2020-02-01', 'c')")
    assert run(events, table, "day").rows_new == 2
    assert rows(table) == EVENTS + Counter([(4, day(2), "late"), (3, day(2), "c")])
    events.execute("INSERT INTO t VALUES (5, '2020-02-01', 'later'), (6, '2020-02-03', 'newer')")
    assert run(events, table, "day").rows_new == 2
    assert rows(table)[5, day(2), "later"] == 1
    assert not run(events, table, "day").changed


def test_what_the_source_deletes_stays_when_copied_by_a_cursor(events: Database, table: Table) -> None:
    run(events, table, "day")
    events.execute("DELETE FROM t")
    assert not run(events, table, "day").changed
    events.execute("INSERT INTO t VALUES (4, '2020-02-01', 'd')")
    assert run(events, table, "day").rows_new == 1
    assert not run(events, table, "day").changed
    events.execute("DELETE FROM t")
    events.execute("INSERT INTO t VALUES (5, '2020-02-05', 'e')")
    assert run(events, table, "day").rows_new == 1
    assert rows(table) == EVENTS + Counter([(4, day(2), "d"), (5, day(6), "e")])


def test_a_source_that_was_set_back_leaves_the_lake_as_it_is(events: Database, table: Table) -> None:
    run(events, table, "day")
    events.execute("DELETE FROM t WHERE id > 1")
    outcome = run(events, table, "day")
    assert not outcome.changed
    assert outcome.manifest.watermark == "2020-02-01"


def test_without_a_cursor_the_lake_is_what_the_source_is(events: Database, table: Table) -> None:
    run(events, table)
    events.execute("DELETE FROM t WHERE id = 1")
    events.execute("UPDATE t SET note = 'changed' WHERE id = 2")
    outcome = run(events, table)
    assert rows(table) == Counter([(2, day(1), "changed"), (3, day(2), "c")])
    assert (outcome.rows_new, outcome.files_written) == (2, 1), "February's file was the same"


def test_an_empty_table_is_a_table(database: Database, table: Table) -> None:
    database.execute("CREATE TABLE t (id INTEGER, day DATE)")
    for cursor in (None, "day"):
        run(database, table, cursor)
        assert table.read().schema.names == ["id", "day"]
    database.execute("INSERT INTO t VALUES (1, '2020-01-30')")
    assert run(database, table, "day").rows_new == 1
    assert rows(table) == Counter([(1, day(0))])


def test_files_are_parted_by_the_cursor_or_the_first_date_or_as_asked(database: Database, table: Table) -> None:
    database.execute("CREATE TABLE t (id INTEGER, born DATE, seen DATE)")
    database.execute("INSERT INTO t VALUES (1, '1990-05-05', '2020-01-01'), (2, NULL, '2020-02-02')")

    def partitions(cursor: str | None, partition: str | None) -> list[str]:
        return [file.partition for file in run(database, table, cursor, partition=partition, reset=True).manifest.files]

    assert partitions(None, None) == ["born_month=1990-05", "born_month=__HIVE_DEFAULT_PARTITION__"]
    assert partitions("seen", None) == ["seen_month=2020-01", "seen_month=2020-02"]
    assert partitions(None, "seen") == ["seen_month=2020-01", "seen_month=2020-02"]
    assert partitions("id", "seen") == ["seen_month=2020-01", "seen_month=2020-02"]


def test_small_files_grow_instead_of_getting_many(events: Database, table: Table) -> None:
    run(events, table, "id")
    for number in range(4, 20):
        events.execute(f"INSERT INTO t VALUES ({number}, '2020-02-20', 'x')")
        outcome = run(events, table, "id")
    assert len(outcome.manifest.files) <= 4
    assert outcome.manifest.rows == sum(rows(table).values()) == 19


def test_a_new_column_is_carried_over(events: Database, table: Table) -> None:
    run(events, table, "id")
    events.execute("ALTER TABLE t ADD COLUMN price REAL DEFAULT 0.5")
    events.execute("INSERT INTO t VALUES (4, '2020-02-02', 'd', 1.5)")
    assert run(events, table, "id").rows_new == 1
    found = rows(table)
    assert found[1, day(0), "a", None] == 1
    assert found[4, day(3), "d", 1.5] == 1
    assert sum(found.values()) == 4, "the row at the watermark is not there twice"


def test_a_column_that_the_source_dropped_stays_in_the_lake(events: Database, table: Table) -> None:
    run(events, table, "id")
    events.execute("ALTER TABLE t DROP COLUMN note")
    events.execute("INSERT INTO t VALUES (4, '2020-02-02')")
    assert run(events, table, "id").rows_new == 1
    assert rows(table) == EVENTS + Counter([(4, day(3), None)])
    run(events, table, "id", reset=True)
    assert table.read().schema.names == ["id", "day"]


def test_a_wider_type_is_carried_over(postgres: Database, table: Table) -> None:
    postgres.execute("CREATE TABLE t (id INTEGER, price NUMERIC(6, 2), size REAL)")
    postgres.execute("INSERT INTO t VALUES (1, 1234.56, 1.5), (2, NULL, NULL)")
    run(postgres, table, "id")
    postgres.execute("ALTER TABLE t ALTER id TYPE BIGINT, ALTER price TYPE NUMERIC(20, 4), ALTER size TYPE FLOAT8")
    postgres.execute(f"INSERT INTO t VALUES ({2**40}, 1234567890.1234, 0.1)")
    assert run(postgres, table, "id").rows_new == 1
    found = table.read().sort_by("id")
    assert found.schema.types == [pa.int64(), pa.decimal128(20, 4), pa.float64()]
    assert found["id"].to_pylist() == [1, 2, 2**40]
    assert [price and str(price) for price in found["price"].to_pylist()] == ["1234.5600", None, "1234567890.1234"]
    assert found["size"].to_pylist() == [1.5, None, 0.1]
    assert not run(postgres, table, "id").changed


@pytest.mark.parametrize("cursor", [None, "id"])
def test_an_incompatible_change_shows_both_schemas_and_leaves_the_lake(
    postgres: Database, table: Table, cursor: str | None
) -> None:
    postgres.execute("CREATE TABLE t (id INTEGER, v INTEGER)")
    postgres.execute("INSERT INTO t VALUES (1, 1)")
    run(postgres, table, cursor)
    before = objects(table)
    postgres.execute("ALTER TABLE t ALTER v TYPE TEXT")
    with pytest.raises(SchemaConflictError, match="source: id int32, v string\n  lake:   id int32, v int32"):
        run(postgres, table, cursor)
    assert objects(table) == before
    run(postgres, table, cursor, reset=True)
    assert rows(table) == Counter([(1, "1")])


def test_a_narrower_type_stays_wide(postgres: Database, table: Table) -> None:
    postgres.execute("CREATE TABLE t (id BIGINT)")
    run(postgres, table)
    postgres.execute("ALTER TABLE t ALTER id TYPE INTEGER")
    assert not run(postgres, table).changed


def test_of_two_runs_at_once_one_wins_and_the_other_copies_nothing(events: Database, lake_url: str) -> None:
    table = Table(Store(lake_url), "t")
    run(events, table, "id")
    events.execute("INSERT INTO t VALUES (4, '2020-02-02', 'd')")

    def another_run(done: int, total: int) -> None:
        current = table.current()
        if current and current.number == 1:
            assert run(events, Table(Store(lake_url), "t"), "id", run="the winner").rows_new == 1

    with open_source(events.url) as source, pytest.raises(LostRaceError, match=r"another run \(the winner\)"):
        load(source, table.store, Request(Wanted("t"), "id"), another_run)
    assert rows(table) == EVENTS + Counter([(4, day(3), "d")])
    read_by_someone = {file.path for manifest in table.manifests() for file in manifest.files}
    assert {path for path in objects(table) if path.endswith(".parquet")} == read_by_someone
    assert not run(events, table, "id").changed


def test_what_does_not_belong_together_is_not_mixed(events: Database, table: Table, tmp_path: Path) -> None:
    run(events, table, "id")
    with pytest.raises(SourceError, match="copied by the cursor id, not by day"):
        run(events, table, "day")
    with pytest.raises(SourceError, match="copied by the cursor id, not without a cursor"):
        run(events, table)
    assert run(events, table, "day", reset=True).manifest.cursor == "day"
    import sqlite3

    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (id INTEGER)")
    other = Database(f"sqlite:///{tmp_path}/other.db", events.execute)
    with pytest.raises(SourceError, match=r"was copied from .* not from sqlite://.*other\.db"):
        run(other, table, "day")


def test_a_full_copy_can_go_on_by_a_cursor(events: Database, table: Table) -> None:
    run(events, table)
    assert run(events, table, "id").manifest.watermark is not None
    events.execute("INSERT INTO t VALUES (4, '2020-02-02', 'd')")
    assert run(events, table, "id").rows_new == 1


def test_rows_without_a_cursor_value_are_refused_rather_than_lost(events: Database, table: Table) -> None:
    events.execute("INSERT INTO t VALUES (4, NULL, 'd')")
    with pytest.raises(SourceError, match="rows of t have no value in the cursor day"):
        run(events, table, "day")
    assert table.current() is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cursor": "dya"}, "t has no column dya. It has: id, day, note"),
        ({"partition": "dya"}, "t has no column dya. It has: id, day, note"),
        ({"partition": "note"}, "note is of type string; t has: day"),
    ],
)
def test_columns_that_do_not_fit_are_told(
    events: Database, table: Table, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        run(events, table, **options)


def test_a_query_is_copied_to_a_table_of_its_own(events: Database, table: Table) -> None:
    with open_source(events.url) as source:
        load(source, table.store, Request(Wanted("notes", "SELECT id, note FROM t WHERE note IS NOT NULL"), "id"))
    notes = Table(table.store, "notes").read().to_pylist()
    assert sorted(map(str, notes)) == ["{'id': 1, 'note': 'a'}", "{'id': 3, 'note': 'c'}"]


@pytest.mark.parametrize("cursor", [None, "n"])
def test_an_error_while_reading_leaves_nothing_behind(postgres: Database, table: Table, cursor: str | None) -> None:
    """Only the last row fails: by the cursor, those before it are in the lake by then."""
    query = "SELECT n, 1000 / (50000 - n) AS v FROM generate_series(1, 50000) AS n"
    with open_source(postgres.url) as source, pytest.raises(SourceError, match="division by zero"):
        load(source, table.store, Request(Wanted("t", query), cursor))
    assert objects(table) == set()


def test_times_with_a_zone_and_fractions_are_watermarks(postgres: Database, table: Table) -> None:
    postgres.execute("CREATE TABLE t (at TIMESTAMPTZ, id INTEGER)")
    postgres.execute("INSERT INTO t VALUES ('2020-01-01 00:00:00.000001+02', 1), ('2020-01-01 00:00:00.000002+02', 2)")
    run(postgres, table, "at")
    postgres.execute("SET TimeZone = 'Asia/Tokyo'")
    postgres.execute("INSERT INTO t VALUES ('2020-01-01 00:00:00.000003+02', 3)")
    outcome = run(postgres, table, "at")
    assert (outcome.rows_new, outcome.rows_read) == (1, 2)
    assert outcome.manifest.watermark == "2019-12-31 22:00:00.000003+00"
