"""Brings one table of the lake up to what the source holds.

Takes a source, the lake's store and what is wanted; gives an `Outcome`. Data files come first, then one manifest that
names them: until that is written the lake is as it was.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from copy_rows import Copy, Progress
from errors import LakeError, LostRaceError, SourceError
from lake.partitions import has_months
from lake.schemas import merged
from lake.store import Store
from lake.table import File, Manifest, Table, encoded
from source.relation import Relation, Source, Value, Wanted


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
    #: How many rows were added, or how many were copied in place of the old ones.
    rows_new: int
    files_written: int
    bytes_written: int
    #: Why files of older runs could not be cleaned up, "" where they were.
    untidy: str


def load(source: Source, store: Store, request: Request, progress: Progress = lambda done, total: None) -> Outcome:
    """Copies what is new; `progress` is told how many rows were read, and about how many there are to read.

    Raises a `CopyError`: the lake is as it was.
    """
    started = datetime.now(UTC)
    table = Table(store, request.wanted.name)
    current = table.current()
    previous = None if request.reset else current
    if previous:
        _check_continues(previous, source, request)
    # By the cursor there is only something to add to where the last run left a watermark.
    base = previous if previous and previous.cursor and previous.watermark is not None else None
    since = (request.cursor, base.watermark) if base and request.cursor and base.watermark is not None else None
    with source.open(request.wanted, since) as relation:
        _check_columns(relation, request)
        schema = relation.schema
        if previous:
            schema = merged(table.name, previous.schema, schema, keep_dropped=base is not None)
        partition = base.partition if base else _partition(schema, request)
        known = current.files if current else ()
        copy = Copy(table, relation, schema, partition, known, progress)
        try:
            files, watermark = _copied(copy, base, request.cursor, since)
        except BaseException:
            copy.discard()
            raise
    manifest = _manifest(source, request, copy, files, watermark, current)
    changed = current is None or _state(manifest) != _state(current)
    if changed:
        try:
            table.commit(manifest, started)
        except LostRaceError:
            copy.discard()
            raise
    written = copy.written(files)
    return Outcome(
        manifest=manifest if changed or current is None else current,
        changed=changed,
        rows_read=copy.rows_read,
        rows_new=manifest.rows - (base.rows if base else 0) if changed else 0,
        files_written=len(written),
        bytes_written=sum(file.bytes for file in written),
        untidy=_tidied(table),
    )


def _tidied(table: Table) -> str:
    try:
        table.tidy(datetime.now(UTC))
    except LakeError as exc:
        # The copy is complete and committed; a later run cleans up.
        return str(exc)
    return ""


def _copied(
    copy: Copy, base: Manifest | None, cursor: str | None, since: tuple[str, Value] | None
) -> tuple[list[File], Value | None]:
    if base and since:
        return copy.since(base, *since)
    return copy.first(cursor) if cursor else (copy.everything(), None)


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


def _check_columns(relation: Relation, request: Request) -> None:
    name = request.wanted.name
    for column in filter(None, (request.cursor, request.partition)):
        if column not in relation.schema.names:
            raise SourceError(f"{name} has no column {column}. It has: {', '.join(relation.schema.names)}")
    if request.cursor and relation.has_null(request.cursor):
        raise SourceError(
            f"rows of {name} have no value in the cursor {request.cursor}, so it cannot tell whether they are new. "
            "Use another cursor, none at all (null), or a query (query_file) that gives the column a value"
        )


def _partition(schema: pa.Schema, request: Request) -> str | None:
    times = [column.name for column in schema if has_months(column.type)]
    if request.partition and request.partition not in times:
        raise SourceError(
            f"files are parted by a date or time column, and {request.partition} is of type "
            f"{schema.field(request.partition).type}; {request.wanted.name} has: {', '.join(times) or 'none'}"
        )
    if request.partition or request.cursor in times:
        return request.partition or request.cursor
    return times[0] if times else None


def _manifest(
    source: Source,
    request: Request,
    copy: Copy,
    files: list[File],
    watermark: Value | None,
    current: Manifest | None,
) -> Manifest:
    return Manifest(
        number=current.number + 1 if current else 1,
        table=request.wanted.name,
        source=source.name,
        created=datetime.now(UTC),
        run=request.run,
        arrow_schema=encoded(copy.schema),
        partition=copy.partition,
        cursor=request.cursor,
        watermark=watermark,
        files=tuple(sorted(files, key=lambda file: (file.partition, file.path))),
    )


def _state(manifest: Manifest) -> Manifest:
    """What readers see of a table."""
    nothing = datetime.fromtimestamp(0, UTC)
    return manifest.model_copy(update={"number": 0, "created": nothing, "run": ""})
