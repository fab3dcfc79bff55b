"""Writes record batches as Parquet files of sensible size, in bounded memory.

Takes batches in any order of partitions; gives the `File`s that hold them. Rows wait in memory until a partition has a
row group's worth (or all together reach a limit), then go to a file on local disk, which is uploaded when it is
complete. A file is known by its content: one that the table already has is not written to the lake again.
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from errors import LakeError
from lake import File, Lake, data_path
from months import by_month

#: A file is closed when it has reached this size.
FILE_BYTES = 64 * 1024 * 1024
#: How many bytes of rows make a row group: roughly 100,000 rows of 20 columns.
GROUP_BYTES = 16 * 1024 * 1024
#: How many bytes of rows may wait in all partitions together.
WAITING_BYTES = 48 * 1024 * 1024
#: How many files may be open at once: ten years of months, and half of what a process may have on macOS.
OPEN_FILES = 128
#: How many complete files may wait for their upload on local disk.
UPLOADS = 2


class _Pending:
    """A file that is being written, and the rows that wait for it."""

    def __init__(self, directory: str, schema: pa.Schema) -> None:
        self._schema = schema
        with tempfile.NamedTemporaryFile(dir=directory, suffix=".parquet", delete=False) as file:
            self.path = Path(file.name)
        self._writer = pq.ParquetWriter(self.path, schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []
        self.waiting = 0
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self.waiting += batch.nbytes
        self.rows += batch.num_rows

    def flush(self) -> int:
        """Writes the waiting rows as one row group; gives how many bytes they were."""
        waiting, batches = self.waiting, self._batches
        self.waiting, self._batches = 0, []
        if batches:
            group = pa.Table.from_batches(batches, self._schema)
            self._writer.write_table(group, row_group_size=max(group.num_rows, 1))
        return waiting

    def close(self) -> None:
        self._writer.close()


Begin = Callable[[str], Iterable[pa.RecordBatch]]


def from_nothing(_partition: str) -> Iterable[pa.RecordBatch]:
    """Files that begin with the rows that are written."""
    return ()


class ParquetWriter:
    """Writes one part of a table's rows. Without `finish` no one refers to what it wrote."""

    def __init__(
        self,
        lake: Lake,
        table: str,
        schema: pa.Schema,
        partition: str | None,
        known: Iterable[File] = (),
        *,
        newest: bool = False,
        begin: Begin = from_nothing,
    ) -> None:
        """`known` are files that need not be written again.

        `begin` gives the rows that the first file of a partition is to begin with.
        """
        self._lake, self._table, self._schema, self._partition = lake, table, schema, partition
        self._known = {(file.partition, file.sha256): file for file in known}
        self._newest, self._begin = newest, begin
        self._pending: dict[str, _Pending] = {}
        self._begun: set[str] = set()
        self._waiting = 0
        self._files: list[File] = []
        self._uploads: deque[Future[None]] = deque()
        #: The paths of what was written to the lake.
        self.uploaded: list[str] = []

    def __enter__(self) -> Self:
        self._spool = tempfile.TemporaryDirectory(prefix="data-flows-")
        self._uploader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="upload")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._uploader.shutdown(cancel_futures=True)
        for pending in self._pending.values():
            pending.close()
        self._spool.cleanup()

    def write(self, batch: pa.RecordBatch) -> None:
        """Takes rows in the writer's schema."""
        if not batch.num_rows:
            return
        try:
            for partition, rows in by_month(batch, self._partition):
                if partition not in self._begun:
                    self._begun.add(partition)
                    for first in self._begin(partition):
                        self._add(partition, first)
                self._add(partition, rows)
        except OSError as exc:
            raise LakeError(f"cannot write to the local disk in {self._spool.name}: {exc}") from exc

    def finish(self) -> list[File]:
        """Writes what still waits; gives all files, when they are in the lake."""
        for partition in sorted(self._pending):
            self._complete(partition)
        self._await_uploads(0)
        return self._files

    def _add(self, partition: str, batch: pa.RecordBatch) -> None:
        if partition not in self._pending:
            if len(self._pending) >= OPEN_FILES:
                self._complete(max(self._pending, key=lambda name: self._pending[name].rows))
            self._pending[partition] = _Pending(self._spool.name, self._schema)
        pending = self._pending[partition]
        pending.add(batch)
        self._waiting += batch.nbytes
        if pending.waiting >= GROUP_BYTES:
            self._flush(partition)
        elif self._waiting >= WAITING_BYTES:
            self._flush(max(self._pending, key=lambda name: self._pending[name].waiting))

    def _flush(self, partition: str) -> None:
        pending = self._pending[partition]
        self._waiting -= pending.flush()
        if pending.path.stat().st_size >= FILE_BYTES:
            self._complete(partition)

    def _complete(self, partition: str) -> None:
        pending = self._pending.pop(partition)
        self._waiting -= pending.flush()
        pending.close()
        with pending.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        known = self._known.get((partition, digest))
        if known:
            self._files.append(known.model_copy(update={"newest": self._newest}))
            pending.path.unlink()
            return
        # Never a name that was used before: what a dead run left under it may be cleaned up at this very moment.
        path = data_path(self._table, partition, f"part-{digest[:16]}-{uuid.uuid4().hex[:8]}.parquet")
        size = pending.path.stat().st_size
        self._files.append(
            File(path=path, partition=partition, sha256=digest, rows=pending.rows, bytes=size, newest=self._newest)
        )
        self.uploaded.append(path)
        self._uploads.append(self._uploader.submit(self._upload, path, pending.path))
        self._await_uploads(UPLOADS)

    def _upload(self, path: str, file: Path) -> None:
        self._lake.upload(path, file)
        file.unlink()

    def _await_uploads(self, most: int) -> None:
        while len(self._uploads) > most:
            self._uploads.popleft().result()
