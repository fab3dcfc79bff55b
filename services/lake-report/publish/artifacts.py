"""What Prefect's UI shows of a report: its chart and figures, the chart's rows, and where the page is.

Takes a report that has been answered, gives artifacts. Writes nothing to the lake.
"""

from __future__ import annotations

import base64
import re

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from charts import draw
from charts.values import axis_title
from publish.published import Published
from publish.tables import crossed, table
from query.answers import Answer
from query.report import Chart

#: Of the main chart's rows, how many the table in Prefect's UI shows.
_ROWS = 100


@task(name="show", cache_policy=NO_CACHE, persist_result=False)
def show(published: Published, address: str) -> None:
    """Makes the artifacts `lake-report-<report>`, `…-rows` and `…-page`."""
    report, main = published.report, published.main
    key = "lake-report-" + re.sub("[^a-z0-9]+", "-", report.name.lower()).strip("-")
    create_markdown_artifact(markdown(published, address), key=key, description=report.title)
    create_table_artifact(rows(main), key=f"{key}-rows", description=what(main))
    create_link_artifact(address, link_text=report.title, key=f"{key}-page", description="The report's page")


def markdown(published: Published, address: str) -> str:
    """The report in short, with its main chart in it."""
    small = base64.b64encode(draw.png(published.main, published.notes, width=760, scale=1)).decode()
    figures = "\n".join(f"- {label}: **{value}**" for label, value in published.figures)
    parts = (
        f"# {published.report.title}",
        published.period,
        figures,
        f"![The main chart](data:image/png;base64,{small})",
        f"[Open the page]({address})",
    )
    return "\n\n".join(part for part in parts if part)


def what(answer: Answer) -> str:
    """What a chart's rows are; of a heatmap's values, also what they are called."""
    header = answer.query.header
    if header.value is None:
        return header.title
    return f"{header.title}: {axis_title(header.value, header.column(header.value))}"


def rows(answer: Answer) -> list[dict[str, str]]:
    """A chart's rows as people read them: a heatmap's as they are drawn."""
    shown = crossed(answer) if answer.query.header.chart is Chart.HEATMAP else table(answer)
    return [dict(zip(shown.heads, row, strict=True)) for row in shown.rows[:_ROWS]]
