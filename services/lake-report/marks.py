"""The kinds of charts.

Takes a canvas with an answer of at least one row, gives the part of a Vega-Lite specification that is the kind's own.
Rows stand in it under names of our own, since a column may be called anything.
"""

from __future__ import annotations

from datetime import date

import theme
from answers import Value
from axes import LETTER, TIP, Canvas, Spec, band, category_axis, continuous_or_ordinal, indices, value_axis
from definition import Chart
from scales import Classes, classes, extent
from values import label, shown, suffix

_BAR = 27  # pixels from bar to bar
_HEIGHT = 220


def kind(canvas: Canvas) -> Spec:
    """The chart that the answer's header asks for."""
    draw = {Chart.BARS: _bars, Chart.COLUMNS: _columns, Chart.LINES: _lines, Chart.HEATMAP: _heatmap}
    return draw[canvas.answer.query.header.chart](canvas)


def _bars(canvas: Canvas) -> Spec:
    texts = canvas.texts("x", unit=True)
    low, high = extent(canvas.values("x"), canvas.column("x").max)
    room = max(map(len, texts)) * LETTER / canvas.width * 1.6  # for the text beside the longest bar
    scale = {"domain": [low * (1 + room), high * (1 + room)], "nice": False, "zero": False}
    y: Spec = {"field": "row", "type": "ordinal", "axis": category_axis(canvas, "y", canvas.texts("y"), "left")}
    x: Spec = {"field": "value", "type": "quantitative", "scale": scale, "axis": value_axis(canvas, "x")}
    outside = {"align": {"expr": "datum.end < 0 ? 'right' : 'left'"}, "dx": {"expr": "datum.end < 0 ? -5 : 5"}}
    text: Spec = {
        "mark": {"type": "text", **outside},
        "encoding": {"y": y, "x": x | {"field": "end"}, "text": {"field": "text"}},
    }
    # Where the reference's line runs through a text, the text stays readable.
    halo = text | {"mark": text["mark"] | {"stroke": canvas.colours["card"], "strokeWidth": 4}}
    bar: Spec = {
        "mark": {"type": "bar", "aria": True, "color": canvas.colours["bar"]},
        "encoding": {"y": y, "x": x} | TIP,
    }
    return {
        "data": {"values": _rows(canvas, "x", texts)},
        "height": {"step": _BAR},
        "layer": [bar, *_reference(canvas, "x"), halo, text],
    }


def _columns(canvas: Canvas) -> Spec:
    texts = canvas.texts("y")
    low, high = extent(canvas.values("y"), canvas.column("y").max)
    scale = {"domain": [low, high * 1.08], "nice": canvas.column("y").max is None}
    x: Spec = {"field": "row", "type": "ordinal", "axis": category_axis(canvas, "x", canvas.texts("x"), "bottom")}
    y: Spec = {"field": "value", "type": "quantitative", "scale": scale, "axis": value_axis(canvas, "y")}
    bar: Spec = {
        "mark": {"type": "bar", "aria": True, "color": canvas.colours["bar"]},
        "encoding": {"x": x, "y": y} | TIP,
    }
    above: Spec = {
        "mark": {"type": "text", "baseline": "bottom", "dy": -4, "fontSize": 11},
        "encoding": {"x": x, "y": y | {"field": "end"}, "text": {"field": "text"}},
    }
    halo = above | {"mark": above["mark"] | {"stroke": canvas.colours["card"], "strokeWidth": 3}}
    fits = max(map(len, texts)) * LETTER < band(canvas, len(texts))
    return {
        "data": {"values": _rows(canvas, "y", texts)},
        "height": _HEIGHT,
        "layer": [bar, *_reference(canvas, "y"), *([halo, above] if fits else [])],
    }


def _lines(canvas: Canvas) -> Spec:
    x = continuous_or_ordinal(canvas)
    named = canvas.texts("series") if canvas.answer.query.header.series else [""] * len(canvas.answer.rows)
    names = list(dict.fromkeys(named))
    at = indices(canvas.texts("x"))
    rows = [
        {"x": _number_or_date(position) if x["type"] != "ordinal" else at[text], "y": y, "series": series, "tip": tip}
        for position, text, y, series, tip in zip(
            canvas.values("x"), canvas.texts("x"), canvas.values("y"), named, canvas.tips(), strict=True
        )
    ]
    low, high = extent(canvas.values("y"), canvas.column("y").max)
    y_scale = {"domain": [low, high * 1.05], "nice": canvas.column("y").max is None}
    y = {"field": "y", "type": "quantitative", "scale": y_scale, "axis": value_axis(canvas, "y")}
    colours = [canvas.colours[name] for name in theme.SERIES]
    legend = {"orient": "bottom", "title": None, "symbolStrokeWidth": 2} if len(names) > 1 else None
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
    points: Spec = {
        "mark": {"type": "point", "aria": True, "filled": True, "size": 45, "opacity": 1},
        "encoding": common | {"shape": shape} | TIP,
    }
    lines: Spec = {"mark": {"type": "line", "strokeWidth": 2}, "encoding": common}
    return {"data": {"values": rows}, "height": _HEIGHT, "layer": [lines, points]}


def _heatmap(canvas: Canvas) -> Spec:
    across, down = canvas.texts("x"), canvas.texts("y")
    column_at, row_at = indices(across), indices(down)
    steps = classes(canvas.values("value"), len(theme.HEAT), suffix(canvas.column("value").unit))
    cells = zip(across, down, canvas.values("value"), canvas.texts("value"), canvas.tips(), strict=True)
    rows = [
        {"x": column_at[x], "y": row_at[y], "text": text, "tip": tip} | _class(steps, value)
        for x, y, value, text, tip in cells
    ]
    size = 9 if canvas.narrow else 11
    x_axis = category_axis(canvas, "x", list(column_at), "top")
    y_axis = category_axis(canvas, "y", list(row_at), "left")
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
        "columns": 2 if canvas.narrow else len(theme.HEAT),
    }
    range_ = [canvas.colours[theme.HEAT[steps.shade(number)]] for number in range(len(steps.names))]
    colour = {"field": "step", "type": "ordinal", "scale": {"domain": steps.names, "range": range_}, "legend": legend}
    ink = {"condition": {"test": "datum.strong", "value": canvas.colours["on-strong"]}}
    fields: Spec = {"mark": {"type": "rect", "aria": True}, "encoding": place | {"color": colour} | TIP}
    empty: Spec = {"mark": {"type": "rect", "aria": True, "color": canvas.colours["empty"]}, "encoding": place | TIP}
    texts: Spec = {
        "mark": {"type": "text", "fontSize": size},
        "encoding": place | {"text": {"field": "text"}, "color": ink | {"value": canvas.colours["on-weak"]}},
    }
    return {
        "data": {"values": rows},
        "height": {"step": _BAR},
        "layer": [
            {"transform": [{"filter": "datum.step !== null"}]} | fields,
            {"transform": [{"filter": "datum.step === null"}]} | empty,
            texts,
        ],
    }


def _class(steps: Classes, value: Value) -> Spec:
    """A value's class, and whether the text on its colour is the one for strong colours."""
    if not isinstance(value, int | float):
        return {"step": None, "strong": False}
    number = steps.of(value)
    return {"step": steps.names[number], "strong": steps.shade(number) >= theme.STRONG}


def _rows(canvas: Canvas, role: str, texts: list[str]) -> list[Spec]:
    """A row for each bar: its number, its value, where its text begins, and its texts."""
    return [
        {"row": row, "value": value, "end": 0 if value is None else value, "text": text, "tip": tip}
        for row, (value, text, tip) in enumerate(zip(canvas.values(role), texts, canvas.tips(), strict=True))
    ]


def _reference(canvas: Canvas, role: str) -> list[Spec]:
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
    rule: Spec = {"type": "rule", "color": colour, "strokeDash": [5, 3], "strokeWidth": 1.5}
    name: Spec = {"type": "text", "text": text, "color": colour, "baseline": "bottom"}
    if role == "x":
        named: Spec = {"mark": name | {"y": -4, "align": "center"}, "encoding": at}
    else:
        # Beside the axis's title, clear of the columns and their texts.
        named = {"mark": name | {"text": f"- - {text}", "x": "width", "y": -12, "align": "right"}}
    return [{"data": data, "mark": rule, "encoding": at}, {"data": data} | named]


def _number_or_date(value: Value) -> str | float | None:
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int | float) else None
