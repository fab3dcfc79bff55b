"""PURE: a schedule + a time -> when it runs next. Asks nobody: for schedules that Prefect does not have yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from tools.model import timing
from tools.model.prefect import PrefectSchedule


def is_known(schedule: PrefectSchedule) -> bool:
    """Whether its next run can be told: a release of long ago may have what is refused today."""
    when: Mapping[str, Any] = {**schedule.schedule, "rrule": _started(schedule.schedule.get("rrule") or "")}
    checks = (("cron", timing.cron), ("rrule", timing.rrule), ("timezone", timing.timezone))
    try:
        for name, check in checks:
            if when.get(name):
                check(str(when[name]))
    except ValueError:
        return False
    return bool(when.get("cron") or when["rrule"] or schedule.anchor)


def _started(rule: str) -> str:
    """A rule with its start: the server's, where it has none of its own."""
    return rule if not rule or "DTSTART" in rule.upper() else f"{timing.SERVER_START}\n{rule}"


def next_run(schedule: PrefectSchedule, now: datetime) -> datetime | None:
    """When a schedule runs next after `now`, in its own time zone.

    None where it never does, and where Prefect alone can say: an interval that is counted from no declared moment.

    Args:
        schedule: as Prefect holds it, or is to hold it; its pause is not looked at.
        now: with a time zone.
    """
    if not is_known(schedule):
        return None
    zone = ZoneInfo(schedule.schedule.get("timezone") or "UTC")
    if "interval" in schedule.schedule:
        return _of_interval(int(schedule.schedule["interval"]), timing.instant(schedule.anchor, zone.key), now)
    if "cron" in schedule.schedule:
        return next(CronSim(schedule.schedule["cron"], now.astimezone(zone)), None)
    return _of_rule(schedule.schedule["rrule"], zone, now)


def _of_interval(seconds: int, anchor: datetime, now: datetime) -> datetime:
    """As Prefect counts: whole steps in seconds to the last before now, from there days by the clock."""
    first, step = anchor.astimezone(UTC), timedelta(seconds=seconds)
    start = now.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    found = first + step * int((start - first) / step)
    days, rest = divmod(seconds, 86400)
    while found < start:
        by_clock = found.astimezone(anchor.tzinfo) + timedelta(days=days)
        found = by_clock.astimezone(UTC) + timedelta(seconds=rest)
    return found.astimezone(anchor.tzinfo)


def _of_rule(text: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    from dateutil.rrule import rrulestr  # slow to import, and rules are rare

    rule = rrulestr(_started(text))
    # A rule's own times are wall-clock times of its zone.
    found = rule.after(now.astimezone(zone).replace(tzinfo=None))
    return found if found is None else found.replace(tzinfo=zone)


def spoken_time(moment: datetime) -> str:
    """`Wed 2026-11-25 06:30 UTC`."""
    return f"{moment:%a %Y-%m-%d %H:%M} {moment.tzname() if moment.tzinfo else ''}".rstrip()
