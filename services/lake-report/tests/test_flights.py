"""The report `flights`: its numbers, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lakes import CopiedLake

from query import definition, engine
from query.lake import Lake

Rows = list[tuple[Any, ...]]


@pytest.fixture
def rows_of(lake: CopiedLake, tmp_path: Path) -> Callable[[str], Rows]:
    """What a SQL file of the report gives, as (column, column, …)."""

    def rows(name: str) -> Rows:
        [query] = [query for query in definition.load("flights").queries if query.name == name]
        opened = Lake(lake.url)
        with engine.opened(opened, engine.needed([query], opened), tmp_path) as tables:
            return list(tables.answer(query).rows)

    return rows


def flown(*flights: tuple[int | None, str, str]) -> str:
    """Flights of 8 March 2013 from JFK: delay, None where cancelled; airline; hour."""
    return " UNION ALL ".join(
        f"""SELECT 2013 AS year, 3 AS month, 8 AS day, '{carrier}' AS carrier, 'JFK' AS origin,
            {"NULL" if delay is None else 900}::int AS dep_time,
            {"NULL" if delay is None else delay}::double AS dep_delay,
            TIMESTAMPTZ '2013-03-08 {hour}:00:00+00' AS time_hour"""
        for delay, carrier, hour in flights
    )


def weather(*hours: tuple[str, str, str, str]) -> str:
    """Weather at JFK by the hour: hour, wind, visibility, precipitation."""
    return " UNION ALL ".join(
        f"""SELECT 2013 AS year, 3 AS month, 8 AS day, 'JFK' AS origin, TIMESTAMPTZ '2013-03-08 {hour}:00:00+00' AS
            time_hour, {wind}::double AS wind_speed, {visibility}::double AS visib, {rain}::double AS precip"""
        for hour, wind, visibility, rain in hours
    )


@pytest.mark.parametrize(
    ("file", "column", "value", "name"),
    [
        ("50-late-by-wind", 1, "0", "0–5"),
        ("50-late-by-wind", 1, "4.99", "0–5"),
        ("50-late-by-wind", 1, "5", "5–10"),
        ("50-late-by-wind", 1, "13.8", "10–15"),
        ("50-late-by-wind", 1, "24.99", "20–25"),
        ("50-late-by-wind", 1, "25", "25+"),
        ("50-late-by-wind", 1, "1048.4", "25+"),
        ("51-late-by-visibility", 2, "10", "10"),
        ("51-late-by-visibility", 2, "9.99", "5–10"),
        ("51-late-by-visibility", 2, "2", "2–5"),
        ("51-late-by-visibility", 2, "1.5", "1–2"),
        ("51-late-by-visibility", 2, "0.06", "< 1"),
        ("52-late-by-rain", 3, "0", "none"),
        ("52-late-by-rain", 3, "0.01", "< 0.05"),
        ("52-late-by-rain", 3, "0.05", "0.05–0.2"),
        ("52-late-by-rain", 3, "0.2", "0.2+"),
    ],
)
def test_weather_falls_into_its_class(
    lake: CopiedLake, rows_of: Callable[[str], Rows], file: str, column: int, value: str, name: str
) -> None:
    hour = ["10", "NULL", "NULL", "NULL"]
    hour[column] = value
    lake.table("flights", flown((20, "AA", "10"), (0, "AA", "10"), (None, "AA", "10"), (99, "AA", "11")))
    lake.table("weather", weather((hour[0], hour[1], hour[2], hour[3]), ("11", "NULL", "NULL", "NULL")))
    # Of the three departures two were late; one of those in an hour whose weather nobody knows.
    assert rows_of(file) == [(name, 50.0, 2, pytest.approx(200 / 3))]


def test_airlines_have_names_and_stand_by_how_late_they_are(lake: CopiedLake, rows_of: Callable[[str], Rows]) -> None:
    of_each = [(15, "AA"), (14, "AA"), (None, "AA"), (15, "BB"), (15, "BB"), (0, "CC"), (-3, "CC")]
    lake.table("flights", flown(*((delay, carrier, "10") for delay, carrier in of_each for _ in range(15))))
    lake.table("airlines", "SELECT 'AA' AS carrier, 'A & B Co.' AS name UNION ALL SELECT 'BB', 'Béton Airlines Inc.'")
    half = pytest.approx(50.0)
    assert rows_of("31-late-by-airline") == [
        ("Béton Airlines", 100.0, 15.0, 30, half),
        ("A & B", 50.0, 14.5, 30, half),
        ("CC", 0.0, -1.5, 30, half),
    ]
    assert rows_of("30-departures-by-airline") == [("A & B", 30, 15), ("Béton Airlines", 30, 0), ("CC", 30, 0)]
    heat = rows_of("20-airlines-by-month")
    assert heat == [("Mar", "Béton Airlines", 100.0, 30), ("Mar", "A & B", 50.0, 30), ("Mar", "CC", 0.0, 30)]


def test_airlines_that_hardly_fly_are_not_compared(lake: CopiedLake, rows_of: Callable[[str], Rows]) -> None:
    lake.table("flights", flown(*([(15, "AA", "10")] * 29), *([(0, "BB", "10")] * 30)))
    lake.table("airlines", "SELECT 'AA' AS carrier, 'A' AS name")
    assert [row[0] for row in rows_of("31-late-by-airline")] == ["BB"]
    assert [row[1] for row in rows_of("20-airlines-by-month")] == ["BB"]
    assert [row[0] for row in rows_of("30-departures-by-airline")] == ["BB", "A"]


def test_the_worst_days_come_with_their_weather(lake: CopiedLake, rows_of: Callable[[str], Rows]) -> None:
    lake.table("flights", flown((20, "AA", "10"), (0, "AA", "10"), (None, "AA", "10"), (100, "AA", "10")))
    lake.table("weather", weather(("10", "12.5", "1", "0.3"), ("11", "20", "1", "0.2")))
    assert rows_of("60-worst-days") == [("Fri, 8 Mar 2013", 4, 75.0, 25.0, 40.0, 0.5, 20.0)]


def test_months_stand_in_the_years_order(lake: CopiedLake, rows_of: Callable[[str], Rows]) -> None:
    lake.flights()
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    assert [row[0] for row in rows_of("40-departures-by-month")] == months
    assert list(dict.fromkeys(row[0] for row in rows_of("20-airlines-by-month"))) == months
