"""Drawings: every row is in them, texts are escaped."""

from __future__ import annotations

import struct
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest
from made_answers import EVIL, answered

from charts import draw
from query.answers import Answer

SVG = "{http://www.w3.org/2000/svg}"


def drawn(given: Answer, width: int = 430) -> ElementTree.Element:
    return ElementTree.fromstring(draw.svg(given, width))


def texts(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


def tips(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}title")]


@pytest.mark.parametrize("chart", ["bars", "columns", "lines"])
@pytest.mark.parametrize("width", [900, 330])
def test_each_row_is_drawn_and_told(chart: str, width: int) -> None:
    svg = drawn(answered(chart, "name n", [("a", 1), ("b", 2.5), ("c", 30)]), width)
    assert tips(svg) == ["Name: a\nN: 1", "Name: b\nN: 2.5", "Name: c\nN: 30"]
    assert {"a", "b", "c"} <= set(texts(svg))


@pytest.mark.parametrize("chart", ["bars", "columns", "lines"])
@pytest.mark.parametrize(
    "rows",
    [
        [("a", None), ("b", 2)],
        [("a", None)],
        [("a", 0)],
        [("a", -5), ("b", 3)],
        [("a", -5)],
        [(None, 1)],
        [("a", 1e15), ("b", 1e-9)],
        [("a", 1), ("a", 2)],
        [("x" * 300, 1)],
        [("", 1)],
    ],
)
def test_awkward_rows_are_drawn(chart: str, rows: list[tuple[Any, ...]]) -> None:
    given = answered(chart, "name n", rows)
    for width in (900, 330):
        content = draw.svg(given, width)
        assert "NaN" not in content
        assert "undefined" not in content
    assert draw.png(given, ["note"]).startswith(b"\x89PNG")


def test_rows_of_one_name_keep_a_bar_each() -> None:
    svg = drawn(answered("bars", "name n", [("same", 10), ("same", 20)]))
    assert texts(svg).count("same") == 2
    assert tips(svg) == ["Name: same\nN: 10", "Name: same\nN: 20"]


@pytest.mark.parametrize("chart", ["bars", "columns", "lines", "heatmap"])
def test_data_in_a_drawing_is_text_whatever_it_says(chart: str) -> None:
    keys = {"x": "name", "y": "name", "value": "n"} if chart == "heatmap" else {}
    given = answered(chart, "name n", [(EVIL, 1), ("');alert('x", 2), ("\\", 3)], **keys)
    content = draw.svg(given, 900)
    assert "<script" not in content
    svg = ElementTree.fromstring(content)
    assert any(EVIL in tip for tip in tips(svg))
    assert "\\" in texts(svg)
    assert not [element for element in svg.iter() if element.tag in (f"{SVG}script", f"{SVG}image", f"{SVG}a")]


@pytest.mark.parametrize("chart", ["bars", "columns", "lines", "heatmap"])
def test_texts_that_the_library_could_not_draw_are_drawn(chart: str) -> None:
    """As they came from the data, each of these ended the process."""
    names = [f"a{chr(code)}b" for code in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)]
    keys = {"x": "name", "y": "name", "value": "n"} if chart == "heatmap" else {}
    given = answered(chart, "name n other\0", [(name, 1, name) for name in names], **keys)
    assert "a�b" in texts(drawn(given, 900))
    assert draw.png(given, []).startswith(b"\x89PNG")


@pytest.mark.parametrize("word", ["if", "constructor", "__proto__", "datum"])
@pytest.mark.parametrize("chart", ["bars", "columns", "lines", "heatmap"])
def test_words_that_mean_something_to_the_library_are_texts_too(chart: str, word: str) -> None:
    keys: dict[str, Any] = {"x": "name", "y": "name", "value": "n"} if chart == "heatmap" else {}
    keys |= {"series": "s"} if chart == "lines" else {}
    keys |= {"title": word, "text": word, "columns": {"n": {"label": word, "unit": word}}}
    given = answered(chart, "name n s", [(word, 1, word), ("b", 2, word), ("b", 3, "other")], **keys)
    svg = drawn(given, 900)
    assert word in [text.rstrip() for text in texts(svg)]
    assert len(tips(svg)) == 3
    assert draw.png(given, [word]).startswith(b"\x89PNG")


@pytest.mark.parametrize("number", [1.7e308, -1.7e308, 5e-324, 2**127])
@pytest.mark.parametrize("chart", ["bars", "columns", "lines", "heatmap"])
def test_numbers_beyond_all_measure_are_drawn(chart: str, number: float) -> None:
    keys: dict[str, Any] = {"x": "name", "y": "name", "value": "n"} if chart == "heatmap" else {}
    keys |= {"reference": "r"} if chart in ("bars", "columns") else {}
    for rows in ([("a", number, 1)], [("a", number, number), ("b", 3, number)], [("a", 1, number), ("b", 3, number)]):
        given = answered(chart, "name n r", rows, **keys)
        content = draw.svg(given, 430)
        assert "NaN" not in content
        assert "Infinity" not in content
        assert max(map(len, texts(ElementTree.fromstring(content)))) < 60
    assert draw.png(given, []).startswith(b"\x89PNG")


def test_a_reference_beyond_all_bars_is_on_the_axis() -> None:
    for chart in ("bars", "columns"):
        given = answered(chart, "name n r", [("a", 1, 50), ("b", 2, 50)], reference="r")
        assert {"0", "50"} <= set(texts(drawn(given, 900)))
        height = struct.unpack(">I", draw.png(given, [])[20:24])[0]
        assert height < 1000


def test_no_rows_are_told_in_the_drawing() -> None:
    given = answered("bars", "name n", [])
    assert texts(drawn(given)) == ["No rows"]
    assert draw.png(given, []).startswith(b"\x89PNG")


def test_a_reference_is_a_line_with_its_name() -> None:
    keys = {"reference": "all", "columns": {"all": {"label": "Mean", "unit": "%"}}}
    rows = [("a", 10.0, 15.0), ("b", 20.0, 15.0)]
    assert "Mean: 15.0%" in texts(drawn(answered("bars", "name n all", rows, **keys)))
    assert "- - Mean: 15.0%" in texts(drawn(answered("columns", "name n all", rows, **keys)))
    assert tips(drawn(answered("bars", "name n all", rows, **keys)))[0] == "Name: a\nN: 10.0"


def test_axes_that_are_to_be_compared_end_alike() -> None:
    keys = {"columns": {"n": {"max": 60}}}
    ticks = [
        [text for text in texts(drawn(answered("columns", "name n", [("a", high)], **keys))) if text.isdigit()]
        for high in (7, 47)
    ]
    assert ticks[0][:4] == ticks[1][:4]


def test_lines_have_a_legend_and_a_colour_each() -> None:
    rows = [("Jan", 1, "JFK"), ("Feb", 2, "JFK"), ("Jan", 3, "EWR"), ("Feb", 4, "EWR")]
    content = draw.svg(answered("lines", "name n airport", rows, series="airport"), 430)
    assert {"JFK", "EWR", "Jan", "Feb"} <= set(texts(ElementTree.fromstring(content)))
    assert "var(--series-1)" in content
    assert "var(--series-2)" in content


@pytest.mark.parametrize("rows", [[(date(2013, 1, 1), 1), (date(2013, 12, 31), 2)], [(2013, 1), (2014.5, 2)]])
def test_lines_go_over_time_and_over_numbers(rows: list[tuple[Any, ...]]) -> None:
    svg = drawn(answered("lines", "name n", rows))
    assert len(tips(svg)) == 2
    assert any("2013" in text or "2,013" in text for text in texts(svg))


def test_a_heatmap_has_a_field_for_each_row_and_a_dash_for_none() -> None:
    keys = {"x": "month", "y": "airline", "value": "late"}
    rows = [("Jan", "A", 12.4), ("Feb", "A", None), ("Jan", "B", 60.0), ("Feb", "B", 3.0)]
    given = answered("heatmap", "month airline late", rows, columns={"late": {"unit": "%", "digits": 0}}, **keys)
    found = texts(drawn(given, 900))
    assert {"12", "–", "60", "3", "A", "B", "Jan", "Feb", "Late (%)"} <= set(found)
    assert len(tips(drawn(given))) == 4


def test_a_picture_has_twice_the_pixels_of_its_width() -> None:
    width = struct.unpack(">I", draw.png(answered("bars", "name n", [("a", 1)]), ["note"])[16:20])[0]
    assert 2 * 880 <= width <= 2 * 960
