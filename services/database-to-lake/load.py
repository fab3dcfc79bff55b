"""Brings one table of the lake up to what the source holds.

Takes a source, a lake and what is wanted; gives an `Outcome`. Data files come first, then one manifest that names them: until
that is written the lake is as it was.

How a table is copied by a cursor column: the rows that have its newest value (the watermark) stand in files of their own,
because the source may still get more of them. The next run reads the source's rows at the watermark again, puts them in
their place together with those of the lake that the source has deleted meanwhile, and adds what is newer.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pyarrow as pa

from errors import LakeError, LostRace, SourceError
from lake import File, Lake, Manifest, encoded
from leftovers import leftovers
from months import has_months
from parquet import ParquetWriter
from prefetch import prefetched
from schemas import conform, merged
from sources import Part, Relation, Source, Value, Wanted

#: A file below this size is rewritten together with the next rows of its partition.
SMALL_FILE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """What to copy and how."""

    wanted: Wanted
    cursor: str | None = None
    #: The date or time column to part the files by; the cursor or the first such column when it is None.
    partition: str | None = None
    #: Whether to replace the lake's table whatever it is.
    reset: bool = False
    #: Names the run in the manifest.
    run: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    manifest: Manifest
    changed: bool
    rows_read: int
    #: How many rows came, or how many were copied in place of the old ones.
    rows_new: int
    files_written: int
    bytes_written: int


Progress = Callable[[int, int], None]


def load(source: Source, lake: Lake, request: Request, progress: Progress = lambda done, total: None) -> Outcome:
    """Copies what is new; `progress` is told how many rows were read, and about how many there are."""
    started = datetime.now(timezone.utc)
    current = lake.current(request.wanted.name)
    previous = None if request.reset else current
    if previous:
        _check_continues(previous, source, request)
    since = None
    if previous and request.cursor == previous.cursor and request.cursor and previous.watermark is not None:
        since = (request.cursor, previous.watermark)
    with source.open(request.wanted, since) as relation:
        copy = _Copy(lake, relation, request, current, previous, progress)
        try:
            files, watermark = copy.since(since[1]) if since else copy.all()
        except BaseException:
            copy.discard()
            raise
    return _commit(copy, files, watermark, source, started)


def _check_continues(previous: Manifest, source: Source, request: Request) -> None:
    """Refuses to mix what does not belong together."""
    name, hint = request.wanted.name, "To start the table over, set the parameter reset"
    if previous.source != source.name:
        raise SourceError(f"{name} in the lake was copied from {previous.source}, not from {source.name}. {hint}")
    if previous.cursor and previous.cursor != request.cursor:
        now = f"by {request.cursor}" if request.cursor else "without a cursor"
        raise SourceError(f"{name} in the lake is copied by the cursor {previous.cursor}, not {now}. {hint}")
    if previous.cursor and request.partition and previous.partition != request.partition:
        raise SourceError(f"{name} in the lake is parted by {previous.partition}, not by {request.partition}. {hint}")


class _Copy:
    """One run's way from a relation to files in the lake."""

    def __init__(
        self,
        lake: Lake,
        relation: Relation,
        request: Request,
        current: Manifest | None,
        previous: Manifest | None,
        progress: Progress,
    ) -> None:
        self.lake, self.relation, self.request, self.current, self.previous = lake, relation, request, current, previous
        for column in filter(None, (request.cursor, request.partition)):
            if column not in relation.schema.names:
                columns = ", ".join(relation.schema.names)
                raise SourceError(f"{request.wanted.name} has no column {column}. It has: {columns}")
        if request.cursor and relation.has_null(request.cursor):
            raise SourceError(
                f"rows of {request.wanted.name} have no value in the cursor {request.cursor}, so it cannot tell whether they are"
                " new. Use another cursor, none at all, or a query (query_file) that gives the column a value"
            )
        #: Whether rows are added to those of the lake rather than put in their place.
        self.incremental = bool(previous and previous.cursor)
        self.schema = relation.schema
        if previous:
            self.schema = merged(request.wanted.name, previous.schema, relation.schema, keep_dropped=self.incremental)
        self.partition = previous.partition if previous and self.incremental else _partition(self.schema, request)
        self.rows_read = 0
        self.written: list[str] = []
        self._progress = progress

    def all(self) -> tuple[list[File], Value | None]:
        """Every row."""
        cursor = self.request.cursor
        if cursor is None:
            return self._write(Part()), None
        watermark = self.relation.newest(cursor, None)
        if watermark is None:
            return [], None
        files = self._write(Part(cursor, below=watermark))
        return files + self._write(Part(cursor, exactly=watermark), newest=True), watermark

    def since(self, old: Value) -> tuple[list[File], Value | None]:
        """The rows that came after the watermark or at it."""
        previous, cursor = self.previous, self.request.cursor
        assert previous and cursor
        watermark = self.relation.newest(cursor, old)
        if watermark is None:  # The source was emptied or set back. The lake keeps what it has.
            return list(previous.files), old
        settled = [file for file in previous.files if not file.newest]
        at_old = self._at_watermark(Part(cursor, exactly=old), [file for file in previous.files if file.newest])
        if watermark == old:
            return settled + at_old, old
        absorbed: list[File] = []
        newer = self._write(
            Part(cursor, above=old, below=watermark), begin=lambda partition: self._absorb(partition, settled, absorbed)
        )
        kept = [file for file in settled if file not in absorbed]
        kept += [file.model_copy(update={"newest": False}) for file in at_old]
        return kept + newer + self._write(Part(cursor, exactly=watermark), newest=True), watermark

    def discard(self) -> None:
        """Removes what was written for nothing, as far as possible."""
        with suppress(LakeError):
            self.lake.delete(self.written)

    def _at_watermark(self, part: Part, lake_files: list[File]) -> list[File]:
        """The source's rows at the watermark, and those that only the lake still has."""
        before = self.rows_read
        files = self._write(part, newest=True)
        count = self.rows_read - before
        if not count:
            return lake_files
        if sorted(file.sha256 for file in files) == sorted(file.sha256 for file in lake_files):
            return files
        assert self.previous
        previous, columns = self.previous, [name for name in self.schema.names if name in self.relation.schema.names]
        left = leftovers(
            lambda: (conform(batch, self.schema) for batch in self.lake.batches(previous, tuple(lake_files))),
            lambda: self._conformed(part),
            count,
            [name for name in columns if name in previous.schema.names],
        )
        return files + self._write_batches(left, newest=True)

    def _absorb(self, partition: str, settled: list[File], absorbed: list[File]) -> Generator[pa.RecordBatch]:
        """The rows of a partition's small files, which thereby are replaced."""
        small = [file for file in settled if file.partition == partition and file.bytes < SMALL_FILE_BYTES]
        absorbed += small
        assert self.previous
        for batch in self.lake.batches(self.previous, tuple(small)):
            yield conform(batch, self.schema)

    def _conformed(self, part: Part) -> Generator[pa.RecordBatch]:
        return (conform(batch, self.schema) for batch in self.relation.batches(part))

    def _write(
        self, part: Part, *, newest: bool = False, begin: Callable[[str], Iterable[pa.RecordBatch]] = lambda partition: ()
    ) -> list[File]:
        return self._write_batches(self._counted(prefetched(self._conformed(part))), newest=newest, begin=begin)

    def _write_batches(
        self,
        batches: Iterable[pa.RecordBatch],
        *,
        newest: bool,
        begin: Callable[[str], Iterable[pa.RecordBatch]] = lambda partition: (),
    ) -> list[File]:
        known = self.current.files if self.current else ()
        writer = ParquetWriter(
            self.lake, self.request.wanted.name, self.schema, self.partition, known, newest=newest, begin=begin
        )
        try:
            with writer:
                for batch in batches:
                    writer.write(batch)
                return list(writer.finish())
        finally:
            self.written += writer.uploaded

    def _counted(self, batches: Iterable[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
        for batch in batches:
            yield batch
            self.rows_read += batch.num_rows
            self._progress(self.rows_read, self.relation.estimate)


def _partition(schema: pa.Schema, request: Request) -> str | None:
    times = [column.name for column in schema if has_months(column.type)]
    if request.partition and request.partition not in times:
        found = schema.field(request.partition).type
        raise SourceError(f"{request.partition} is of type {found}; files are parted by a date or time column: {times or 'none'}")
    if request.partition or request.cursor in times:
        return request.partition or request.cursor
    return times[0] if times else None


def _commit(copy: _Copy, files: list[File], watermark: Value | None, source: Source, started: datetime) -> Outcome:
    """Writes the manifest where the table's state has changed, and cleans up behind older runs."""
    request, lake, current = copy.request, copy.lake, copy.current
    manifest = Manifest(
        number=current.number + 1 if current else 1,
        table=request.wanted.name,
        source=source.name,
        created=datetime.now(timezone.utc),
        run=request.run,
        arrow_schema=encoded(copy.schema),
        partition=copy.partition,
        cursor=request.cursor,
        watermark=watermark,
        files=tuple(sorted(files, key=lambda file: (file.partition, file.path))),
    )
    changed = current is None or _state(manifest) != _state(current)
    if changed:
        try:
            lake.commit(manifest, started)
        except LostRace:
            copy.discard()
            raise
    lake.tidy(request.wanted.name, datetime.now(timezone.utc))
    written = [file for file in files if file.path in copy.written]
    return Outcome(
        manifest=manifest if changed or current is None else current,
        changed=changed,
        rows_read=copy.rows_read,
        rows_new=(manifest.rows - (copy.previous.rows if copy.incremental and copy.previous else 0)) if changed else 0,
        files_written=len(written),
        bytes_written=sum(file.bytes for file in written),
    )


def _state(manifest: Manifest) -> Manifest:
    """What readers see of a table."""
    nothing = datetime.fromtimestamp(0, timezone.utc)
    return manifest.model_copy(update={"number": 0, "created": nothing, "run": ""})
