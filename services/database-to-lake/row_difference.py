"""Which rows of one table another one has not.

Takes two streams of rows as multisets (a row may stand in a table twice), gives one minus the other. Memory is bounded:
of many rows only a share is compared at a time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

#: How many of the rows to leave out are remembered at a time, at about 100 bytes each.
REMEMBERED = 500_000

Rows = Callable[[], Iterable[pa.RecordBatch]]


def difference(
    rows: Rows, without: Rows, without_count: int, columns: Sequence[str], remembered_rows: int = REMEMBERED
) -> Iterator[pa.RecordBatch]:
    """The rows without those others, compared by these columns, which have the same types on both sides.

    Both sides are read once per `remembered_rows` of the `without_count` others.
    """
    shares = -(-without_count // remembered_rows) or 1
    for share in range(shares):
        remembered = Counter(
            digest for batch in without() for digest in _digests(batch, columns) if digest % shares == share
        )
        for batch in rows():
            left = []
            for digest in _digests(batch, columns):
                mine = digest % shares == share
                left.append(mine and not remembered[digest])
                if mine and remembered[digest]:
                    remembered[digest] -= 1
            yield batch.filter(pa.array(left, pa.bool_()))


def _digests(batch: pa.RecordBatch, columns: Sequence[str]) -> list[int]:
    """A 64-bit number for each row: the same for equal rows."""
    # Each value with its length before it, so that no two different rows give the same text.
    parts = []
    for name in columns:
        text = _text(batch.column(name))
        parts += [pc.binary_length(text).cast(pa.string()).cast(pa.binary()), text]
    keys = pc.binary_join_element_wise(*parts, b":", null_handling="replace", null_replacement=b"null")
    return [int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) for key in keys.to_pylist()]


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_nested(column.type):
        return pa.array([None if value is None else repr(value).encode() for value in column.to_pylist()], pa.binary())
    return column if pa.types.is_binary(column.type) else column.cast(pa.string()).cast(pa.binary())
