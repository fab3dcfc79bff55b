"""When a schedule runs next is what a Prefect server says of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

from tools.model import timing
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
    "a rule that is over": ({"rrule": "DTSTART:20200101T000000\nFREQ=DAILY;COUNT=3"}, None),
    "an interval": ({"interval": 300.0}, None),
}
ANCHORS: dict[str, tuple[dict[str, Any], str, str]] = {
    "every six hours": ({"interval": 21600.0}, "2026-03-01T01:00:00", "Sat 2026-03-28 13:00 UTC"),
    "from a moment to come": ({"interval": 21600.0}, "2030-01-01T05:00:00", "Sat 2026-03-28 17:00 UTC"),
    "every two days, over the change of the clocks": (
        {"interval": 172800.0, "timezone": "Europe/Berlin"},
        "2026-03-26T06:00:00",
        "Mon 2026-03-30 06:00 CEST",
    ),
    "every day, counted from the winter": (
        {"interval": 86400.0, "timezone": "Europe/Berlin"},
        "2026-01-01T06:00:00",
        "Sun 2026-03-29 06:00 CEST",
    ),
}


@pytest.mark.parametrize(("schedule", "at"), ROWS.values(), ids=ROWS)
def test_next_run(schedule: dict[str, Any], at: str | None) -> None:
    found = next_run(PrefectSchedule(slug="x", schedule=schedule), NOW)

    assert (spoken_time(found) if found else None) == at


@pytest.mark.parametrize(("schedule", "anchor", "at"), ANCHORS.values(), ids=ANCHORS)
def test_next_run_of_an_interval_with_an_anchor(schedule: dict[str, Any], anchor: str, at: str) -> None:
    found = next_run(PrefectSchedule(slug="x", schedule=schedule, anchor=anchor), NOW)

    assert found is not None
    assert spoken_time(found) == at


@pytest.mark.parametrize("schedule", [row[0] for row in ROWS.values() if "interval" not in row[0]], ids=str)
def test_a_prefect_server_says_the_same(schedule: dict[str, Any]) -> None:
    kind: type[CronSchedule | RRuleSchedule] = CronSchedule if "cron" in schedule else RRuleSchedule
    (theirs, *_) = [*asyncio.run(kind(**schedule).get_dates(1, start=NOW)), None]

    assert next_run(PrefectSchedule(slug="x", schedule=schedule), NOW) == theirs


OF_THE_PAST = {
    "a start in UTC": {"rrule": "DTSTART:20260101T070000Z\nFREQ=DAILY"},
    "a start in a zone": {"rrule": "DTSTART;TZID=Europe/Berlin:20260101T070000\nFREQ=DAILY"},
    "an end in UTC": {"rrule": "FREQ=DAILY;UNTIL=20300101T000000Z"},
    "every second since 1900": {"rrule": "DTSTART:19000101T000000\nFREQ=SECONDLY"},
    "a zone that is none": {"cron": "0 6 * * *", "timezone": "Mars/Olympus"},
    "seconds": {"cron": "0 0 6 * * *"},
    "nonsense": {"rrule": "nonsense"},
    "nothing": {},
}


@pytest.mark.parametrize("schedule", OF_THE_PAST.values(), ids=OF_THE_PAST)
def test_what_is_refused_today_and_a_release_of_long_ago_may_have_is_left_to_prefect(schedule: dict[str, Any]) -> None:
    assert next_run(PrefectSchedule(slug="x", schedule=schedule), NOW) is None


# Generated schedules: where we take one, Prefect and we agree about its next three runs ------------------------------

ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca"]
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - made UTC
    lambda moment: moment.replace(microsecond=0)
)


def field(least: int, most: int, *words: str) -> st.SearchStrategy[str]:
    """A field of a cron, of every form."""
    number = st.integers(least, most).map(str)
    span = st.tuples(st.integers(least, most), st.integers(least, most)).map(lambda two: f"{min(two)}-{max(two)}")
    step = st.integers(1, most).map(str)
    one = st.one_of(number, span, st.tuples(st.one_of(st.just("*"), span), step).map("/".join), *map(st.just, words))
    return st.one_of(st.just("*"), one, st.lists(one, min_size=2, max_size=3).map(",".join))


CRONS = st.tuples(
    field(0, 59),
    field(0, 23),
    field(1, 31, "L"),
    field(1, 12, "jan", "FEB", "mar-may"),
    field(0, 7, "mon", "FRI", "mon-fri", "1#2", "sun#1", "0#5", "5L", "L"),
).map(" ".join)
RULES = st.builds(
    lambda start, frequency, parts: f"{start}FREQ={frequency}{''.join(f';{part}' for part in parts)}",
    st.sampled_from(
        ["", "", "RRULE:", "DTSTART:20240229T103000\n", "DTSTART:20210615\nRRULE:", "DTSTART:20260101T000000Z\n"]
    ),
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY", "MINUTELY"]),
    st.lists(
        st.sampled_from(
            [
                "INTERVAL=1",
                "INTERVAL=3",
                "BYDAY=MO,WE",
                "BYDAY=-1FR",
                "BYMONTHDAY=31",
                "BYMONTHDAY=-1",
                "BYMONTH=2",
                "BYHOUR=6,18",
                "BYMINUTE=0,30",
                "BYSECOND=0",
                "COUNT=2000",
                "UNTIL=20290101T000000",
                "UNTIL=20290101T000000Z",
                "BYSETPOS=-1",
                "WKST=SU",
            ]
        ),
        max_size=4,
        unique_by=lambda part: part.split("=")[0],
    ),
)


def accepted(kind: str, text: str) -> bool:
    """Whether service.toml takes it."""
    try:
        (timing.cron if kind == "cron" else timing.rrule)(text)
    except ValueError:
        return False
    return True


def ours(schedule: dict[str, Any], start: datetime) -> list[datetime]:
    """The next three runs, as we say."""
    found: list[datetime] = []
    for _ in range(3):
        then = next_run(PrefectSchedule(slug="x", schedule=schedule), found[-1] if found else start)
        if then is None:
            break
        found.append(then)
    return found


def theirs(schedule: dict[str, Any], start: datetime) -> list[datetime]:
    """The next three runs, as the server says."""
    kind: type[CronSchedule | RRuleSchedule] = CronSchedule if "cron" in schedule else RRuleSchedule
    found: list[datetime] = [*asyncio.run(kind(**schedule).get_dates(4, start=start + timedelta(seconds=1)))]
    return [then for then in found if then > start][:3]


def agree(schedule: dict[str, Any], start: datetime) -> None:
    """Both say the same, as far as the server knows its zones: its summers end with the year 2037.

    For an hour that the clocks pass over the server names the one before; what lies there is not compared.
    """
    known = datetime(2037, 1, 1, tzinfo=UTC)
    for one, other in zip_longest(ours(schedule, start), theirs(schedule, start)):
        if any(then and (then >= known or clocks_change(then)) for then in (one, other)):
            return
        assert one == other


def clocks_change(moment: datetime) -> bool:
    """Whether the clocks of a moment's zone are changed within a day of it."""
    zone = ZoneInfo(str(moment.tzinfo))
    before, after = ((moment.astimezone(UTC) + timedelta(days=days)).astimezone(zone) for days in (-1, 1))
    return before.utcoffset() != after.utcoffset()


@given(CRONS, ZONES, MOMENTS)
def test_prefect_and_we_agree_about_every_cron_that_we_take(cron: str, zone: str, start: datetime) -> None:
    assume(accepted("cron", cron))
    agree({"cron": cron, "timezone": zone}, start)


@given(RULES, ZONES, MOMENTS)
def test_prefect_and_we_agree_about_every_rule_that_we_take(rule: str, zone: str, start: datetime) -> None:
    assume(accepted("rrule", rule))
    agree({"rrule": rule, "timezone": zone}, start)


@given(
    st.sampled_from([60, 300, 3600, 5400, 86399, 86400, 90000, 172800, 604800, 2_592_000]),
    st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 - local
    ZONES,
    MOMENTS,
)
def test_prefect_and_we_agree_about_every_interval_with_an_anchor(
    seconds: int, anchor: datetime, zone: str, start: datetime
) -> None:
    text = anchor.replace(microsecond=0).isoformat()
    try:
        moment = timing.instant(timing.anchor(text), zone)
    except ValueError:
        assume(False)
    # As the client sends it and the server keeps it: an offset from UTC.
    sent = IntervalSchedule(interval=timedelta(seconds=seconds), anchor_date=moment.isoformat(), timezone=zone)
    schedule = PrefectSchedule(slug="x", schedule={"interval": float(seconds), "timezone": zone}, anchor=text)
    for _ in range(3):
        (their_next,) = asyncio.run(sent.get_dates(1, start=start + timedelta(seconds=1)))
        our_next = next_run(schedule, start)
        assert our_next == their_next
        start = datetime.fromtimestamp(their_next.timestamp(), UTC)
