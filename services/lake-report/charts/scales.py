"""Where axes begin and end, and the classes that a heatmap's colours stand for. Takes and gives numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from query.answers import Value

#: Far beyond what anybody counts, and far within what a float holds.
_LARGEST = 1e100


def numbers(values: Iterable[Value]) -> list[float]:
    """Those of the values that are numbers."""
    return [value for value in values if isinstance(value, int | float)]


def drawable(value: Value) -> Value:
    """A value in the place of one that is too large or too small for a drawing's arithmetic."""
    if not isinstance(value, int | float) or abs(value) <= _LARGEST:
        return 0 if isinstance(value, float) and abs(value) < 1 / _LARGEST else value
    return math.copysign(_LARGEST, value)


def extent(values: Iterable[Value], end: float | None) -> tuple[float, float]:
    """From 0 or the least value below it to the greatest one, or to a given end where that is farther."""
    found = numbers(values)
    low, high = min([0, *found]), max([0, *found, *([end] if end else [])])
    return (low, high) if low < high else (0, 1)


@dataclass(frozen=True)
class Classes:
    """Equal steps between round bounds."""

    start: float
    step: float
    names: Sequence[str]
    shades: int

    def of(self, value: float) -> int:
        """The class of a value; the greatest bound belongs to the last one."""
        return min(int((value - self.start) / self.step + 1e-9), len(self.names) - 1)

    def shade(self, number: int) -> int:
        """Which of the shades a class has: the first one the first, the last one the last."""
        count = len(self.names)
        return round(number * (self.shades - 1) / (count - 1)) if count > 1 else self.shades // 2


def classes(values: Iterable[Value], most: int, unit: str) -> Classes:
    """At most so many classes for these values, as fine as round bounds allow."""
    found = numbers(values) or [0]
    low, high = min(found), max(found)
    step = _round_step(low, high, most)
    start = math.floor(low / step + 1e-9) * step
    count = max(math.ceil((high - start) / step - 1e-9), 1)
    form = _form(step)
    bounds = [f"{start + number * step:{form}}".replace("-", "\N{MINUS SIGN}") for number in range(count + 1)]
    names = [f"{one} to {other}{unit}" for one, other in pairwise(bounds)]
    return Classes(start, step, names, most)


def _form(step: float) -> str:
    """How the bounds of such steps are written: each differs from the next."""
    if not 1e-6 <= step < 1e15:
        return ".12g"
    return f",.{max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0}f"


def _round_step(low: float, high: float, most: int) -> float:
    spread = high - low
    if spread <= 0:
        return 10.0 ** math.floor(math.log10(abs(high))) if high else 1.0
    power = 10.0 ** math.floor(math.log10(spread / most))
    steps = (factor * power for factor in (1, 2, 5, 10, 20, 50))
    return next(step for step in steps if math.ceil(high / step - 1e-9) - math.floor(low / step + 1e-9) <= most)
