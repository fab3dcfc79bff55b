"""What charts have in common: what they are drawn on, their axes, their fonts and colours.

Takes an answer, a width and colours; gives parts of a Vega-Lite specification.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from charts.scales import drawable
from charts.values import UNREADABLE, axis_title, bare, digits, label, shown
from query.answers import Answer, Value
from query.report import Chart, Column

Spec = dict[str, Any]

#: Fonts of equal widths, so that what is measured here fits in any browser.
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
LETTER = 6.4  # pixels, the usual width of a letter of 12 pixels
ROW = 27  # pixels from bar to bar, and from one of a heatmap's rows to the next
HEIGHT = 220  # pixels, of charts whose height does not come from their rows
#: What an upright or slanted text needs beside the axis.
_UPRIGHT = 16
#: What no text that is shown has in it.
_BETWEEN = "\0"
#: Leaves out texts that would lie on one another, with room for a font that is wider than the one measured here.
_APART: Spec = {"labelOverlap": "greedy", "labelSeparation": 14}
#: A mark that is told about where one points at it.
TIP: Spec = {"description": {"field": "tip", "type": "nominal"}}


@dataclass(frozen=True)
class Canvas:
    """What is drawn, and on what: a width in pixels, and colours by their names in `theme`."""

    answer: Answer
    width: int
    colours: dict[str, str]

    @property
    def narrow(self) -> bool:
        return self.width < 600

    def name(self, role: str) -> str:
        return self.answer.query.header.named_columns[role]

    def column(self, role: str) -> Column:
        return self.answer.query.header.column(self.name(role))

    def values(self, role: str) -> list[Value]:
        return list(map(drawable, self.answer.column(self.name(role))))

    def title(self, role: str) -> str:
        return axis_title(self.name(role), self.column(role))

    def texts(self, role: str, *, unit: bool = False) -> list[str]:
        write = shown if unit else bare
        return [write(value, self.column(role)) for value in self.answer.column(self.name(role))]

    def tips(self) -> list[str]:
        """What is told about each row where one points at its mark."""
        header = self.answer.query.header
        named = [(at, name) for at, name in enumerate(self.answer.columns) if name != header.reference]
        return [
            "\n".join(
                f"{label(name, header.column(name))}: {shown(row[at], header.column(name))}" for at, name in named
            )
            for row in self.answer.rows
        ]


def continuous_or_ordinal(canvas: Canvas) -> Spec:
    """The x axis of lines: by time or by number where all are such, else in the rows' order."""
    values = [value for value in canvas.values("x") if value is not None]
    if all(isinstance(value, date) for value in values):
        axis = {"title": canvas.title("x"), "grid": False, "labelFlush": True} | _APART
        return {"field": "x", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}
    if all(isinstance(value, int | float) for value in values):
        axis = value_axis(canvas, "x", 0) | {"grid": False}
        return {"field": "x", "type": "quantitative", "scale": {"zero": False, "nice": False}, "axis": axis}
    names = list(indices(canvas.texts("x")))
    return {"field": "x", "type": "ordinal", "axis": category_axis(canvas, "x", names, "bottom")}


def category_axis(canvas: Canvas, role: str, names: Sequence[str], orient: str) -> Spec:
    """An axis whose values are numbers 0, 1, ... that stand for these names."""
    axis: Spec = {
        "orient": orient,
        "labelExpr": _one_of(_those_with_room(canvas, names, orient)),
        # Names say themselves what they name; a unit has to be told.
        "title": canvas.title(role) if canvas.column(role).unit else None,
        "labelColor": canvas.colours["ink"],
        "labelOverlap": False,
    }
    if orient == "left":
        above: Spec = {"titleAngle": 0, "titleAlign": "right", "titleX": -6, "titleY": -10, "titleBaseline": "bottom"}
        return axis | above | {"labelLimit": min(canvas.width * 0.33, 180)}
    longest, room = max(map(len, names)), band(canvas, len(names)) - 4
    fitting = next((size for size in (12, 11, 10) if longest * LETTER * size / 12 <= room), None)
    if fitting:
        return axis | {"labelAngle": 0, "labelFontSize": fitting}
    slanted = {"labelAngle": -45, "labelAlign": "right", "labelBaseline": "middle", "labelLimit": 110}
    upright = {"labelAngle": -90, "labelLimit": 110}
    return axis | {"labelFontSize": 11} | (slanted if orient == "bottom" else upright)


def _one_of(names: Sequence[str]) -> str:
    """An expression for the name whose number is `datum.value`.

    Names are no part of the expression but of one JSON text in it, parted by what no name has: Vega would take a text
    that is just `if` or `constructor` for something of its own.
    """
    return f"split({json.dumps(_BETWEEN.join([*names, '']))}, {json.dumps(_BETWEEN)})[datum.value]"


def _those_with_room(canvas: Canvas, names: Sequence[str], orient: str) -> list[str]:
    """The names, of which on a crowded x axis only every so many remain."""
    every = 1 if orient == "left" else math.ceil(_UPRIGHT / band(canvas, len(names)))
    return [name if number % every == 0 else "" for number, name in enumerate(names)]


def value_axis(canvas: Canvas, role: str, high: float) -> Spec:
    """An axis of numbers, whose greatest one is about `high`."""
    column = canvas.column(role)
    numbers = [value for value in canvas.values(role) if isinstance(value, int | float)]
    widest = max((abs(value) for value in numbers), default=0)
    whole = widest >= 5 or all(digits(value, column) == 0 for value in numbers)
    form = ".1e" if widest >= UNREADABLE else ",.0f" if whole else ",.1f"
    axis: Spec = {
        "title": canvas.title(role),
        "labelExpr": f"replace(format(datum.value, '{form}'), '-', '\N{MINUS SIGN}')",
        **_APART,
        "tickCount": 4 if canvas.narrow else 6,
    }
    if role == "y":
        # Above the axis, where it is read without turning the head.
        axis |= {
            "titleAngle": 0,
            "titleAlign": "left",
            "titleX": -len(f"{1.1 * high:{form}}") * LETTER - 6,
            "titleY": -12,
            "titleBaseline": "bottom",
        }
    return axis


def band(canvas: Canvas, count: int) -> float:
    """Roughly how many pixels each of the values on the x axis has."""
    beside = 0.3 if canvas.answer.query.header.chart is Chart.HEATMAP else 50 / canvas.width
    return canvas.width * (1 - beside) / max(count, 1)


def indices(names: Sequence[str]) -> dict[str, int]:
    return {name: index for index, name in enumerate(dict.fromkeys(names))}


def config(canvas: Canvas) -> Spec:
    ink, muted, grid = (canvas.colours[name] for name in ("ink", "muted", "grid"))
    return {
        "font": FONT,
        # Marks that have a `TIP` turn it on; Vega would tell of the others by our names of their fields.
        "aria": False,
        "background": None,
        "padding": {"left": 2, "right": 8, "top": 4, "bottom": 2},
        "view": {"stroke": None},
        "text": {"color": ink, "fontSize": 12},
        "bar": {"cornerRadiusEnd": 2},
        "axis": {
            "labelColor": muted,
            "labelFontSize": 12,
            "labelPadding": 6,
            "titleColor": muted,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 10,
            "gridColor": grid,
            "domain": False,
            "ticks": False,
        },
        "legend": {
            "labelColor": ink,
            "labelFontSize": 12,
            "titleColor": muted,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titleLimit": canvas.width,
            "columnPadding": 16,
        },
    }
