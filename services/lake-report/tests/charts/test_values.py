"""Values as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from charts.values import axis_title, period, shown
from query.answers import Value
from query.report import Column


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (336776, Column(), "336,776"),
        (12.639, Column(unit="min"), "12.6\N{NO-BREAK SPACE}min"),
        (22.1946, Column(unit="%", digits=0), "22%"),
        (-3, Column(), "−3"),
        (-0.01, Column(), "0.0"),
        (None, Column(unit="%"), "–"),
        (123456789012345678, Column(), "123,456,789,012,345,678"),
        (1.5e15, Column(unit="%"), "1.500e+15%"),
        (-1.7e308, Column(digits=0), "−1.700e+308"),
        ("a & <b>", Column(), "a & <b>"),
        (date(2013, 1, 31), Column(), "2013-01-31"),
        (datetime(2013, 1, 31, 10, 5, tzinfo=UTC), Column(), "2013-01-31 10:05 UTC"),
    ],
)
def test_values_are_written_with_their_units(value: Value, column: Column, text: str) -> None:
    assert shown(value, column) == text


def test_columns_without_a_label_are_called_by_their_names() -> None:
    assert axis_title("mean_delay", Column(unit="min")) == "Mean delay (min)"


def test_a_period_is_written_out() -> None:
    assert period(date(2013, 1, 1), date(2013, 12, 31)) == "1 January 2013 – 31 December 2013"
    assert period(None, None) == "no data"
