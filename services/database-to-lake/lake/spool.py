"""Rows of one partition on their way to a Parquet file: in memory first, then on local disk.

Takes record batches, gives their rows again in the order they came, in tables of the size of a row group. (Parquet
writers are no place for rows to wait in: each keeps megabytes of buffers for as long as it is open.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import pyarrow as pa

#: A row group has this many rows, or as many as make so many bytes in memory.
GROUP_ROWS = 131_072
GROUP_BYTES = 16 * 1024 * 1024

#: Batches smaller than this on average are joined before they are written.
_TINY = 64 * 1024
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class Spool:
    """The rows that one partition has got so far."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """`path` is used only when rows are spilled."""
        self._path, self._schema = path, schema
        self._batches: list[pa.RecordBatch] = []
        self._file: pa.RecordBatchWriter | None = None
        #: Bytes in memory, and of all rows (in memory, not as they lie on the disk).
        self.waiting = 0
        self.bytes = 0
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Keeps the rows in memory."""
        self._batches.append(batch)
        self.waiting += batch.nbytes
        self.bytes += batch.nbytes
        self.rows += batch.num_rows

    def spill(self) -> None:
        """Moves what is in memory to the disk."""
        if self._file is None:
            self._file = pa.ipc.new_stream(str(self._path), self._schema, options=_OPTIONS)
        rows = pa.Table.from_batches(self._batches, self._schema)
        if self.waiting < len(self._batches) * _TINY:
            rows = rows.combine_chunks()
        self._file.write_table(rows)
        self._batches, self.waiting = [], 0

    def groups(self) -> Iterator[pa.Table]:
        """All rows, once, in tables of the size of a row group, which do not depend on how the rows came."""
        most = min(GROUP_ROWS, max(1, GROUP_BYTES * self.rows // max(self.bytes, 1)))
        # A power of two, so that a few bytes more or less do not move the bounds of every group.
        most = 1 << (most.bit_length() - 1)
        waiting: list[pa.RecordBatch] = []
        count = 0
        for batch in self._all():
            waiting.append(batch)
            count += batch.num_rows
            while count >= most:
                rows = pa.Table.from_batches(waiting, self._schema)
                yield rows.slice(0, most).combine_chunks()
                waiting, count = rows.slice(most).to_batches(), count - most
        if count:
            yield pa.Table.from_batches(waiting, self._schema).combine_chunks()

    def close(self) -> None:
        """Forgets all rows."""
        if self._file is not None:
            with suppress(OSError):  # What the disk has no room for is not wanted any more.
                self._file.close()
        self._path.unlink(missing_ok=True)
        self._batches = []

    def _all(self) -> Iterable[pa.RecordBatch]:
        if self._file is None:
            return self._batches
        self._file.close()
        return chain(pa.ipc.open_stream(pa.OSFile(str(self._path))), self._batches)
