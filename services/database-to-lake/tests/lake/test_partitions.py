"""Parting by month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.partitions import by_month

UTC = dt.UTC


def parted(values: Sequence[object], type_: pa.DataType, name: str = "at") -> dict[str, list[object]]:
    batch = pa.record_batch([pa.array(values, type_)], names=[name])
    found = [(partition, rows[name].to_pylist()) for partition, rows in by_month(batch, name)]
    assert len(dict(found)) == len(found)
    return dict(found)


def test_rows_keep_their_order_within_a_month() -> None:
    days = [dt.date(2020, 2, 3), dt.date(2020, 1, 9), None, dt.date(2020, 2, 1), dt.date(2020, 1, 1)]
    assert parted(days, pa.date32()) == {
        "at_month=2020-01": [dt.date(2020, 1, 9), dt.date(2020, 1, 1)],
        "at_month=2020-02": [dt.date(2020, 2, 3), dt.date(2020, 2, 1)],
        "at_month=__HIVE_DEFAULT_PARTITION__": [None],
    }


def test_months_of_times_with_a_zone_are_those_of_utc() -> None:
    value = dt.datetime(2020, 1, 1, 0, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert list(parted([value], pa.timestamp("us", "+01:00"))) == ["at_month=2019-12"]


@pytest.mark.parametrize(
    ("day", "month"),
    [(dt.date(1, 1, 1), "0001-01"), (dt.date(1969, 12, 31), "1969-12"), (dt.date(9999, 12, 31), "9999-12")],
)
def test_every_year_has_its_months(day: dt.date, month: str) -> None:
    assert list(parted([day], pa.date32())) == [f"at_month={month}"]


def test_a_name_of_a_column_cannot_lead_out_of_its_table() -> None:
    (partition,) = parted([dt.date(2020, 1, 1)], pa.date32(), name="../a=b/c")
    assert partition == "..%2Fa%3Db%2Fc_month=2020-01"


def test_without_a_column_all_rows_are_one_part() -> None:
    batch = pa.record_batch({"a": [1, 2]})
    assert [(name, rows.num_rows) for name, rows in by_month(batch, None)] == [("", 2)]


@given(st.lists(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)) | st.none(), min_size=1))
def test_every_row_is_in_the_part_of_its_month_once(values: list[dt.datetime | None]) -> None:
    found = parted(values, pa.timestamp("us"))
    for partition, rows in found.items():
        months = {value and f"{value.year:04}-{value.month:02}" for value in rows if isinstance(value, dt.datetime)}
        assert months == (set() if "HIVE" in partition else {partition.removeprefix("at_month=")})
    assert sorted(map(str, values)) == sorted(str(value) for rows in found.values() for value in rows)
