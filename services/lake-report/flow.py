"""Charts and tables of the lake as one HTML page."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Failed

from charts import draw
from errors import ReportError
from publish import artifacts, page
from publish.published import Published
from query import bounded, definition
from query.answers import Answer
from query.lake import Lake
from query.report import Report

Summary = dict[str, Any]


@flow(name="lake-report")
def lake_report(report: str = "flights") -> Summary | State[Summary]:
    """Runs the SQL files of a report over the lake at LAKE_URL and publishes a page with their charts and tables.

    Args:
        report: The report's directory in reports/.
    """
    try:
        wanted, lake = definition.load(report), Lake(os.environ.get("LAKE_URL", ""))
        published = answered(wanted, lake.url)
        summary = write(published, lake)
    except ReportError as exc:
        # Its message says all there is to say; a traceback would only hide it.
        get_run_logger().error("%s", exc)
        return Failed(message=str(exc))
    artifacts.show(published, summary["address"])
    return summary


def answered(report: Report, lake: str) -> Published:
    """Runs the report's SQL."""
    with bounded.opened(report.queries, lake) as tables:
        rows = sum(source.rows for source in tables.sources)
        named = ", ".join(f"{source.table} (state {source.number})" for source in tables.sources)
        get_run_logger().info("Reading %s of %s: %s rows", named, lake, f"{rows:,}")
        answers = tuple(timed(tables.answers()))
        return Published(report, answers, tables.sources, tables.read_by(report.main), datetime.now(UTC))


def timed(answers: Iterator[Answer]) -> Iterator[Answer]:
    """The answers; says of each how long it took."""
    started = time.monotonic()
    for answer in answers:
        rows = "1 row" if len(answer.rows) == 1 else f"{len(answer.rows)} rows"
        get_run_logger().info("%s: %s in %.2f s", answer.query.file, rows, time.monotonic() - started)
        yield answer
        started = time.monotonic()


def write(published: Published, lake: Lake) -> Summary:
    """Writes page and chart to the lake, and gives references to them."""
    content = page.html(published).encode()
    picture = draw.png(published.main, published.notes)
    directory = f"_reports/{published.report.name}"
    # The day's copy stays, to see what the report said then. Nothing is written before all of it is made.
    for name in (f"{published.when:%Y-%m-%d}", "latest"):
        lake.put(f"{directory}/{name}.png", picture, "image/png")
        lake.put(f"{directory}/{name}.html", content, "text/html; charset=utf-8")
    address = lake.address(f"{directory}/latest.html")
    get_run_logger().info("Wrote %s/%s/latest.html (%.0f kB): see %s", lake.url, directory, len(content) / 1e3, address)
    return {
        "report": published.report.name,
        "page": f"{lake.url}/{directory}/{published.when:%Y-%m-%d}.html",
        "latest": f"{lake.url}/{directory}/latest.html",
        "chart": f"{lake.url}/{directory}/latest.png",
        "address": address,
        "tables": {source.table: source.number for source in published.sources},
        "rows": sum(source.rows for source in published.sources),
        "bytes": len(content),
    }
