"""Charts and tables of the lake as one HTML page."""

from __future__ import annotations

import base64
import os
import time
from datetime import UTC, datetime
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed

import charts
import definition
import engine
import page
from answers import Answer
from definition import Report
from errors import ReportError
from lake import Lake
from page import Published
from values import axis_title, bare

Summary = dict[str, Any]

#: Of the main chart's rows, how many the table in Prefect's UI shows.
_ROWS_IN_UI = 100


@flow(name="lake-report")
def lake_report(report: str = "flights") -> Summary | State[Summary]:
    """Runs the SQL files of a report over the lake at LAKE_URL and publishes a page with their charts and tables.

    Args:
        report: The report's directory in reports/.
    """
    try:
        published = answered(definition.load(report), Lake(os.environ.get("LAKE_URL", "")))
        return publish(published, Lake(os.environ.get("LAKE_URL", "")))
    except ReportError as exc:
        # Its message says all there is to say; a traceback would only hide it.
        get_run_logger().error("%s", exc)
        return Failed(message=str(exc))


def answered(report: Report, lake: Lake) -> Published:
    """Runs the report's SQL."""
    manifests = engine.needed(report.queries, lake)
    rows = sum(manifest.rows for manifest in manifests)
    named = ", ".join(f"{manifest.table} (state {manifest.number})" for manifest in manifests)
    get_run_logger().info("Reading %s of %s: %s rows", named, lake.url, f"{rows:,}")
    with engine.opened(lake, manifests) as tables:
        answers = tuple(ask(tables, query) for query in report.queries)
    return Published(report, answers, tuple(manifests), datetime.now(UTC))


def ask(tables: engine.Engine, query: definition.Query) -> Answer:
    """Runs one SQL file and says how long it took."""
    started = time.monotonic()
    answer = tables.answer(query)
    get_run_logger().info("%s: %d rows in %.2f s", query.file, len(answer.rows), time.monotonic() - started)
    return answer


def publish(published: Published, lake: Lake) -> Summary:
    """Writes page and chart to the lake and shows them in Prefect's UI."""
    name = published.report.name
    directory = f"reports/{name}"
    content = page.html(published).encode()
    picture = charts.png(published.main, notes(published))
    lake.put(f"{directory}/chart.png", picture, "image/png")
    # One copy a day stays, to see what the report said then.
    lake.put(f"{directory}/{published.when:%Y-%m-%d}.html", content, "text/html; charset=utf-8")
    lake.put(f"{directory}/index.html", content, "text/html; charset=utf-8")
    address = lake.address(f"{directory}/index.html")
    get_run_logger().info("Wrote %s/%s/index.html (%.0f kB): see %s", lake.url, directory, len(content) / 1e3, address)
    show(published, address)
    return {
        "report": name,
        "page": f"{lake.url}/{directory}/index.html",
        "chart": f"{lake.url}/{directory}/chart.png",
        "address": address,
        "tables": {source.table: source.number for source in published.sources},
        "rows": sum(source.rows for source in published.sources),
        "bytes": len(content),
    }


@task(name="show", cache_policy=NO_CACHE, persist_result=False)
def show(published: Published, address: str) -> None:
    """Shows the report in Prefect's UI: its chart and figures, the chart's rows, and where the page is."""
    report, key = published.report, f"lake-report-{published.report.name}"
    create_markdown_artifact(markdown(published, address), key=key, description=report.title)
    create_table_artifact(rows(published.main), key=f"{key}-rows", description=published.main.query.header.title)
    create_link_artifact(address, link_text=report.title, key=f"{key}-page", description="The report's page")


def markdown(published: Published, address: str) -> str:
    """The report in short, with its main chart in it."""
    small = base64.b64encode(charts.png(published.main, notes(published), width=760, scale=1)).decode()
    figures = "\n".join(f"- {label}: **{value}**" for label, value in published.figures)
    title = published.main.query.header.title
    return "\n\n".join(
        part
        for part in (
            f"# {published.report.title}",
            published.period,
            figures,
            f"![{title}](data:image/png;base64,{small})",
            f"[Open the page]({address})",
        )
        if part
    )


def rows(answer: Answer) -> list[dict[str, str]]:
    """A chart's rows as people read them."""
    header = answer.query.header
    columns = [header.column(name) for name in answer.columns]
    heads = [axis_title(name, column) for name, column in zip(answer.columns, columns, strict=True)]
    return [
        dict(zip(heads, [bare(cell, column) for cell, column in zip(row, columns, strict=True)], strict=True))
        for row in answer.rows[:_ROWS_IN_UI]
    ]


def notes(published: Published) -> list[str]:
    """What stands under the title of the chart that is seen by itself."""
    tables = ", ".join(source.table for source in published.sources)
    return [" · ".join(part for part in (published.period, f"Source: {tables} in the lake") if part)]
