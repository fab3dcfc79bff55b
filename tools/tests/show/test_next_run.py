"""When a schedule runs next is what a Prefect server says of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.server.schemas.schedules import CronSchedule, RRuleSchedule

from tools.model.prefect import PrefectSchedule
from tools.show.next_run import next_run, spoken_time

NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)

ROWS: dict[str, tuple[dict[str, Any], str | None]] = {
    "a cron in UTC": ({"cron": "15 6 * * *"}, "Sun 2026-03-29 06:15 UTC"),
    "a cron in another zone, after the clocks went forward": (
        {"cron": "15 6 * * *", "timezone": "Europe/Berlin"},
        "Sun 2026-03-29 06:15 CEST",
    ),
    "a cron in another zone": (
        {"cron": "30 13 * * *", "timezone": "Europe/Berlin"},
        "Sat 2026-03-28 13:30 CET",
    ),
    "a weekday": ({"cron": "0 0 * * MON"}, "Mon 2026-03-30 00:00 UTC"),
    "a rule": ({"rrule": "FREQ=WEEKLY;BYDAY=TU;BYHOUR=6;BYMINUTE=0;BYSECOND=0"}, "Tue 2026-03-31 06:00 UTC"),
    "a rule in another zone": (
        {"rrule": "FREQ=DAILY;BYHOUR=6;BYMINUTE=0;BYSECOND=0", "timezone": "America/New_York"},
        "Sun 2026-03-29 06:00 EDT",
    ),
    "a rule with a start": ({"rrule": "DTSTART:20260101T070000\nFREQ=DAILY"}, "Sun 2026-03-29 07:00 UTC"),
    "a rule with a start in UTC": ({"rrule": "DTSTART:20260101T070000Z\nFREQ=DAILY"}, "Sun 2026-03-29 07:00 UTC"),
    "a rule that is over": ({"rrule": "DTSTART:20200101T000000\nFREQ=DAILY;COUNT=3"}, None),
    "an interval": ({"interval": 300.0}, None),
}


@pytest.mark.parametrize(("schedule", "at"), ROWS.values(), ids=ROWS)
def test_next_run(schedule: dict[str, Any], at: str | None) -> None:
    found = next_run(PrefectSchedule(slug="x", schedule=schedule), NOW)

    assert (spoken_time(found) if found else None) == at


@pytest.mark.parametrize("schedule", [row[0] for row in ROWS.values() if "interval" not in row[0]], ids=str)
def test_a_prefect_server_says_the_same(schedule: dict[str, Any]) -> None:
    kind: type[CronSchedule | RRuleSchedule] = CronSchedule if "cron" in schedule else RRuleSchedule
    (theirs, *_) = [*asyncio.run(kind(**schedule).get_dates(1, start=NOW)), None]

    assert next_run(PrefectSchedule(slug="x", schedule=schedule), NOW) == theirs
