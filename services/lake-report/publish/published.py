"""A report that has been answered: what page, picture and Prefect's UI say of it beside its charts and tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from charts.values import label, period, shown
from query.answers import Answer
from query.lake import Source
from query.report import Chart, Report


@dataclass(frozen=True)
class Published:
    """A report that has been answered."""

    report: Report
    answers: tuple[Answer, ...]
    sources: tuple[Source, ...]
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
