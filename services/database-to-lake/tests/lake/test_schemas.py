"""How columns may change."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import SchemaConflictError
from lake.schemas import conform, merged, wider

TYPES = [
    pa.null(), pa.bool_(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.string(), pa.binary(),
    pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.decimal128(5, 2), pa.decimal128(38, 0),
    pa.decimal256(50, 20), pa.list_(pa.int32()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (pa.int32(), pa.int64(), pa.int64()),
        (pa.int16(), pa.float64(), pa.float64()),
        (pa.int64(), pa.float64(), None),
        (pa.float32(), pa.float64(), pa.float64()),
        (pa.int32(), pa.decimal128(12, 2), pa.decimal128(12, 2)),
        (pa.int64(), pa.decimal128(12, 2), None),
        (pa.decimal128(10, 2), pa.decimal128(12, 4), pa.decimal128(12, 4)),
        (pa.decimal128(10, 0), pa.decimal128(4, 4), pa.decimal128(14, 4)),
        (pa.decimal128(38, 0), pa.decimal128(38, 38), pa.decimal256(76, 38)),
        (pa.decimal256(76, 0), pa.decimal128(10, 10), None),
        (pa.date32(), pa.timestamp("us"), pa.timestamp("us")),
        (pa.date32(), pa.timestamp("us", "UTC"), None),
        (pa.timestamp("us"), pa.timestamp("us", "UTC"), None),
        (pa.null(), pa.string(), pa.string()),
        (pa.int64(), pa.string(), None),
        (pa.bool_(), pa.int64(), None),
        (pa.binary(), pa.string(), None),
    ],
)
def test_a_type_grows_only_where_every_value_stays_exact(
    one: pa.DataType, other: pa.DataType, both: pa.DataType | None
) -> None:
    assert wider(one, other) == both
    assert wider(other, one) == both


@given(st.sampled_from(TYPES), st.sampled_from(TYPES))
def test_growing_is_symmetric_and_arrives(one: pa.DataType, other: pa.DataType) -> None:
    both = wider(one, other)
    assert both == wider(other, one)
    if both is not None:
        assert wider(one, both) == both
        assert wider(both, other) == both


@given(st.lists(st.integers(-(2**31), 2**31 - 1)), st.sampled_from(TYPES))
def test_values_are_the_same_after_their_type_has_grown(values: list[int], other: pa.DataType) -> None:
    both = wider(pa.int32(), other)
    if both is not None:
        batch = pa.record_batch({"v": pa.array(values, pa.int32())})
        assert conform(batch, pa.schema([("v", both)]))["v"].to_pylist() == values


def test_columns_keep_their_place_and_new_ones_come_last() -> None:
    lake = pa.schema([("a", pa.int32()), ("b", pa.string()), ("c", pa.bool_())])
    source = pa.schema([("new", pa.date32()), ("c", pa.bool_()), ("a", pa.int64())])
    assert merged("t", lake, source, keep_dropped=True).names == ["a", "b", "c", "new"]
    assert merged("t", lake, source, keep_dropped=False).names == ["a", "c", "new"]
    assert merged("t", lake, source, keep_dropped=False).field("a").type == pa.int64()


def test_a_conflict_shows_both_schemas() -> None:
    lake, source = (
        pa.schema([("id", pa.int64()), ("v", pa.int64())]),
        pa.schema([("id", pa.int64()), ("v", pa.string())]),
    )
    with pytest.raises(SchemaConflictError) as raised:
        merged("orders", lake, source, keep_dropped=True)
    message = str(raised.value)
    assert "the column v of orders" in message
    assert "source: id int64, v string" in message
    assert "lake:   id int64, v int64" in message


def test_a_column_that_a_batch_lacks_is_null() -> None:
    batch = pa.record_batch({"a": [1, 2]})
    found = conform(batch, pa.schema([("b", pa.string()), ("a", pa.int64())]))
    assert found.to_pylist() == [{"b": None, "a": 1}, {"b": None, "a": 2}]
