"""PURE: a schedule + a time -> when it runs next. Asks nobody: for schedules that Prefect does not have yet."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from tools.model.prefect import PrefectSchedule

_START = datetime(2020, 1, 1)  # noqa: DTZ001 - where Prefect begins a rule without a start, in the schedule's own zone


def next_run(schedule: PrefectSchedule, now: datetime) -> datetime | None:
    """When a schedule runs next after `now`, in its own time zone.

    None where it never does, and for an interval: Prefect counts it from a moment of its own.

    Args:
        schedule: as Prefect holds it, or is to hold it; its pause is not looked at.
        now: with a time zone.
    """
    zone = ZoneInfo(schedule.schedule.get("timezone") or "UTC")
    if "cron" in schedule.schedule:
        return next(CronSim(schedule.schedule["cron"], now.astimezone(zone)), None)
    if "rrule" in schedule.schedule:
        return _of_rule(schedule.schedule["rrule"], zone, now)
    return None


def _of_rule(text: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    from dateutil.rrule import rrulestr  # slow to import, and rules are rare

    rule = rrulestr(text, dtstart=None if "DTSTART" in text.upper() else _START)
    aware = getattr(rule, "_dtstart", _START).tzinfo is not None
    # A rule's own times are wall-clock times of its zone.
    found = rule.after(now.astimezone(UTC) if aware else now.astimezone(zone).replace(tzinfo=None))
    return found if found is None or aware else found.replace(tzinfo=zone)


def spoken_time(moment: datetime) -> str:
    """`Wed 2026-11-25 06:30 UTC`."""
    return f"{moment:%a %Y-%m-%d %H:%M} {moment.tzname() if moment.tzinfo else ''}".rstrip()
