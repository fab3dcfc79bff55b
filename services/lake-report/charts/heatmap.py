"""The heatmap: a field for each x and y, its colour the class of its value.

Takes a canvas with an answer of at least one row, gives the part of a Vega-Lite specification that is its own.
"""

from __future__ import annotations

from charts import theme
from charts.axes import LETTER, ROW, TIP, Canvas, Spec, band, category_axis, indices
from charts.scales import Classes, classes
from charts.values import suffix
from query.answers import Value


def heatmap(canvas: Canvas) -> Spec:
    """Rows and columns in the order in which the answer first has them."""
    across, down = indices(canvas.texts("x")), indices(canvas.texts("y"))
    steps = classes(canvas.values("value"), len(theme.HEAT), suffix(canvas.column("value").unit))
    place: Spec = {
        "x": _axis("x", category_axis(canvas, "x", list(across), "top"), 0.04),
        "y": _axis("y", category_axis(canvas, "y", list(down), "left"), 0.06),
    }
    field: Spec = {"type": "rect", "aria": True}
    return {
        "data": {"values": _fields(canvas, across, down, steps)},
        "height": {"step": ROW},
        "layer": [
            {
                "transform": [{"filter": "datum.step !== null"}],
                "mark": field,
                "encoding": place | TIP | {"color": _colour(canvas, steps)},
            },
            {
                "transform": [{"filter": "datum.step === null"}],
                "mark": field | {"color": canvas.colours["empty"]},
                "encoding": place | TIP,
            },
            *_numbers(canvas, place, len(across)),
        ],
    }


def _axis(name: str, axis: Spec, padding: float) -> Spec:
    return {"field": name, "type": "ordinal", "axis": axis, "scale": {"padding": padding}}


def _fields(canvas: Canvas, across: dict[str, int], down: dict[str, int], steps: Classes) -> list[Spec]:
    rows = zip(
        canvas.texts("x"),
        canvas.texts("y"),
        canvas.values("value"),
        canvas.texts("value"),
        canvas.tips(),
        strict=True,
    )
    return [
        {"x": across[x], "y": down[y], "text": text, "tip": tip} | _class(steps, value)
        for x, y, value, text, tip in rows
    ]


def _class(steps: Classes, value: Value) -> Spec:
    """A value's class, and whether the text on its colour is the one for strong colours."""
    if not isinstance(value, int | float):
        return {"step": None, "strong": False}
    number = steps.of(value)
    return {"step": steps.names[number], "strong": steps.shade(number) >= theme.STRONG}


def _colour(canvas: Canvas, steps: Classes) -> Spec:
    shades = [canvas.colours[theme.HEAT[steps.shade(number)]] for number in range(len(steps.names))]
    legend = {
        "title": canvas.title("value"),
        "orient": "bottom",
        "direction": "horizontal",
        "symbolType": "square",
        "symbolSize": 160,
        "symbolStrokeWidth": 0,
        "columns": 2 if canvas.narrow else len(theme.HEAT),
    }
    return {"field": "step", "type": "ordinal", "scale": {"domain": steps.names, "range": shades}, "legend": legend}


def _numbers(canvas: Canvas, place: Spec, count: int) -> list[Spec]:
    """The value of each field, where there is room for it."""
    size, texts = 10 if canvas.narrow else 12, canvas.texts("value")
    if max(map(len, texts)) * LETTER * size / 12 > band(canvas, count):
        return []
    strong = {"test": "datum.strong", "value": canvas.colours["on-strong"]}
    colour = {"condition": strong, "value": canvas.colours["on-weak"]}
    return [
        {
            "mark": {"type": "text", "fontSize": size},
            "encoding": place | {"text": {"field": "text"}, "color": colour},
        }
    ]
