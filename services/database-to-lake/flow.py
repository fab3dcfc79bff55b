"""Copies a database's table, or what is new in it, to Parquet in the lake."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Failed
from prefect.utilities.urls import url_for

import sample
from errors import CopyError, SourceError, without_secrets
from lake import Lake, data_path
from load import Outcome, Request, load
from sources import Source, Wanted, open_source

#: Seconds between two reports of progress.
REPORT_EVERY = 5.0

Summary = dict[str, Any]


@flow(name="database-to-lake")
def database_to_lake(
    table: str = "flights",
    cursor: str | None = "auto",
    partition: str | None = None,
    query_file: str | None = None,
    reset: bool = False,
) -> Summary | State[Summary]:
    """Copies one table to the lake; run again, it copies only what is new.

    The source is the database at SOURCE_URL, the lake is at LAKE_URL.

    Args:
        table: The table or view to copy, as `name` or `schema.name`.
        cursor: The column that only grows and tells new rows from old ones, such as `updated_at`. Each run then adds
            the rows that came since the one before. Without one (null) each run copies the whole table in place of the
            old copy. `auto` takes what the table was copied by before, or what the sample source suggests, or none.
        partition: The date or time column by whose months the files are parted. By default the cursor, or the table's
            first such column.
        query_file: A .sql file in this service's directory whose rows are copied, instead of a table's, to a table
            called as the file.
        reset: Start over: replace the lake's table even where its source, cursor or columns were others.
    """
    try:
        summary = copy_table(table, cursor, partition, query_file, reset)
    except CopyError as exc:
        # Its message says all there is to say; a traceback would only hide it.
        get_run_logger().error("%s", exc)
        return Failed(message=str(exc))
    publish(summary)
    return summary


def copy_table(table: str, cursor: str | None, partition: str | None, query_file: str | None, reset: bool) -> Summary:
    """Copies, says so in the log, and gives the summary."""
    wanted = wanted_rows(table, query_file)
    lake = Lake(os.environ.get("LAKE_URL", ""))
    with open_source(os.environ.get("SOURCE_URL") or sample.URL) as source:
        request = Request(wanted, chosen_cursor(cursor, wanted, source, lake, reset), partition, reset, run_name())
        logger = get_run_logger()
        logger.info("Copying %s of %s to %s: %s", wanted.name, source.name, where(lake, wanted), manner(request))
        started = time.monotonic()
        outcome = load(source, lake, request, reporter(wanted.name))
    seconds = time.monotonic() - started
    if outcome.untidy:
        logger.warning("Files of older runs were not cleaned up: %s", outcome.untidy)
    logger.info("%s. See this run: %s", told(outcome, seconds), run_address())
    return summarised(outcome, where(lake, wanted), seconds)


def wanted_rows(table: str, query_file: str | None) -> Wanted:
    """What the parameters ask for."""
    if query_file is None:
        return Wanted(table)
    here = Path(__file__).parent
    path = (here / query_file).resolve()
    if not path.is_relative_to(here) or path.suffix != ".sql" or not path.is_file():
        found = sorted(str(file.relative_to(here)) for file in here.glob("[!.]*/**/*.sql"))
        raise SourceError(f"query_file {query_file} is no .sql file in this service's directory: {', '.join(found)}")
    return Wanted(path.stem, path.read_text(encoding="utf-8").strip().rstrip(";"))


def chosen_cursor(cursor: str | None, wanted: Wanted, source: Source, lake: Lake, reset: bool) -> str | None:
    """The cursor column that `auto` stands for, or the one that was asked for."""
    if cursor != "auto":
        return cursor or None
    current = None if reset else lake.current(wanted.name)
    if current and current.cursor:
        return current.cursor
    return None if wanted.query else source.default_cursor(wanted.name)


def told(outcome: Outcome, seconds: float) -> str:
    """What came of it, in a sentence."""
    manifest = outcome.manifest
    if not outcome.changed:
        return f"Nothing new in {seconds:.1f} s: {manifest.table} keeps its {manifest.rows:,} rows"
    return (
        f"Wrote {outcome.rows_new:,} rows in {seconds:.1f} s ({outcome.files_written:,} new files,"
        f" {outcome.bytes_written / 1e6:.2f} MB): {manifest.table} has {manifest.rows:,} rows now"
    )


def summarised(outcome: Outcome, address: str, seconds: float) -> Summary:
    """What the flow returns: figures and references, never rows."""
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


def where(lake: Lake, wanted: Wanted) -> str:
    """The address of a table in the lake."""
    return f"{without_secrets(lake.url)}/{data_path(wanted.name, '', '')}"


def manner(request: Request) -> str:
    """How it is copied, in words."""
    how = f"the rows that are new by {request.cursor}" if request.cursor else "all rows, as there is no cursor"
    return f"{how}; starting over" if request.reset else how


def run_name() -> str:
    """Names this run in the manifest."""
    return f"{flow_run.get_name()} {flow_run.get_id()}"


def run_address() -> str:
    """Where a person finds the run."""
    if PREFECT_API_URL.value() and (url := url_for("flow-run", flow_run.get_id())):
        return url
    return f"`make ui`, then flow run {flow_run.get_name()} ({flow_run.get_id()})"


def reporter(table: str) -> Callable[[int, int], None]:
    """Reports progress in the log and as an artifact, every few seconds; small copies end before the first time."""
    logger = get_run_logger()
    last, artifact = time.monotonic(), None

    def report(done: int, total: int) -> None:
        nonlocal last, artifact
        if time.monotonic() - last < REPORT_EVERY:
            return
        last = time.monotonic()
        percent = min(100.0 * done / max(total, 1), 99.0)
        logger.info("%s: %s of about %s rows read (%.0f %%)", table, f"{done:,}", f"{total:,}", percent)
        if artifact is None:
            artifact = create_progress_artifact(percent, description=f"Rows of {table} read")
        else:
            update_progress_artifact(artifact, progress=percent)

    return report


@task(name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish(summary: Summary) -> None:
    """Shows the summary as a table in Prefect's UI."""
    rows = [{"what": name.replace("_", " "), "value": value} for name, value in summary.items()]
    key = "copied-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in summary["table"].lower()).strip("-")
    create_table_artifact(rows, key=key.rstrip("-"), description=f"{summary['table']} in the lake")
