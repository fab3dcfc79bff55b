"""Writes record batches as Parquet files of sensible size, in bounded memory.

Takes batches in any order of partitions; gives the `File`s that hold them. A file is written on local disk and then
uploaded. It is known by its content: one that the table already has is not written to the lake again.
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
from lake.partitions import by_month
from lake.spool import Spool
from lake.table import File, Table

#: A file ends when it has reached this size, or so many bytes of rows (as they are in memory).
FILE_BYTES = 64 * 1024 * 1024
FILE_ROWS_BYTES = 256 * 1024 * 1024
#: How many bytes of rows may wait in memory, and how many in all (those on disk are compressed).
WAITING_BYTES = 32 * 1024 * 1024
SPOOLED_BYTES = 8 * 1024 * 1024 * 1024
#: How many partitions may wait at once: ten years of months, and half of the files that macOS lets a process open.
SPOOLS = 128
#: How many files are made at once when the source has given its last row, and may wait for their upload.
WRITERS = 2
UPLOADS = 2

Begin = Callable[[str], Iterable[pa.RecordBatch]]


def from_nothing(_partition: str) -> Iterable[pa.RecordBatch]:
    """Files that begin with the rows that are written."""
    return ()


class ParquetWriter:
    """Writes one part of a table's rows. Without `finish` no one refers to what it wrote."""

    def __init__(
        self,
        table: Table,
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
        self._table, self._schema, self._partition = table, schema, partition
        self._known = {(file.partition, file.sha256): file for file in known}
        self._newest, self._begin = newest, begin
        self._spools: dict[str, Spool] = {}
        self._begun: set[str] = set()
        self._waiting = self._spooled = 0
        self._files: list[File] = []
        self._uploads: deque[Future[None]] = deque()
        #: The paths of what was written to the lake.
        self.uploaded: list[str] = []

    def __enter__(self) -> Self:
        self._scratch = tempfile.TemporaryDirectory(prefix="data-flows-")
        self._uploader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="upload")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._uploader.shutdown(cancel_futures=True)
        for spool in self._spools.values():
            spool.close()
        self._scratch.cleanup()

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
            raise self._disk_error(exc) from exc

    def finish(self) -> list[File]:
        """Writes what still waits; gives all files, when they are in the lake."""
        partitions = sorted(self._spools)
        writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="write")
        try:
            made = writers.map(self._made, (self._spools[partition] for partition in partitions))
            for partition, files in zip(partitions, made, strict=True):
                self._hand_over(partition, files)
        except OSError as exc:
            raise self._disk_error(exc) from exc
        finally:
            writers.shutdown(cancel_futures=True)
        self._await_uploads(0)
        return self._files

    def _add(self, partition: str, batch: pa.RecordBatch) -> None:
        if partition not in self._spools:
            if len(self._spools) >= SPOOLS:
                self._complete_largest()
            self._spools[partition] = Spool(self._scratch_file(".arrow"), self._schema)
        spool = self._spools[partition]
        spool.add(batch)
        self._waiting += batch.nbytes
        self._spooled += batch.nbytes
        if spool.bytes >= FILE_ROWS_BYTES:
            self._complete(partition)
        elif self._spooled >= SPOOLED_BYTES:
            self._complete_largest()
        elif self._waiting >= WAITING_BYTES:
            fullest = max(self._spools.values(), key=lambda spool: spool.waiting)
            self._waiting -= fullest.waiting
            fullest.spill()

    def _complete_largest(self) -> None:
        self._complete(max(self._spools, key=lambda partition: self._spools[partition].bytes))

    def _complete(self, partition: str) -> None:
        spool = self._spools.pop(partition)
        self._waiting -= spool.waiting
        self._spooled -= spool.bytes
        self._hand_over(partition, self._made(spool))

    def _made(self, spool: Spool) -> list[tuple[Path, int]]:
        """Makes Parquet of a partition's rows, as a rule one file; gives each with its number of rows."""
        files = []
        groups = spool.groups()
        group = next(groups, None)
        while group is not None:
            path, rows = self._scratch_file(".parquet"), 0
            with pq.ParquetWriter(path, self._schema, compression="zstd") as writer:
                while group is not None and path.stat().st_size < FILE_BYTES:
                    writer.write_table(group, row_group_size=group.num_rows)
                    rows += group.num_rows
                    group = next(groups, None)
            files.append((path, rows))
        spool.close()
        return files

    def _hand_over(self, partition: str, files: Iterable[tuple[Path, int]]) -> None:
        """Sends files on their way to the lake, unless they are there."""
        for local, rows in files:
            with local.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            known = self._known.get((partition, digest))
            if known:
                self._files.append(known.model_copy(update={"newest": self._newest}))
                local.unlink()
                continue
            # Never a name that was used before: what a dead run left under it may be cleaned up at this very moment.
            path = self._table.path(partition, f"part-{digest[:16]}-{uuid.uuid4().hex[:8]}.parquet")
            size = local.stat().st_size
            self._files.append(
                File(path=path, partition=partition, sha256=digest, rows=rows, bytes=size, newest=self._newest)
            )
            self.uploaded.append(path)
            self._uploads.append(self._uploader.submit(self._upload, path, local))
            self._await_uploads(UPLOADS)

    def _upload(self, path: str, local: Path) -> None:
        self._table.store.upload(path, local)
        local.unlink()

    def _await_uploads(self, most: int) -> None:
        while len(self._uploads) > most:
            self._uploads.popleft().result()

    def _scratch_file(self, suffix: str) -> Path:
        return Path(self._scratch.name) / f"{uuid.uuid4().hex}{suffix}"

    def _disk_error(self, exc: OSError) -> LakeError:
        return LakeError(f"cannot write to the local disk in {self._scratch.name}: {exc}")
