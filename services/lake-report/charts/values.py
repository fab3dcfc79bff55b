"""How values are written for people: 336,776, 12.6 min, 21.9%, 2013-01-31. Takes values, gives texts."""

from __future__ import annotations

from datetime import date, datetime

from query.answers import Value
from query.report import Column

NONE = "\N{EN DASH}"
#: From here on a number is written as 1.234e+20, unless it is a whole one.
UNREADABLE = 1e15


def shown(value: Value, column: Column) -> str:
    """A value with its unit."""
    text = bare(value, column)
    return text if value is None else text + suffix(column.unit)


def bare(value: Value, column: Column) -> str:
    """A value without its unit."""
    if value is None:
        return NONE
    if isinstance(value, int | float):
        text = f"{value:{_form(value, column)}}"
        negative_zero = text.startswith("-") and not text.strip("-0.,")
        return text[1:] if negative_zero else text.replace("-", "\N{MINUS SIGN}")
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M") + (" UTC" if value.tzinfo else "")
    return str(value)


def _form(value: float, column: Column) -> str:
    if isinstance(value, int) and not column.digits:
        return ","  # all of its digits; as a float it would have 16
    return ".3e" if abs(value) >= UNREADABLE else f",.{digits(value, column)}f"


def digits(value: float, column: Column) -> int:
    """How many digits stand after the decimal point."""
    if column.digits is not None:
        return column.digits
    return 0 if isinstance(value, int) else 1


def suffix(unit: str) -> str:
    """A unit as it follows a number: 5%, 5 min."""
    return unit if unit in ("", "%", "°") else f"\N{NO-BREAK SPACE}{unit}"


def label(name: str, column: Column) -> str:
    """What a column is called."""
    return column.label or name.replace("_", " ").capitalize()


def axis_title(name: str, column: Column) -> str:
    """What a column is called, with its unit."""
    return f"{label(name, column)} ({column.unit})" if column.unit else label(name, column)


def period(first: Value, last: Value) -> str:
    """A first and a last day: from 1 January 2013 to 31 December 2013."""
    return f" {NONE} ".join(_day(day) for day in (first, last)) if first is not None else "no data"


def _day(value: Value) -> str:
    return f"{value.day} {value:%B %Y}" if isinstance(value, date) else NONE
