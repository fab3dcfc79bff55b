"""Lays out a report as one HTML page that loads nothing: no script, no font, no image from elsewhere.

Takes a report, its answers and the tables they come from; gives the page's text. The data is escaped by the template,
and a content security policy in the page forbids whatever might slip through.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import charts
import theme
from answers import Answer
from axes import FONT
from definition import Chart, Report
from lake import Manifest
from tables import table
from values import label, period, shown

#: Pixels of a drawing in a card of each width, and of each drawing on a phone.
_WIDTHS = {"full": 900, "half": 430, "third": 275}
_PHONE = 330


@dataclass(frozen=True)
class Published:
    """A report that has been answered."""

    report: Report
    answers: tuple[Answer, ...]
    sources: tuple[Manifest, ...]
    #: The tables that the main chart is made of.
    sources_of_main: tuple[str, ...]
    when: datetime

    @property
    def main(self) -> Answer:
        return next(answer for answer in self.answers if answer.query is self.report.main)

    @property
    def period(self) -> str:
        """The days that the report covers, "" where it does not say."""
        return next((period(*answer.rows[0]) for answer in self.of(Chart.PERIOD)), "")

    @property
    def figures(self) -> list[tuple[str, str]]:
        """The large numbers: each one's label and value."""
        return [
            (label(name, answer.query.header.column(name)), shown(value, answer.query.header.column(name)))
            for answer in self.of(Chart.FIGURES)
            for name, value in zip(answer.columns, answer.rows[0], strict=True)
        ]

    @property
    def notes(self) -> list[str]:
        """What stands under the title of the main chart where it is seen by itself."""
        source = f"Source: {', '.join(self.sources_of_main)} in the lake" if self.sources_of_main else ""
        return [" · ".join(part for part in (self.period, source) if part)]

    def of(self, chart: Chart) -> list[Answer]:
        """The answers that are shown in one way."""
        return [answer for answer in self.answers if answer.query.header.chart is chart]


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
        "wide": Markup(charts.svg(answer, _WIDTHS[header.width])) if drawn else None,  # noqa: S704 - Vega escapes data
        "narrow": Markup(charts.svg(answer, _PHONE)) if drawn else None,  # noqa: S704
        "table": table(answer),
    }
