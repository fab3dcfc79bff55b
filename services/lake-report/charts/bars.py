"""Lying bars and standing columns, each with its value at its end; across them a line to compare with.

Takes a canvas with an answer of at least one row, gives the part of a Vega-Lite specification that is the kind's own.
Rows stand in it under names of our own, since a column may be called anything.
"""

from __future__ import annotations

from charts.axes import HEIGHT, LETTER, ROW, TIP, Canvas, Spec, band, category_axis, value_axis
from charts.scales import extent
from charts.values import label

_VALUE: Spec = {"field": "value", "type": "quantitative", "stack": None}


def bars(canvas: Canvas) -> Spec:
    """A bar for each row, below one another."""
    texts = canvas.texts("x", unit=True)
    low, high = _extent(canvas, "x")
    right, left = _beside(canvas, high - low, max(map(len, texts)), 2 if low < 0 else 1)
    scale = {"domain": [low - left, high + right], "nice": False, "zero": False}
    y: Spec = {"field": "row", "type": "ordinal", "axis": category_axis(canvas, "y", canvas.texts("y"), "left")}
    x = _VALUE | {"scale": scale, "axis": value_axis(canvas, "x", high)}
    outside = {"align": {"expr": "datum.end < 0 ? 'right' : 'left'"}, "dx": {"expr": "datum.end < 0 ? -5 : 5"}}
    return {
        "data": {"values": _rows(canvas, "x", texts)},
        "height": {"step": ROW},
        "layer": [
            _bar(canvas, {"y": y, "x": x}),
            *_reference(canvas, "x"),
            *_at_the_end(canvas, {"y": y, "x": x | {"field": "end"}}, outside),
        ],
    }


def columns(canvas: Canvas) -> Spec:
    """A column for each row, beside one another; without the values where there is no room for them."""
    texts = canvas.texts("y")
    low, high = _extent(canvas, "y")
    scale = {"domain": [low, high * 1.08], "nice": canvas.column("y").max is None}
    x: Spec = {"field": "row", "type": "ordinal", "axis": category_axis(canvas, "x", canvas.texts("x"), "bottom")}
    y = _VALUE | {"scale": scale, "axis": value_axis(canvas, "y", high)}
    fits = max(map(len, texts)) * LETTER < band(canvas, len(texts))
    above = {"baseline": "bottom", "dy": -4, "fontSize": 11}
    return {
        "data": {"values": _rows(canvas, "y", texts)},
        "height": HEIGHT,
        "layer": [
            _bar(canvas, {"x": x, "y": y}),
            *_reference(canvas, "y"),
            *(_at_the_end(canvas, {"x": x, "y": y | {"field": "end"}}, above) if fits else []),
        ],
    }


def _extent(canvas: Canvas, role: str) -> tuple[float, float]:
    """From the least to the greatest of all that is drawn along an axis, the line across the bars included."""
    across = canvas.values("reference") if canvas.answer.query.header.reference else []
    return extent([*canvas.values(role), *across], canvas.column(role).max)


def _beside(canvas: Canvas, span: float, letters: int, sides: int) -> tuple[float, float]:
    """How far the x axis goes beyond the bars to the right and to the left, for the texts at their ends."""
    plot, text = 0.62 * canvas.width, letters * LETTER + 10
    beside = span * text / max(plot - sides * text, text)
    return beside, beside if sides > 1 else 0


def _rows(canvas: Canvas, role: str, texts: list[str]) -> list[Spec]:
    """A row for each bar: its number, its value, where its text begins, and its texts."""
    return [
        {"row": row, "value": value, "end": 0 if value is None else value, "text": text, "tip": tip}
        for row, (value, text, tip) in enumerate(zip(canvas.values(role), texts, canvas.tips(), strict=True))
    ]


def _bar(canvas: Canvas, place: Spec) -> Spec:
    return {"mark": {"type": "bar", "aria": True, "color": canvas.colours["bar"]}, "encoding": place | TIP}


def _at_the_end(canvas: Canvas, place: Spec, mark: Spec) -> list[Spec]:
    """Each bar's text, and below it a halo that keeps it readable where a line runs through."""
    text: Spec = {"type": "text"} | mark
    halo = text | {"stroke": canvas.colours["card"], "strokeWidth": 6, "strokeJoin": "round"}
    return [{"mark": one, "encoding": place | {"text": {"field": "text"}}} for one in (halo, text)]


def _reference(canvas: Canvas, role: str) -> list[Spec]:
    """A line at a value that all rows share, such as the mean of all, with its name."""
    if not canvas.answer.query.header.reference:
        return []
    rows = zip(canvas.values("reference"), canvas.texts("reference", unit=True), strict=True)
    value, shown = next((row for row in rows if row[0] is not None), (None, ""))
    if value is None:
        return []
    text = f"{label(canvas.name('reference'), canvas.column('reference'))}: {shown}"
    data = {"values": [{"at": value}]}
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
