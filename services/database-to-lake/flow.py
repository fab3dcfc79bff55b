"""Copies a database's table, or what is new in it, to Parquet in the lake."""

from __future__ import annotations

import os
import time
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, PREFECT_HOME
from prefect.states import Failed
from prefect.utilities.urls import url_for

import allocator  # noqa: F401 - before all that loads pyarrow
from errors import CopyError, SourceError
from lake.store import Store
from lake.table import Table
from load import Request, load
from source.open import SAMPLE_URL, open_source
from source.relation import Source, Wanted
from summary import Progress, Summary, summarised, told


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
    started = time.monotonic()
    wanted = wanted_rows(table, query_file)
    store = Store(os.environ.get("LAKE_URL", ""))
    in_lake = Table(store, wanted.name)
    with open_source(os.environ.get("SOURCE_URL") or SAMPLE_URL) as source:
        request = Request(wanted, chosen_cursor(cursor, wanted, source, in_lake, reset), partition, reset, run_name())
        logger = get_run_logger()
        logger.info("Copying %s of %s to %s: %s", wanted.name, source.name, in_lake.address, manner(request))
        with Progress(wanted.name) as progress:
            outcome = load(source, store, request, progress)
    seconds = time.monotonic() - started
    if outcome.untidy:
        logger.warning("Files of older runs were not cleaned up: %s", outcome.untidy)
    logger.info("%s. See this run: %s", told(outcome, seconds), run_address())
    return summarised(outcome, in_lake.address, seconds)


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


def chosen_cursor(cursor: str | None, wanted: Wanted, source: Source, in_lake: Table, reset: bool) -> str | None:
    """The cursor column that `auto` stands for, or the one that was asked for."""
    if cursor != "auto":
        return cursor or None
    current = None if reset else in_lake.current()
    if current and current.cursor:
        return current.cursor
    return None if wanted.query else source.default_cursor(wanted.name)


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
    # An embedded API keeps the run in a directory, which `make run-flow` sets and `make ui` shows.
    shown = "`make ui` shows it" if "PREFECT_HOME" in os.environ else f"kept in {PREFECT_HOME.value()} only"
    return f"flow run {flow_run.get_name()} ({flow_run.get_id()}), {shown}"


@task(name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish(summary: Summary) -> None:
    """Shows the summary as a table in Prefect's UI."""
    rows = [{"what": name.replace("_", " "), "value": value} for name, value in summary.items()]
    key = "copied-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in summary["table"].lower()).strip("-")
    create_table_artifact(rows, key=key.rstrip("-"), description=f"{summary['table']} in the lake")
