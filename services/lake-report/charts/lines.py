"""Lines over time, numbers or names, one for each value of a column.

Takes a canvas with an answer of at least one row, gives the part of a Vega-Lite specification that is its own.
"""

from __future__ import annotations

from datetime import date

from charts import theme
from charts.axes import HEIGHT, TIP, Canvas, Spec, continuous_or_ordinal, indices, value_axis
from charts.scales import extent
from query.answers import Value


def lines(canvas: Canvas) -> Spec:
    """A line for each series, with a point for each row."""
    x = continuous_or_ordinal(canvas)
    series = canvas.texts("series") if canvas.answer.query.header.series else [""] * len(canvas.answer.rows)
    low, high = extent(canvas.values("y"), canvas.column("y").max)
    scale = {"domain": [low, high * 1.05], "nice": canvas.column("y").max is None}
    y: Spec = {"field": "y", "type": "quantitative", "scale": scale, "axis": value_axis(canvas, "y", high)}
    colour, shape = _told_apart(canvas, list(indices(series)))
    place: Spec = {"x": x, "y": y, "color": colour}
    point = {"type": "point", "aria": True, "filled": True, "size": 45, "opacity": 1}
    return {
        "data": {"values": _points(canvas, series, in_order=x["type"] == "ordinal")},
        "height": HEIGHT,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2}, "encoding": place},
            {"mark": point, "encoding": place | {"shape": shape} | TIP},
        ],
    }


def _told_apart(canvas: Canvas, names: list[str]) -> tuple[Spec, Spec]:
    """The colour and the shape of each series; a legend where there is more than one."""
    legend = {"orient": "bottom", "offset": 14, "title": None, "symbolStrokeWidth": 2} if len(names) > 1 else None
    colours = [canvas.colours[name] for name in theme.SERIES[: len(names)]]
    common: Spec = {"field": "series", "type": "nominal", "legend": legend}
    return (
        common | {"scale": {"domain": names, "range": colours}},
        common | {"scale": {"domain": names}},
    )


def _points(canvas: Canvas, series: list[str], *, in_order: bool) -> list[Spec]:
    at = indices(canvas.texts("x"))
    rows = zip(
        canvas.values("x"),
        canvas.texts("x"),
        canvas.values("y"),
        series,
        canvas.tips(),
        strict=True,
    )
    return [
        {"x": at[text] if in_order else _number_or_date(x), "y": y, "series": name, "tip": tip}
        for x, text, y, name, tip in rows
    ]


def _number_or_date(value: Value) -> str | float | None:
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int | float) else None
