"""Draws answers with Vega-Lite.

Takes an answer and a width, gives SVG for the page (its colours are CSS variables, so that the page's light and dark
looks both apply; its text is text) or PNG. Loads nothing: the data stands in the specification.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import vl_convert

from charts import theme
from charts.axes import FONT, LETTER, Canvas, Spec, config
from charts.bars import bars, columns
from charts.heatmap import heatmap
from charts.lines import lines
from charts.pictures import packed
from query.answers import Answer
from query.report import Chart

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_VEGA_LITE = "6.4"
_SVG = "http://www.w3.org/2000/svg"
_KINDS = {Chart.BARS: bars, Chart.COLUMNS: columns, Chart.LINES: lines, Chart.HEATMAP: heatmap}
#: What every object of JavaScript has, and `if`: as texts they end the drawing with an error.
_VEGAS_OWN = frozenset(
    [
        "if",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
        "__proto__",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
    ]
)
_ON_PAGE = {name: f"var(--{name})" for name in theme.LIGHT}


def svg(answer: Answer, width: int) -> str:
    """The chart for the page, with a title on each mark, which browsers show where one points at it."""
    spec = _specification(Canvas(answer, width, _ON_PAGE))
    drawn = vl_convert.vegalite_to_svg(_as_text(spec), vl_version=_VEGA_LITE, allowed_base_urls=[])
    return _for_page(drawn, answer.query.header.title)


def png(answer: Answer, notes: Sequence[str], width: int = 900, scale: float = 2) -> bytes:
    """The chart by itself in the light look, under its title, its text and notes such as its source."""
    header = answer.query.header
    spec = _specification(Canvas(answer, width, theme.LIGHT))
    lines = [line for text in (header.text, *notes) for line in textwrap.wrap(text, int(width / LETTER))]
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
    return packed(vl_convert.vegalite_to_png(_as_text(spec), vl_version=_VEGA_LITE, scale=scale, allowed_base_urls=[]))


def _specification(canvas: Canvas) -> Spec:
    draw = _KINDS[canvas.answer.query.header.chart] if canvas.answer.rows else _nothing
    frame: Spec = {"$schema": _SCHEMA, "width": canvas.width, "autosize": {"type": "fit-x", "contains": "padding"}}
    return frame | {"config": config(canvas)} | draw(canvas)


def _as_text(part: Any) -> Any:
    """A specification, or a part of one, in which no text is a word that Vega takes for something of its own."""
    if isinstance(part, str):
        return f"{part} " if part in _VEGAS_OWN else part
    if isinstance(part, dict):
        return {key: _as_text(value) for key, value in part.items()}
    return [_as_text(value) for value in part] if isinstance(part, list) else part


def _nothing(canvas: Canvas) -> Spec:
    mark = {"type": "text", "text": "No rows", "fontSize": 14, "color": canvas.colours["muted"]}
    return {"data": {"values": [{}]}, "height": 80, "mark": mark}


def _for_page(drawn: str, title: str) -> str:
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(drawn)  # noqa: S314 - Vega's, just made
    for element in root.iter():
        for child in [child for child in element if child.get("opacity") == "0"]:
            element.remove(child)  # a text left out because it would lie on another
        tip = element.attrib.pop("aria-label", None)
        for name in [name for name in element.attrib if name.startswith(("aria-", "role", "pointer-", "font-family"))]:
            del element.attrib[name]
        if tip and not element.tag.endswith("}g"):
            ElementTree.SubElement(element, f"{{{_SVG}}}title").text = tip
    for name in ("width", "height", "class"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": title, "font-family": FONT}
    return ElementTree.tostring(root, encoding="unicode")
