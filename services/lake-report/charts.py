"""Draws answers with Vega-Lite.

Takes an answer and a width, gives SVG for the page (its colours are CSS variables, so that the page's light and dark
looks both apply; its text is text) or PNG. Loads nothing: the data stands in the specification.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from xml.etree import ElementTree

import vl_convert

import theme
from answers import Answer, Value
from definition import Chart, Column
from scales import classes, extent
from values import axis_title, bare, digits, label, shown, suffix

Spec = dict[str, Any]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_VEGA_LITE = "6.4"
#: Fonts of equal widths, so that what is measured here fits in any browser.
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
_LETTER = 6.4  # pixels, the usual width of a letter of 12 pixels
_BAR = 27  # pixels from bar to bar
_HEIGHT = 220
_SVG = "http://www.w3.org/2000/svg"
ON_PAGE = {name: f"var(--{name})" for name in theme.LIGHT}


@dataclass(frozen=True)
class _Canvas:
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
        return self.answer.column(self.name(role))

    def title(self, role: str) -> str:
        return axis_title(self.name(role), self.column(role))

    def texts(self, role: str, *, unit: bool = False) -> list[str]:
        write = shown if unit else bare
        return [write(value, self.column(role)) for value in self.values(role)]

    def tips(self) -> list[str]:
        """What is told about each row where one points at its mark."""
        header = self.answer.query.header
        named = [(at, name) for at, name in enumerate(self.answer.columns) if name != header.reference]
        return [
            "\n".join(f"{label(name, header.column(name))}: {shown(row[at], header.column(name))}" for at, name in named)
            for row in self.answer.rows
        ]


def svg(answer: Answer, width: int) -> str:
    """The chart for the page, with a title on each mark, which browsers show where one points at it."""
    spec = _spec(_Canvas(answer, width, ON_PAGE))
    drawn = vl_convert.vegalite_to_svg(spec, vl_version=_VEGA_LITE, allowed_base_urls=[])
    return _for_page(drawn, answer.query.header.title)


def png(answer: Answer, notes: Sequence[str], width: int = 900, scale: float = 2) -> bytes:
    """The chart by itself in the light look, under its title, its text and notes such as its source."""
    header = answer.query.header
    spec = _spec(_Canvas(answer, width, theme.LIGHT))
    lines = [line for text in (header.text, *notes) for line in textwrap.wrap(text, int(width / _LETTER))]
    spec["title"] = {
        "text": header.title,
        "subtitle": lines,
        "anchor": "start",
        "frame": "bounds",
        "offset": 20,
        "fontSize": 20,
        "subtitleFontSize": 13,
        "subtitlePadding": 8,
        "subtitleLineHeight": 18,
        "color": theme.LIGHT["ink"],
        "subtitleColor": theme.LIGHT["muted"],
    }
    spec |= {"background": theme.LIGHT["card"], "padding": 24}
    return vl_convert.vegalite_to_png(spec, vl_version=_VEGA_LITE, scale=scale, allowed_base_urls=[])


def _spec(canvas: _Canvas) -> Spec:
    draw = {Chart.BARS: _bars, Chart.COLUMNS: _columns, Chart.LINES: _lines, Chart.HEATMAP: _heatmap}
    body = draw[canvas.answer.query.header.chart](canvas) if canvas.answer.rows else _nothing(canvas)
    frame: Spec = {"$schema": _SCHEMA, "width": canvas.width, "autosize": {"type": "fit-x", "contains": "padding"}}
    return frame | {"config": _config(canvas)} | body


def _bars(canvas: _Canvas) -> Spec:
    names = canvas.texts("y")
    rows = [
        {"row": row, "x": value, "text": text, "tip": tip}
        for row, (value, text, tip) in enumerate(
            zip(canvas.values("x"), canvas.texts("x", unit=True), canvas.tips(), strict=True)
        )
    ]
    longest = max(len(row["text"]) for row in rows)
    low, high = extent(canvas.values("x"), canvas.column("x").max)
    room = longest * _LETTER / canvas.width * 1.6  # for the text beside the longest bar
    scale = {"domain": [low * (1 + room), high * (1 + room)], "nice": False, "zero": False}
    y: Spec = {"field": "row", "type": "ordinal", "axis": _category_axis(canvas, "y", names, "left")}
    x: Spec = {"field": "x", "type": "quantitative", "scale": scale, "axis": _value_axis(canvas, "x")}
    label_side = {"align": {"expr": "datum.x < 0 ? 'right' : 'left'"}, "dx": {"expr": "datum.x < 0 ? -5 : 5"}}
    at_zero: Spec = x | {"field": None, "datum": 0}
    bar = {"mark": {"type": "bar", "color": canvas.colours["bar"]}, "encoding": {"y": y, "x": x, **_TIP}}
    texts: Spec = {"mark": {"type": "text", **label_side}, "encoding": {"y": y, "x": x, "text": {"field": "text"}}}
    missing: Spec = {
        "transform": [{"filter": "datum.x === null"}],
        "mark": {"type": "text", "align": "left", "dx": 5},
        "encoding": {"y": y, "x": {key: at_zero[key] for key in at_zero if key != "field"}, "text": {"field": "text"}},
    }
    layers = [bar, {"transform": [{"filter": "datum.x !== null"}], **texts}, missing]
    return {
        "data": {"values": rows},
        "height": {"step": _BAR},
        "layer": layers + _reference(canvas, "x"),
    }


def _columns(canvas: _Canvas) -> Spec:
    rows = [
        {"row": row, "y": value, "text": text, "tip": tip}
        for row, (value, text, tip) in enumerate(
            zip(canvas.values("y"), canvas.texts("y"), canvas.tips(), strict=True)
        )
    ]
    low, high = extent(canvas.values("y"), canvas.column("y").max)
    scale = {"domain": [low, high * 1.08], "nice": canvas.column("y").max is None}
    x: Spec = {"field": "row", "type": "ordinal", "axis": _category_axis(canvas, "x", canvas.texts("x"), "bottom")}
    y: Spec = {"field": "y", "type": "quantitative", "scale": scale, "axis": _value_axis(canvas, "y")}
    layers: list[Spec] = [
        {"mark": {"type": "bar", "color": canvas.colours["bar"]}, "encoding": {"x": x, "y": y, **_TIP}}
    ]
    if max(len(row["text"]) for row in rows) * _LETTER < _band(canvas, len(rows)):
        above = {"type": "text", "baseline": "bottom", "dy": -3, "fontSize": 11}
        layers.append({"mark": above, "encoding": {"x": x, "y": y, "text": {"field": "text"}}})
    return {"data": {"values": rows}, "height": _HEIGHT, "layer": layers + _reference(canvas, "y")}


def _lines(canvas: _Canvas) -> Spec:
    x = _continuous_or_ordinal(canvas)
    named = canvas.texts("series") if canvas.answer.query.header.series else [""] * len(canvas.answer.rows)
    names = list(dict.fromkeys(named))
    at = _indices(canvas.texts("x"))
    rows = [
        {"x": _number_or_date(position) if x["type"] != "ordinal" else at[text], "y": y, "series": series, "tip": tip}
        for position, text, y, series, tip in zip(
            canvas.values("x"), canvas.texts("x"), canvas.values("y"), named, canvas.tips(), strict=True
        )
    ]
    low, high = extent(canvas.values("y"), canvas.column("y").max)
    y_scale = {"domain": [low, high * 1.05], "nice": canvas.column("y").max is None}
    y = {"field": "y", "type": "quantitative", "scale": y_scale, "axis": _value_axis(canvas, "y")}
    colours = [canvas.colours[name] for name in theme.SERIES]
    legend = {"orient": "top", "title": None, "symbolStrokeWidth": 2} if len(names) > 1 else None
    common: Spec = {
        "x": x,
        "y": y,
        "color": {
            "field": "series",
            "type": "nominal",
            "scale": {"domain": names, "range": colours[: len(names)]},
            "legend": legend,
        },
    }
    shape = {"field": "series", "type": "nominal", "scale": {"domain": names}, "legend": legend}
    points: Spec = {"mark": {"type": "point", "filled": True, "size": 45}, "encoding": common | {"shape": shape} | _TIP}
    lines: Spec = {"mark": {"type": "line", "strokeWidth": 2}, "encoding": common}
    return {"data": {"values": rows}, "height": _HEIGHT, "layer": [lines, points]}


def _heatmap(canvas: _Canvas) -> Spec:
    across, down = canvas.texts("x"), canvas.texts("y")
    column_at, row_at = _indices(across), _indices(down)
    steps = classes(canvas.values("value"), len(theme.HEAT), suffix(canvas.column("value").unit))
    rows = [
        {
            "x": column_at[x],
            "y": row_at[y],
            "value": value,
            "step": None if value is None else steps.names[steps.of(value)],
            "strong": value is not None and steps.shade(steps.of(value)) >= theme.STRONG,
            "text": text,
            "tip": tip,
        }
        for x, y, value, text, tip in zip(
            across, down, canvas.values("value"), canvas.texts("value"), canvas.tips(), strict=True
        )
    ]
    size = 9 if canvas.narrow else 11
    x_axis = _category_axis(canvas, "x", list(column_at), "top")
    y_axis = _category_axis(canvas, "y", list(row_at), "left")
    place: Spec = {
        "x": {"field": "x", "type": "ordinal", "axis": x_axis, "scale": {"padding": 0.04}},
        "y": {"field": "y", "type": "ordinal", "axis": y_axis, "scale": {"padding": 0.06}},
    }
    legend = {
        "title": canvas.title("value"),
        "orient": "bottom",
        "direction": "horizontal",
        "symbolType": "square",
        "symbolSize": 160,
        "symbolStrokeWidth": 0,
        "columns": 4 if canvas.narrow else len(theme.HEAT),
    }
    range_ = [canvas.colours[theme.HEAT[steps.shade(number)]] for number in range(len(steps.names))]
    colour = {"field": "step", "type": "ordinal", "scale": {"domain": steps.names, "range": range_}, "legend": legend}
    ink = {"condition": {"test": "datum.strong", "value": canvas.colours["on-strong"]}}
    fields: Spec = {"mark": {"type": "rect"}, "encoding": place | {"color": colour} | _TIP}
    empty: Spec = {"mark": {"type": "rect", "color": canvas.colours["empty"]}, "encoding": place | _TIP}
    texts: Spec = {
        "mark": {"type": "text", "fontSize": size},
        "encoding": place | {"text": {"field": "text"}, "color": ink | {"value": canvas.colours["on-weak"]}},
    }
    return {
        "data": {"values": rows},
        "height": {"step": _BAR},
        "layer": [
            {"transform": [{"filter": "datum.value !== null"}]} | fields,
            {"transform": [{"filter": "datum.value === null"}]} | empty,
            texts,
        ],
    }


def _nothing(canvas: _Canvas) -> Spec:
    mark = {"type": "text", "text": "No rows", "fontSize": 14, "color": canvas.colours["muted"]}
    return {"data": {"values": [{}]}, "height": 80, "mark": mark}


#: A mark that is told about where one points at it.
_TIP: Spec = {"description": {"field": "tip", "type": "nominal"}}


def _reference(canvas: _Canvas, role: str) -> list[Spec]:
    """A line at a value that all rows share, such as the mean of all, with its name."""
    if not canvas.answer.query.header.reference:
        return []
    found = [value for value in canvas.values("reference") if value is not None]
    if not found:
        return []
    column = canvas.column("reference")
    text = f"{label(canvas.name('reference'), column)}: {shown(found[0], column)}"
    data = {"values": [{"at": found[0]}]}
    at: Spec = {role: {"field": "at", "type": "quantitative"}}
    colour = canvas.colours["accent"]
    place: Spec = {"y": 0, "dy": -7, "align": "center"} if role == "x" else {"x": "width", "dy": -6, "align": "right"}
    rule: Spec = {"type": "rule", "color": colour, "strokeDash": [5, 3], "strokeWidth": 1.5}
    return [
        {"data": data, "mark": rule, "encoding": at},
        {"data": data, "mark": {"type": "text", "text": text, "color": colour} | place, "encoding": at},
    ]


def _continuous_or_ordinal(canvas: _Canvas) -> Spec:
    """The x axis of lines: by time or by number where all are such, else in the rows' order."""
    values = [value for value in canvas.values("x") if value is not None]
    if all(isinstance(value, date) for value in values):
        axis = {"title": canvas.title("x"), "grid": False, "labelFlush": True}
        return {"field": "x", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}
    if all(isinstance(value, int | float) for value in values):
        axis = _value_axis(canvas, "x") | {"grid": False}
        return {"field": "x", "type": "quantitative", "scale": {"zero": False, "nice": False}, "axis": axis}
    names = list(_indices(canvas.texts("x")))
    return {"field": "x", "type": "ordinal", "axis": _category_axis(canvas, "x", names, "bottom")}


def _number_or_date(value: Value) -> str | float | None:
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int | float) else None


def _category_axis(canvas: _Canvas, role: str, names: Sequence[str], orient: str) -> Spec:
    """An axis whose values are numbers 0, 1, ... that stand for these names."""
    axis: Spec = {
        "orient": orient,
        # Names are no part of an expression but of a JSON text in it, which Vega reads as that.
        "labelExpr": f"{json.dumps(list(names))}[datum.value]",
        "title": canvas.title(role),
        "labelColor": canvas.colours["ink"],
        "labelOverlap": False,
    }
    if orient == "left":
        above: Spec = {"titleAngle": 0, "titleAlign": "right", "titleX": -6, "titleY": -10, "titleBaseline": "bottom"}
        return axis | above | {"labelLimit": canvas.width * 0.36}
    band = _band(canvas, len(names))
    small = 10 if canvas.narrow else 12
    if max(map(len, names)) * _LETTER * small / 12 < band:
        return axis | {"labelAngle": 0, "labelFontSize": small}
    slanted = {"labelAngle": -45, "labelAlign": "right", "labelBaseline": "middle", "labelLimit": 110}
    return axis | {"labelFontSize": small} | (slanted if orient == "bottom" else {"labelAngle": -90})


def _value_axis(canvas: _Canvas, role: str) -> Spec:
    column = canvas.column(role)
    numbers = [value for value in canvas.values(role) if isinstance(value, int | float)]
    widest = max((abs(value) for value in numbers), default=0)
    form = ",d" if widest >= 5 or all(digits(value, column) == 0 for value in numbers) else ",.1f"
    axis: Spec = {
        "title": canvas.title(role),
        "labelExpr": f"replace(format(datum.value, '{form}'), '-', '\N{MINUS SIGN}')",
        "tickCount": 4 if canvas.narrow else 6,
    }
    if role == "y":
        # Above the axis, where it is read without turning the head.
        axis |= {"titleAngle": 0, "titleAlign": "left", "titleX": -28, "titleY": -12, "titleBaseline": "bottom"}
    return axis


def _band(canvas: _Canvas, count: int) -> float:
    """Roughly how many pixels each of the values on the x axis has."""
    beside = 0.3 if canvas.answer.query.header.chart is Chart.HEATMAP else 50 / canvas.width
    return canvas.width * (1 - beside) / max(count, 1)


def _indices(names: Sequence[str]) -> dict[str, int]:
    return {name: index for index, name in enumerate(dict.fromkeys(names))}


def _config(canvas: _Canvas) -> Spec:
    ink, muted, grid = (canvas.colours[name] for name in ("ink", "muted", "grid"))
    return {
        "font": FONT,
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
        },
    }


def _for_page(drawn: str, title: str) -> str:
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(drawn)  # noqa: S314 - Vega's, just made
    for element in root.iter():
        tip = element.attrib.pop("aria-label", None)
        for name in [name for name in element.attrib if name.startswith(("aria-", "role", "pointer-"))]:
            del element.attrib[name]
        if tip and not element.tag.endswith("}g"):
            ElementTree.SubElement(element, f"{{{_SVG}}}title").text = tip
    for name in ("width", "height", "class"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": title}
    return ElementTree.tostring(root, encoding="unicode")
