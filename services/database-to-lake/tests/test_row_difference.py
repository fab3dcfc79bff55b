"""One multiset of rows minus another."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from row_difference import REMEMBERED, difference

SCHEMA = pa.schema([("t", pa.string()), ("n", pa.float64()), ("b", pa.binary()), ("l", pa.list_(pa.int32()))])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "t": st.none() | st.text(alphabet="a1:null", max_size=4),
            "n": st.none() | st.sampled_from([0.5, 1.0, 11.0]),
            "b": st.none() | st.binary(max_size=2),
            "l": st.none() | st.lists(st.none() | st.integers(0, 1), max_size=2),
        }
    ),
    max_size=12,
)


def left(
    lake: list[dict[str, Any]], source: list[dict[str, Any]], columns: list[str], remembered: int = REMEMBERED
) -> list[dict[str, Any]]:
    tables = [pa.Table.from_pylist(rows, SCHEMA) for rows in (lake, source)]
    batches = difference(
        lambda: tables[0].to_batches(max_chunksize=5),
        lambda: tables[1].to_batches(max_chunksize=3),
        len(source),
        columns,
        remembered,
    )
    return [row for batch in batches for row in batch.to_pylist()]


def counted(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(str(sorted(row.items())) for row in rows)


@given(ROWS, ROWS)
def test_what_is_left_is_the_difference_of_the_multisets(
    lake: list[dict[str, Any]], source: list[dict[str, Any]]
) -> None:
    assert counted(left(lake, source, SCHEMA.names)) == counted(lake) - counted(source)


@given(ROWS, ROWS)
def test_comparing_in_shares_gives_the_same(lake: list[dict[str, Any]], source: list[dict[str, Any]]) -> None:
    assert counted(left(lake, source, SCHEMA.names, remembered=3)) == counted(lake) - counted(source)


def test_rows_are_compared_by_the_common_columns_only() -> None:
    row = {"t": "a", "n": 1.0, "b": None, "l": None}
    assert left([row], [{**row, "n": 2.0}], ["t"]) == []
    assert left([row, row], [{**row, "n": 2.0}], ["t"]) == [row]
