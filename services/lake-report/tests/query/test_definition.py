"""A report's files: what they say, and what is told about each kind of mistake, with file and line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sql_files import MakeReport, sql

from errors import DefinitionError
from query import definition
from query.report import Chart


def refused(root: Path) -> str:
    with pytest.raises(DefinitionError) as caught:
        definition.load("test", root)
    return str(caught.value)


def test_the_reports_of_this_service_are_valid() -> None:
    names = [path.parent.name for path in definition.ROOT.glob("*/report.toml")]
    assert "flights" in names
    for name in names:
        assert definition.load(name).queries


def test_parts_stand_in_the_order_of_their_names(make_report: MakeReport) -> None:
    root = make_report(b=sql("SELECT 2"), a=sql("SELECT 1"))
    assert [query.name for query in definition.load("test", root).queries] == ["a", "b"]


def test_the_first_chart_is_the_main_one_unless_another_says_so(make_report: MakeReport) -> None:
    root = make_report(a=sql("SELECT 1", "table", ""), b=sql("SELECT 1"), c=sql("SELECT 1"))
    assert definition.load("test", root).main.name == "b"
    root = make_report(c=sql("SELECT 1", keys='x = "n"\ny = "name"\nmain = true'))
    assert definition.load("test", root).main.name == "c"


def test_comments_after_the_header_are_no_part_of_the_sql(make_report: MakeReport) -> None:
    root = make_report(a=sql("-- why\n/* and\n how */\nSELECT 1 AS n"))
    [query] = definition.load("test", root).queries
    assert query.sql == "SELECT 1 AS n\n"
    assert query.line == 10


def test_a_report_that_is_not_there_is_told_with_those_that_are(make_report: MakeReport) -> None:
    root = make_report(a=sql("SELECT 1"))
    for name in ("nosuch", "../test", "", "test/"):
        with pytest.raises(DefinitionError, match=r"there is no report .*there are: test"):
            definition.load(name, root)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT 1", "1: must begin with /*"),
        ("/* title = 'x'", "1: must begin with /*"),
        ("/*\ntitle = \n*/\nSELECT 1", "2: Invalid value"),
        ("/*\ntitle = 'x\n*/\nSELECT 1", "2: Expected"),
        ("/*\ntitle = 'x'\n*/\nSELECT 1", "1: chart: Field required"),
        ("/*\ntitle = ''\nchart = 'table'\n*/\nSELECT 1", "2: title: String should have at least 1 character"),
        ("/*\ntitle = 'x'\nchart = 'pie'\n*/\nSELECT 1", "3: chart: Input should be 'bars', 'columns'"),
        ("/*\ntitle = 'x'\nchart = 'bars'\n*/\nSELECT 1", "a chart of bars needs x, the name of a column"),
        ("/*\ntitle = 'x'\nchart = 'table'\nx = 'a'\n*/\nSELECT 1", "a chart of table has no x"),
        ("/*\ntitle = 'x'\nchart = 'table'\nmain = true\n*/\nSELECT 1", "main is for a chart that is drawn"),
        (
            "/*\ntitle = 'x'\nchart = 'table'\ncolour = 1\n*/\nSELECT 1",
            "4: colour: there is no such key; there are: tit",
        ),
        ("/*\ntitle = 'x'\nchart = 'table'\nwidth = 'wide'\n*/\nSELECT 1", "4: width: Input should be 'full'"),
        ("/*\ntitle = 'x'\nchart = 'table'\n[columns]\na = { digits = 9 }\n*/\nSELECT 1", "columns.a.digits"),
        ("/*\ntitle = 'x'\nchart = 'table'\n[columns]\na = { unti = 's' }\n*/\nSELECT 1", "there are: label, unit"),
        ("/*\ntitle = 'x'\nchart = 'table'\n*/\n-- nothing\n", "there is no SQL after the header"),
    ],
)
def test_a_header_that_is_wrong_is_told_with_file_and_line(make_report: MakeReport, text: str, told: str) -> None:
    message = refused(make_report(a=text))
    assert message.startswith("reports/test/a.sql:")
    assert told in message
    assert "\n" not in message


def test_text_that_is_not_utf_8_is_told_with_its_line(make_report: MakeReport) -> None:
    root = make_report(a=sql("SELECT 1"))
    (root / "test" / "a.sql").write_bytes(b"/*\n*/\nSELECT '\xff'")
    assert refused(root) == "reports/test/a.sql:3: is not UTF-8"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/*\ntitle = 'x'\nchart = 'table'\n*/\nSELECT 'a\0'", "5: the character U+0000"),
        ("/*\ntitle = 'x'\nchart = 'table'\n*/\nSELECT '\x1b'", "5: the character U+001B"),
        ("/*\ntitle = 'x\x7f'\nchart = 'table'\n*/\nSELECT '\ufffe'", "5: the character U+FFFE"),
        ('/*\ntitle = "a\\u0000"\nchart = "table"\n*/\nSELECT 1', "2: title: the character U+0000"),
        ('/*\ntitle = "a"\ntext = "\\u001f"\nchart = "table"\n*/\nSELECT 1', "3: text: the character U+001F"),
        ('/*\ntitle = "a"\nsection = "\\f"\nchart = "table"\n*/\nSELECT 1', "3: section: the character U+000C"),
        ('/*\ntitle = "a"\nchart = "bars"\nx = "\\b"\n*/\nSELECT 1', "4: x: the character U+0008"),
        (
            '/*\ntitle = "a"\nchart = "table"\n[columns]\na = { label = "\\u0001" }\n*/\nSELECT 1',
            "a.label: the char",
        ),
        ('/*\ntitle = "a"\nchart = "table"\n[columns]\na = { unit = "\\uffff" }\n*/\nSELECT 1', "columns.a.unit: the"),
        (
            '/*\ntitle = "a"\nchart = "table"\n[columns]\n"\\u0002" = { }\n*/\nSELECT 1',
            "the character U+0002",
        ),
    ],
)
def test_text_that_cannot_be_shown_is_refused_with_file_and_line(make_report: MakeReport, text: str, told: str) -> None:
    message = refused(make_report(a=text))
    assert message.startswith("reports/test/a.sql:")
    assert told in message
    assert message.isprintable()


def test_report_toml_has_no_text_either_that_cannot_be_shown(make_report: MakeReport) -> None:
    root = make_report(a=sql("SELECT 1"))
    for line in ('title = "a\\u0000"', 'title = "a"\ntext = "\\u0000"'):
        (root / "test" / "report.toml").write_text(line)
        assert re.match(r"reports/test/report\.toml:[12]: (title|text): the character U\+0000", refused(root))


def test_a_report_needs_a_chart_and_not_two_main_ones(make_report: MakeReport) -> None:
    assert "report.toml:1: the report has no chart" in refused(make_report(a=sql("SELECT 1", "table", "")))
    main = sql("SELECT 1", keys='x = "n"\ny = "name"\nmain = true')
    assert "b.sql:6: main = true stands in a.sql already" in refused(make_report(a=main, b=main))


def test_report_toml_is_checked_too(make_report: MakeReport) -> None:
    root = make_report(a=sql("SELECT 1"))
    (root / "test" / "report.toml").write_text("titel = 'x'\n")
    assert "report.toml:1:" in refused(root)


def test_each_chart_that_is_drawn_has_a_measure() -> None:
    assert all((chart.measure is not None) == chart.is_drawn for chart in Chart)
