"""The page's text: all parts in their places, what comes from outside escaped, nothing to load."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from made_answers import EVIL, answered

from publish import page
from publish.published import Published
from query.answers import Answer
from query.lake import Manifest, Source
from query.report import Report

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ESCAPED = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;co&#34; &lt;/svg&gt;"


def published(*answers: Answer, title: str = "A page", table: str = "flights") -> Published:
    report = Report("test", title, f"About {title}", tuple(one.query for one in answers))
    source = Source(table, f"sample:{table}", 7, WHEN, 1234)
    return Published(report, answers, (source,), (table,), WHEN)


def bars(**keys: Any) -> Answer:
    return answered("bars", "name n", [("a", 1)], **keys)


def test_period_figures_source_and_time_of_making_are_on_it() -> None:
    period = answered("period", "first last", [(date(2013, 1, 1), date(2013, 12, 31))])
    columns = {"late": {"label": "Late ones", "unit": "%", "digits": 1}}
    figures = answered("figures", "flights late", [(336776, 22.19)], columns=columns)
    text = page.html(published(period, figures, bars()))
    assert '<p class="period">1 January 2013 – 31 December 2013</p>' in text
    assert re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text) == [("Flights", "336,776"), ("Late ones", "22.2%")]
    assert re.search(r'flights</td><td class="number">1,234</td><td>sample:flights</td><td>no. 7 of 2026-01-02', text)
    assert "Made on 2026-01-02 at 03:04 UTC" in text


def test_charts_stand_in_their_sections_in_their_order() -> None:
    text = page.html(published(bars(title="One"), bars(title="Two", section="By day"), bars(title="Three")))
    assert re.findall(r"<h[123]>(.*?)</h[123]>", text)[1:5] == ["One", "By day", "Two", "Three"]


def test_numbers_stand_right_and_texts_left() -> None:
    rows = [("a", 1234.5, None), ("x" * 40, -2, 3)]
    text = page.html(published(bars(), answered("table", "name n m", rows)))
    assert '<th class="long">Name</th><th class="number">N</th><th class="number">M</th>' in text
    assert '<td class="long">a</td><td class="number">1,234.5</td><td class="number">–</td>' in text
    assert '<td class="number">−2</td>' in text


@pytest.mark.parametrize("place", ["title", "text", "section", "label", "unit", "value", "table", "report"])
def test_what_comes_from_outside_is_escaped_wherever_it_stands(place: str) -> None:
    keys: dict[str, Any] = {place: EVIL} if place in ("title", "text", "section") else {}
    if place in ("label", "unit"):
        keys["columns"] = {"n": {place: EVIL}}
    chart = answered("bars", "name n", [(EVIL if place == "value" else "a", 1)], **keys)
    text = page.html(
        published(chart, title=EVIL if place == "report" else "A page", table=EVIL if place == "table" else "t")
    )
    assert "<script" not in text
    assert "alert(" in text
    assert place in ("label", "unit") or ESCAPED in text


def test_what_the_lake_says_of_a_table_can_be_shown() -> None:
    state = {"number": 1, "table": "a\0b", "source": "\x1b", "created": WHEN, "arrow_schema": "", "files": []}
    told = Manifest.model_validate(state).told
    assert (told.table, told.source) == ("a�b", "�")


def test_nothing_is_loaded() -> None:
    text = page.html(published(bars(), answered("lines", "name n", [("a", 1), ("b", 2)])))
    assert re.findall(r"src=|href=|url\(|@import|<link|<script", text) == []
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}


def test_the_main_charts_notes_name_its_own_tables() -> None:
    assert published(bars()).notes == ["Source: flights in the lake"]
