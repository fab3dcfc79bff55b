"""The page as a browser shows it: nothing is loaded, nothing complains, no text lies on another or leaves its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Page, program
from lakes import CopiedLake
from made_answers import EVIL, answered

from publish import page
from publish.published import Published
from query import bounded, definition
from query.answers import Answer
from query.report import Report

LOOK = Path(__file__).with_name("look.js").read_text()
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LOOKS = [(1280, False), (1280, True), (390, False), (390, True), (768, False)]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = program()
    if not found:
        pytest.skip("Chromium is not on this machine: apt-get install chromium")
    with Browser(found, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def of_the_lake(lake: CopiedLake) -> Published:
    report = definition.load("flights")
    with bounded.opened(report.queries, lake.url) as tables:
        return Published(report, tuple(tables.answers()), tables.sources, (), WHEN)


def of_answers(*answers: Answer, title: str = "A page") -> Published:
    return Published(Report("test", title, "", tuple(one.query for one in answers)), answers, (), (), WHEN)


def opened(chromium: Browser, published: Published, path: Path, width: int = 1280, *, dark: bool = False) -> Page:
    path.write_text(page.html(published), encoding="utf-8")
    return chromium.open(path.as_uri(), width, dark=dark)


def seen_wrong(shown: Page) -> list[Any]:
    """What is wrong with a page, with its details closed and open."""
    closed = shown.evaluate(LOOK)
    shown.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    return [*shown.complaints, *closed, *shown.evaluate(LOOK)]


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_the_flights_look_well(chromium: Browser, lake: CopiedLake, tmp_path: Path, width: int, dark: bool) -> None:
    lake.flights()
    path = tmp_path / "page.html"
    shown = opened(chromium, of_the_lake(lake), path, width, dark=dark)
    assert seen_wrong(shown) == []
    assert shown.requests == [path.as_uri()]
    drawings = "[...document.querySelectorAll('.drawing')].filter(one => one.getClientRects().length).length"
    assert shown.evaluate(drawings) == 8
    assert shown.evaluate("document.title") == "Flights from New York: departures and delays"
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(14, 20, 26)" if dark else "rgb(244, 246, 248)"
    )


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_lake_with_few_flights_looks_well(
    chromium: Browser, lake: CopiedLake, tmp_path: Path, width: int, rows: int
) -> None:
    lake.flights(rows)
    shown = opened(chromium, of_the_lake(lake), tmp_path / "page.html", width)
    assert seen_wrong(shown) == []
    assert ("No rows" in shown.evaluate("document.body.innerText")) == (rows == 0 or rows < 30)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("chart", ["bars", "columns", "lines", "table"])
@pytest.mark.parametrize(
    "rows",
    [
        [(EVIL, 1), ("a & b", 2)],
        [("Größe ☃ 東京 العربية 🛫", 1.5), ("x" * 300, -2.5)],
        [("a", None), (None, 3), ("", 0)],
        [("only", 1)],
        [("tiny", 1e-9), ("huge", 123456789012345)],
        [(f"{number} of many names", number) for number in range(60)],
        [(date(2013, month, 1), month) for month in range(1, 13)],
    ],
    ids=["markup", "unicode", "nulls", "one", "far", "many", "dates"],
)
def test_awkward_data_looks_well(
    chromium: Browser, tmp_path: Path, chart: str, width: int, rows: list[tuple[Any, ...]]
) -> None:
    drawn = answered(chart, "name n", rows)
    extra = () if chart != "table" else (answered("bars", "name n", [("a", 1)]),)
    shown = opened(chromium, of_answers(drawn, *extra), tmp_path / "page.html", width)
    assert seen_wrong(shown) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_a_heatmap_of_awkward_names_looks_well(chromium: Browser, tmp_path: Path, width: int) -> None:
    rows = [(x, y, n) for n, (x, y) in enumerate((x, y) for y in (EVIL, "東京", "") for x in ("a" * 50, "b & c"))]
    drawn = answered("heatmap", "x y n", [*rows, ("b & c", None, None)], x="x", y="y", value="n")
    assert seen_wrong(opened(chromium, of_answers(drawn), tmp_path / "page.html", width)) == []


def test_no_script_of_the_data_runs(chromium: Browser, tmp_path: Path) -> None:
    evil = "</style></title></svg><script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
    rows = [(evil, 1), ("<b>", 2)]
    answers = [answered(chart, "name n", rows) for chart in ("bars", "columns", "lines", "table")]
    path = tmp_path / "page.html"
    shown = opened(chromium, of_answers(*answers, title=evil), path)
    assert shown.evaluate("document.title") == evil
    assert shown.evaluate("document.querySelectorAll('script, img, b').length") == 0
    assert shown.requests == [path.as_uri()]
    assert shown.complaints == []


def test_the_checks_see_what_is_wrong(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        """<!doctype html><div class="card" style="width: 300px"><div class="drawing">
        <svg viewBox="0 0 300 100" width="300"><text x="10" y="50">one</text><text x="15" y="52">other</text>
        <text x="290" y="20">outside</text><text x="10" y="90" font-size="5">small</text></svg></div></div>
        <p style="width: 5000px">wide</p><script>console.error("told"); fetch("http://127.0.0.1:1/")</script>"""
    )
    shown = chromium.open(path.as_uri(), 390)
    wrong = "\n".join(shown.evaluate(LOOK))
    for told in ('"other" lies on text "one"', '"outside" leaves its card', '"small" is too small', "the page is 50"):
        assert told in wrong
    assert len(shown.complaints) >= 1
    assert shown.requests == [path.as_uri(), "http://127.0.0.1:1/"]
