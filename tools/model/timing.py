"""When a schedule may run: the crons, the iCalendar rules and the time zones that Prefect reads as everybody else does.

A form that Prefect reads in another way than it is written, that its server needs very long for, or that it takes and
then never runs, is refused with what to write instead. A differential test on Prefect's own schedules holds the rest.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import prod
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

MOST_A_DAY = 1440
"""Runs a day at the most: one a minute."""
SERVER_START = "DTSTART:20200101T000000"
"""The start that Prefect's server gives a rule without one."""
_EARLIEST, _LATEST = 2000, 2100
_MAX_RRULE = 6500
_MAX_CRON = 500
_LAST_LEAP_YEAR = 9992
"""With a second one after it."""
#: Crons that CronSim reads and the Prefect server refuses or reads in another way.
_NOT_PREFECTS = re.compile(r"LW|\d+L|\b(\d+)-\1\b|\b[07]#\d", re.IGNORECASE)
#: Names that are files of a system's zone database and no zones of IANA.
_NO_ZONES = re.compile(r"(localtime|factory|posixrules|(posix|right)/.*)", re.IGNORECASE)
#: What a rule of hours may have; with more, every hour since its start is looked at, by us and by the server.
_OF_HOURS = frozenset({"FREQ", "INTERVAL", "BYHOUR", "BYMINUTE", "BYSECOND", "COUNT", "UNTIL", "WKST"})
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY")


def anchor(value: str) -> str:
    """Gives the moment from which an interval is counted back: a local time of the schedule's time zone.

    Raises:
        ValueError: it is none, or far away.
    """
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?", value):
            raise ValueError
        found = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(
            f"{value!r} is no local time; write 2026-01-01T06:00:00, in the schedule's `timezone`"
        ) from None
    if not _EARLIEST <= found.year <= _LATEST:
        raise ValueError(f"{value!r} lies before {_EARLIEST} or after {_LATEST}")
    return found.isoformat()


def instant(anchor: str, timezone: str) -> datetime:
    """The moment that an anchor means.

    Raises:
        ValueError: the clocks of its zone pass over it.
    """
    found = datetime.fromisoformat(anchor).replace(tzinfo=ZoneInfo(timezone))
    if found.astimezone(UTC).astimezone(found.tzinfo) != found:
        raise ValueError(f"anchor {anchor} does not exist in {timezone}: the clocks are put forward over it")
    return found


def local(moment: datetime, timezone: str) -> str:
    """The anchor that means a moment, to the second."""
    return moment.astimezone(ZoneInfo(timezone)).replace(tzinfo=None, microsecond=0).isoformat()


def without_server_start(rule: str) -> str:
    """A rule without the start that the server gives one that has none: declared or not, it is the same rule."""
    return rule.removeprefix(f"{SERVER_START}\n")


def timezone(value: str) -> str:
    """Gives a time zone's name back.

    Raises:
        ValueError: it is none of IANA's.
    """
    try:
        if _NO_ZONES.fullmatch(value):
            raise ValueError
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no IANA time zone; examples: UTC, Europe/Berlin, America/New_York") from None
    return value


def cron(value: str) -> str:
    """Gives a cron expression back.

    Raises:
        ValueError: it is none, never fires, or Prefect reads it in another way.
    """
    if len(value) > _MAX_CRON:
        raise ValueError(f"it has {len(value)} characters; a cron has at most {_MAX_CRON}")
    fields = value.split()
    if len(fields) != 5:
        raise ValueError(f"{value!r} has {len(fields)} fields; a cron has 5: minute hour day month weekday")
    try:
        next(CronSim(value, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"{value!r} is no cron expression: {error}") from None
    except StopIteration:
        raise ValueError(f"{value!r} never fires: no such day exists") from None
    other = _NOT_PREFECTS.search(value)
    if other:
        raise ValueError(f"{value!r} has {other[0]}, which Prefect refuses or reads in another way; write it out")
    day, weekday = fields[2], fields[4]
    if "#" in weekday and (day != "*" or not re.fullmatch(r"\w+#[1-5]", weekday)):
        raise ValueError(f"{value!r}: Prefect takes an nth weekday of the month only by itself, as in 0 6 * * 1#2")
    if "*" not in (day, weekday) and (day.startswith("*") or weekday.startswith("*")):
        raise ValueError(
            f"{value!r} restricts the day and the weekday, and Prefect runs it on days that fit either; "
            "write a step as a range (1-31/2), where that is meant"
        )
    return value


def rrule(value: str) -> str:
    """Gives an iCalendar rule back: one RRULE, with or without a DTSTART line before it, in the schedule's time zone.

    Raises:
        ValueError: it is none, or more than that, runs too often or never, or Prefect reads it in another way.
    """
    if len(value) > _MAX_RRULE:
        raise ValueError(f"it has {len(value)} characters; Prefect takes at most {_MAX_RRULE}")
    found = re.fullmatch(r"(?:DTSTART:(?P<start>\S*)\r?\n)?(?:RRULE:)?(?P<rule>[A-Za-z]+=\S+)\s*", value, re.IGNORECASE)
    if found is None:
        raise ValueError(f"{value!r} is no single iCalendar RRULE, with or without a DTSTART line before it")
    parts = _parts(found["rule"], value)
    _check_start(found["start"], parts, value)
    _check_parts(parts, value)
    _check_fires(value)
    return value


def _parts(rule: str, value: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in rule.upper().rstrip(";").split(";"):
        name, _, text = part.partition("=")
        if name in parts or not text:
            raise ValueError(f"{value!r} is no iCalendar RRULE: {part or 'an empty part'}")
        parts[name] = text
    return parts


def _check_start(start: str | None, parts: dict[str, str], value: str) -> None:
    if start is None:
        if "COUNT" in parts:
            raise ValueError(f"{value!r} needs a start: a line DTSTART:20260101T000000 before it")
        return
    if not re.fullmatch(r"\d{8}(T\d{6})?", start):
        raise ValueError(f"{value!r}: DTSTART is {start}; write a local time, DTSTART:20260101T000000, and `timezone`")
    if int(start[:4]) < _EARLIEST:
        raise ValueError(f"{value!r} starts before {_EARLIEST}; the server counts every run from there")


def _check_parts(parts: dict[str, str], value: str) -> None:
    frequency = parts.get("FREQ", "")
    if frequency in ("SECONDLY", "MINUTELY"):
        raise ValueError(f"{value!r}: write FREQ={frequency} as a cron (*/5 * * * *) or an interval of seconds")
    if frequency not in _FREQUENCIES:
        raise ValueError(f"{value!r} is no iCalendar RRULE: FREQ must be one of {', '.join(_FREQUENCIES)}")
    if {"COUNT", "UNTIL"} <= set(parts):
        raise ValueError(f"{value!r} has COUNT and UNTIL; a rule ends by one of them")
    if parts.get("UNTIL", "").endswith("Z"):
        raise ValueError(f"{value!r}: UNTIL is in UTC, and Prefect then never runs it; write a local time without Z")
    if re.fullmatch(r"0+", parts.get("INTERVAL", "1")):
        raise ValueError(f"{value!r} has an interval of 0; it must be 1 or more")
    odd = sorted(set(parts) - _OF_HOURS)
    if frequency == "HOURLY" and odd:
        raise ValueError(
            f"{value!r}: with {odd[0]} write FREQ=DAILY and the hours in BYHOUR; the server counts every hour"
        )
    hours = len(parts["BYHOUR"].split(",")) if "BYHOUR" in parts else 24 if frequency == "HOURLY" else 1
    a_day = prod((hours, *(len(parts.get(name, "0").split(",")) for name in ("BYMINUTE", "BYSECOND"))))
    if a_day > MOST_A_DAY:
        raise ValueError(f"{value!r} runs {a_day} times a day; at most {MOST_A_DAY} are allowed")


def _check_fires(value: str) -> None:
    from dateutil.rrule import rrule as Rule  # noqa: N812 - slow to import, and rules are rare
    from dateutil.rrule import rrulestr

    try:
        made = rrulestr(value, dtstart=None if "DTSTART" in value.upper() else datetime(2020, 1, 1))  # noqa: DTZ001 - local
        if not isinstance(made, Rule):
            raise TypeError("more than one rule")
        start: datetime = made._dtstart  # type: ignore[attr-defined] # dateutil offers no other way to it
        # The calendar's last years are as all others, and dateutil gives up after them; begun today it would look for
        # days that there are not through eight thousand years.
        first = next(iter(made.replace(dtstart=start.replace(year=_LAST_LEAP_YEAR), until=None)), None)
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"{value!r} is no iCalendar RRULE: {error}") from None
    if first is None:
        raise ValueError(f"{value!r} never fires: no such day exists")
