"""A moment as people say it."""

from __future__ import annotations

from datetime import datetime

_DAY = 86400
_UNITS = ((_DAY, "d"), (3600, "h"), (60, "min"), (1, "s"))


def ago(moment: datetime, now: datetime) -> str:
    """`5 min ago`, `in 3 h`; the date where it is more than a month away."""
    seconds = (now - moment).total_seconds()
    size = abs(seconds)
    if size > 30 * _DAY:
        return f"{moment:%Y-%m-%d}"
    length, unit = next((found for found in _UNITS if size >= found[0]), _UNITS[-1])
    count = int(size / length)
    return f"{count} {unit} ago" if seconds >= 0 else f"in {count} {unit}"
