"""What a person and a caller get to know of a copy: progress, a sentence, a summary.

Takes what the load says, gives text and figures; writes to the run's log and to Prefect's artifacts.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self, TypedDict, cast
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from load import Outcome
from source.relation import Value

#: Seconds between two reports; a copy that is faster has none.
EVERY = 5.0


class Summary(TypedDict):
    """What the flow returns: figures and references, never rows."""

    table: str
    source: str
    lake: str
    manifest: int
    cursor: str | None
    watermark: Value | None
    partitioned_by: str | None
    rows_new: int
    rows_read: int
    rows_total: int
    files_written: int
    bytes_written: int
    files_total: int
    seconds: float


class Progress:
    """Tells every few seconds how far a copy is, in the log and as a progress artifact."""

    def __init__(self, table: str, every: float = EVERY) -> None:
        self._table, self._every = table, every
        self._last = time.monotonic()
        self._artifact: UUID | None = None

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._last < self._every:
            return
        self._last = time.monotonic()
        # The total is an estimate: a copy is complete when it is.
        percent = min(100.0 * done / max(total, 1), 99.0)
        get_run_logger().info("%s: %s of about %s rows read", self._table, f"{done:,}", f"{max(done, total):,}")
        self._show(percent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._artifact is not None:
            self._show(100.0)

    def _show(self, percent: float) -> None:
        if self._artifact is None:
            # Declared as a coroutine too, which it is only where an event loop runs.
            self._artifact = cast("UUID", create_progress_artifact(percent, description=f"Rows of {self._table} read"))
        else:
            update_progress_artifact(self._artifact, progress=percent)


def told(outcome: Outcome, seconds: float) -> str:
    """What came of it, in a sentence."""
    manifest = outcome.manifest
    if not outcome.changed:
        return f"Nothing new in {seconds:.1f} s: {manifest.table} keeps its {manifest.rows:,} rows"
    files = "file" if outcome.files_written == 1 else "files"
    return (
        f"Wrote {outcome.rows_new:,} rows in {seconds:.1f} s ({outcome.files_written:,} new {files},"
        f" {outcome.bytes_written / 1e6:.2f} MB): {manifest.table} has {manifest.rows:,} rows now"
    )


def summarised(outcome: Outcome, address: str, seconds: float) -> Summary:
    """The figures and references of a copy."""
    manifest = outcome.manifest
    return {
        "table": manifest.table,
        "source": manifest.source,
        "lake": address,
        "manifest": manifest.number,
        "cursor": manifest.cursor,
        "watermark": manifest.watermark,
        "partitioned_by": manifest.partition,
        "rows_new": outcome.rows_new,
        "rows_read": outcome.rows_read,
        "rows_total": manifest.rows,
        "files_written": outcome.files_written,
        "bytes_written": outcome.bytes_written,
        "files_total": len(manifest.files),
        "seconds": round(seconds, 2),
    }
