"""Takes rows of a relation to Parquet files of the lake, up to the manifest that would name them.

Takes a relation and what the lake has, gives the `File`s of the table's next state and its watermark. Never commits.

How a table is copied by a cursor: the rows that have its newest value (the watermark) stand in files of their own,
because the source may still get more of them. The next run reads the source's rows at the watermark again, puts them
in their place, together with those that only the lake still has, and adds what is newer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import chain

import pyarrow as pa

from errors import LakeError
from lake.parquet import Begin, ParquetWriter, from_nothing
from lake.schemas import conform
from lake.table import File, Manifest, Table
from row_difference import difference
from source.relation import Part, Relation, Value

#: A file below this size is rewritten together with the next rows of its partition.
SMALL_FILE_BYTES = 8 * 1024 * 1024

Progress = Callable[[int, int], None]


class Copy:
    """One run's way from a relation to files."""

    def __init__(
        self,
        table: Table,
        relation: Relation,
        schema: pa.Schema,
        partition: str | None,
        known: Iterable[File],
        progress: Progress,
    ) -> None:
        """`known` are the table's files, which are not written again where their content comes up again."""
        self._table, self._relation = table, relation
        self.schema, self.partition = schema, partition
        self._known, self._progress = tuple(known), progress
        self.rows_read = 0
        self._written: list[str] = []

    def everything(self) -> list[File]:
        """All rows."""
        return self._write(Part())

    def first(self, cursor: str) -> tuple[list[File], Value | None]:
        """All rows and the watermark, from which the next run goes on."""
        watermark = self._relation.newest(cursor, None)
        if watermark is None:
            return [], None
        files = self._write(Part(cursor, below=watermark))
        return files + self._write(Part(cursor, exactly=watermark), newest=True), watermark

    def since(self, previous: Manifest, cursor: str, old: Value) -> tuple[list[File], Value]:
        """The table's rows together with those that came at its watermark or after it."""
        watermark = self._relation.newest(cursor, old)
        if watermark is None:  # The source was emptied or set back. The lake keeps what it has.
            return list(previous.files), old
        settled = [file for file in previous.files if not file.newest]
        at_old = self._at_watermark(previous, Part(cursor, exactly=old))
        if watermark == old:
            return settled + at_old, old
        settled += [file.model_copy(update={"newest": False}) for file in at_old if not _is_small(file)]
        absorbed: list[File] = []

        def small_files(partition: str) -> Iterator[pa.RecordBatch]:
            small = [file for file in settled if file.partition == partition and _is_small(file)]
            absorbed.extend(small)
            return self._table.batches(small, self.schema)

        newer = self._write(
            Part(cursor, above=old, below=watermark),
            first=self._table.batches([file for file in at_old if _is_small(file)], self.schema),
            begin=small_files,
        )
        kept = [file for file in settled if file not in absorbed]
        return kept + newer + self._write(Part(cursor, exactly=watermark), newest=True), watermark

    def written(self, files: Iterable[File]) -> list[File]:
        """Those of the files that this run wrote."""
        return [file for file in files if file.path in self._written]

    def discard(self) -> None:
        """Removes what was written for nothing, as far as that is possible now."""
        with suppress(LakeError):
            self._table.store.delete(self._written)

    def _at_watermark(self, previous: Manifest, part: Part) -> list[File]:
        """The rows at the watermark: the source's and those that only the lake has, each once."""
        lake_files = [file for file in previous.files if file.newest]
        names = self._relation.schema.names
        common = [name for name in names if name in previous.schema.names]

        def in_lake() -> Iterator[pa.RecordBatch]:
            return self._table.batches(lake_files, self.schema)

        def in_source() -> Iterator[pa.RecordBatch]:
            return self._rows(part)

        if len(common) < len(previous.schema):
            # The source has dropped columns, which makes the lake's version of a row the fuller one.
            count = sum(file.rows for file in lake_files)
            return lake_files + self._write_batches(difference(in_source, in_lake, count, common), newest=True)
        before = self.rows_read
        files = self._write(part, newest=True)
        if not files or sorted(file.sha256 for file in files) == sorted(file.sha256 for file in lake_files):
            return files or lake_files
        left = difference(in_lake, in_source, self.rows_read - before, common)
        return files + self._write_batches(left, newest=True)

    def _rows(self, part: Part) -> Generator[pa.RecordBatch]:
        return (conform(batch, self.schema) for batch in self._relation.batches(part))

    def _write(
        self,
        part: Part,
        *,
        newest: bool = False,
        first: Iterable[pa.RecordBatch] = (),
        begin: Begin = from_nothing,
    ) -> list[File]:
        rows = self._counted(_read_ahead(self._rows(part)))
        return self._write_batches(chain(first, rows), newest=newest, begin=begin)

    def _write_batches(
        self, batches: Iterable[pa.RecordBatch], *, newest: bool, begin: Begin = from_nothing
    ) -> list[File]:
        writer = ParquetWriter(self._table, self.schema, self.partition, self._known, newest=newest, begin=begin)
        try:
            with writer:
                for batch in batches:
                    writer.write(batch)
                return writer.finish()
        finally:
            self._written += writer.uploaded

    def _counted(self, batches: Iterable[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
        for batch in batches:
            yield batch
            self.rows_read += batch.num_rows
            self._progress(self.rows_read, self._relation.estimate)


def _is_small(file: File) -> bool:
    return file.bytes < SMALL_FILE_BYTES


def _read_ahead(batches: Generator[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
    """The batches, the next one fetched while the last one is in use. The thread has ended when this generator has."""
    with closing(batches), ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        ahead = reader.submit(next, batches, None)
        while (batch := ahead.result()) is not None:
            ahead = reader.submit(next, batches, None)
            yield batch
