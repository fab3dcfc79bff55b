"""Hive-style partitions by month.

Takes record batches, gives them apart by the month of a date or time column. The partition's key is called after the
column (`time_hour_month=2013-01`), so that it never clashes with a column `year` or `month` of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

_NULL = "__HIVE_DEFAULT_PARTITION__"


def has_months(type_: pa.DataType) -> bool:
    """Whether a column of this type can partition a table."""
    return bool(pa.types.is_date(type_) or pa.types.is_timestamp(type_))


def by_month(batch: pa.RecordBatch, column: str | None) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The batch's rows by partition, in their order; partition "" where there is no column to part by.

    Months of times with a zone are those of UTC. What is given does not hold on to the whole batch's memory.
    """
    if column is None:
        yield "", batch
        return
    months = _months(batch.column(column))
    bounds = pc.min_max(months)
    if not months.null_count and bounds["min"].equals(bounds["max"]):
        yield _partition(column, bounds["min"].as_py()), batch
        return
    order = pc.sort_indices(months)  # which keeps the order of equal ones
    start = 0
    for end in pc.run_end_encode(months.take(order)).run_ends.to_pylist():
        yield _partition(column, months[order[start].as_py()].as_py()), batch.take(order.slice(start, end - start))
        start = end


def _months(times: pa.Array) -> pa.Array:
    """Months since the year 0."""
    if getattr(times.type, "tz", None) not in (None, "UTC"):
        times = times.cast(pa.timestamp(times.type.unit, "UTC"))
    return pc.add(pc.multiply(pc.year(times), 12), pc.subtract(pc.month(times), 1))


def _partition(column: str, month: int | None) -> str:
    value = _NULL if month is None else f"{month // 12:04}-{month % 12 + 1:02}"
    return f"{quote(column, safe=' ')}_month={value}"
