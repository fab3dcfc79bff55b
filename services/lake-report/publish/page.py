"""Lays out a report as one HTML page that loads nothing: no script, no font, no image from elsewhere.

Takes a report, its answers and the tables they come from; gives the page's text. The data is escaped by the template,
and a content security policy in the page forbids whatever might slip through.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from charts import draw, theme
from charts.axes import FONT
from publish.published import Published
from publish.tables import table
from query.answers import Answer
from query.report import Chart

#: Pixels of a drawing in a card of each width, and of each drawing on a phone.
_WIDTHS = {"full": 900, "half": 430, "third": 275}
_PHONE = 330


def html(published: Published) -> str:
    """The page."""
    shown_as_cards = [one for one in published.answers if one.query.header.chart not in (Chart.FIGURES, Chart.PERIOD)]
    sections = [
        {"name": name, "cards": [_card(answer) for answer in answers]}
        for name, answers in groupby(shown_as_cards, key=lambda answer: answer.query.header.section)
    ]
    return (
        Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        .get_template("page.html.jinja")
        .render(
            report=published.report,
            period=published.period,
            figures=published.figures,
            sections=sections,
            sources=published.sources,
            when=published.when,
            light=theme.LIGHT,
            dark=theme.DARK,
            font=FONT,
        )
    )


def _card(answer: Answer) -> dict[str, Any]:
    header = answer.query.header
    drawn = header.chart.is_drawn
    return {
        "query": answer.query,
        "width": header.width,
        "wide": Markup(draw.svg(answer, _WIDTHS[header.width])) if drawn else None,  # noqa: S704 - Vega escapes data
        "narrow": Markup(draw.svg(answer, _PHONE)) if drawn else None,  # noqa: S704
        "table": table(answer),
    }
