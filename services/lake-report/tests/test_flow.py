"""The flow as Prefect runs it: what it writes, what it shows, what it says where it cannot go on."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from lakes import BUCKET, CopiedLake
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.utilities.callables import parameter_schema

from flow import lake_report

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(autouse=True)
def lake_url(lake: CopiedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_URL", lake.url)


def run(**parameters: Any) -> dict[str, Any]:
    summary = lake_report(**parameters)
    assert isinstance(summary, dict)
    return summary


def failure(**parameters: Any) -> str:
    state = lake_report(**parameters, return_state=True)
    assert state.is_failed()
    return state.message or ""


def artifact(key: str) -> Any:
    with get_client(sync_client=True) as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        return client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)[0]


def written(lake: CopiedLake) -> set[str]:
    return {path.name for path in lake.root.glob("_reports/flights/*")}


def test_a_page_and_a_picture_are_written_and_referred_to(lake: CopiedLake, caplog: pytest.LogCaptureFixture) -> None:
    lake.flights()
    before = datetime.now(UTC)
    with caplog.at_level(logging.INFO):
        summary = run()
    days = {f"{when:%Y-%m-%d}" for when in (before, datetime.now(UTC))}
    (day,) = {Path(summary["page"]).stem}
    assert day in days
    assert written(lake) == {f"{day}.html", f"{day}.png", "latest.html", "latest.png"}
    latest = lake.root / "_reports" / "flights" / "latest.html"
    assert latest.read_bytes() == latest.with_name(f"{day}.html").read_bytes()
    assert latest.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert summary == {
        "report": "flights",
        "page": f"{lake.url}/_reports/flights/{day}.html",
        "latest": f"{lake.url}/_reports/flights/latest.html",
        "chart": f"{lake.url}/_reports/flights/latest.png",
        "address": f"{lake.url}/_reports/flights/latest.html",
        "tables": {"airlines": 1, "flights": 1, "weather": 1},
        "rows": summary["rows"],
        "bytes": latest.stat().st_size,
    }
    assert json.loads(json.dumps(summary)) == summary
    assert f"see {summary['address']}" in caplog.text
    assert "reports/flights/00-period.sql: 1 row in" in caplog.text


def test_the_figures_are_those_of_the_flights(lake: CopiedLake) -> None:
    """Eight flights that can be counted by hand."""
    lake.flights()
    delays = [None, -5, 0, 14, 15, 16, 40, 100]
    rows = " UNION ALL ".join(
        f"SELECT 2013 AS year, 1 AS month, {1 + day} AS day, {'NULL' if delay is None else 900}::int AS dep_time,"
        f" {'NULL' if delay is None else delay}::double AS dep_delay, 'C1' AS carrier, 'JFK' AS origin,"
        f" TIMESTAMPTZ '2013-01-01 10:00:00+00' AS time_hour"
        for day, delay in enumerate(delays)
    )
    lake.table("flights", rows)
    run()
    page = (lake.root / "_reports" / "flights" / "latest.html").read_text()
    figures = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert figures == {
        "Flights scheduled": "8",
        "Cancelled": "12.5%",
        "Left 15 minutes late or more": "57.1%",
        "Mean delay of a departure": "25.7\N{NO-BREAK SPACE}min",
        "Median delay of the late ones": "28\N{NO-BREAK SPACE}min",
    }
    assert "1 January 2013 – 8 January 2013" in page
    assert "Airline number 1" in page


def test_prefect_shows_chart_table_and_link(lake: CopiedLake) -> None:
    lake.flights()
    summary = run()
    shown = artifact("lake-report-flights")
    assert shown.type == "markdown"
    assert "# Flights from New York" in shown.data
    assert "- Flights scheduled: **20,000**" in shown.data
    assert "(data:image/png;base64,iVBOR" in shown.data
    assert len(shown.data) < 200_000
    assert summary["address"] in shown.data
    table = json.loads(artifact("lake-report-flights-rows").data)
    assert len(table) == 15
    assert list(table[0])[:3] == ["Airline", "Jan", "Feb"]
    assert summary["address"] in artifact("lake-report-flights-page").data


def test_run_again_it_replaces_what_it_wrote(lake: CopiedLake) -> None:
    lake.flights()
    run()
    names = written(lake)
    lake.flights(40)
    assert run()["tables"]["flights"] == 2
    assert written(lake) == names
    assert "<dd>40</dd>" in (lake.root / "_reports" / "flights" / "latest.html").read_text()


def test_no_flights_are_a_page_too(lake: CopiedLake) -> None:
    lake.flights(0)
    run()
    page = (lake.root / "_reports" / "flights" / "latest.html").read_text()
    assert "No rows" in page
    assert "no data" in page


def test_an_empty_lake_is_told_with_what_fills_it(lake: CopiedLake, caplog: pytest.LogCaptureFixture) -> None:
    message = failure()
    assert f"the lake {lake.url} does not have the tables flights, airlines, weather" in message
    for table in ("airlines", "flights", "weather"):
        assert f"""make run-flow NAME=database-to-lake PARAMS='{{"table": "{table}"}}'""" in message
    assert list(lake.root.iterdir()) == []
    assert "Traceback" not in caplog.text


def test_a_run_that_fails_leaves_the_page_of_the_one_before(lake: CopiedLake) -> None:
    lake.flights()
    run()
    latest = lake.root / "_reports" / "flights" / "latest.html"
    before = latest.read_bytes()
    lake.files("weather")[0].unlink()
    assert "cannot read the lake" in failure()
    assert latest.read_bytes() == before


def test_whatever_the_data_holds_is_shown_and_never_ends_the_run(lake: CopiedLake) -> None:
    lake.flights()
    names = " UNION ALL ".join(f"SELECT 'C{n}' AS carrier, 'a' || chr({n}) || 'b' AS name" for n in range(15))
    lake.table("airlines", names)
    run()
    page = (lake.root / "_reports" / "flights" / "latest.html").read_text()
    assert "a�b" in page
    assert not re.search("[\0-\x08\x0b\x0c\x0e-\x1f]", page)
    rows = json.loads(artifact("lake-report-flights-rows").data)
    assert "a�b" in [row["Airline"] for row in rows]


def test_a_report_that_is_not_there_is_told(lake: CopiedLake) -> None:
    assert failure(report="flihgts") == "reports:1: there is no report 'flihgts'; there are: flights"


def test_a_lake_that_is_not_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKE_URL")
    assert failure() == "LAKE_URL is not set; it must be file:///directory or s3://bucket/prefix"


def test_a_lake_in_s3_has_the_page_as_a_browser_wants_it(
    lake: CopiedLake, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.flights()
    client = boto3.Session().client("s3")
    for path in (path for path in lake.root.rglob("*") if path.is_file()):
        client.upload_file(str(path), BUCKET, f"some/lake/{path.relative_to(lake.root)}")
    monkeypatch.setenv("LAKE_URL", s3)
    monkeypatch.setenv("LAKE_WEB_URL", "https://reports.example.com")
    summary = run()
    assert summary["latest"] == f"{s3}/_reports/flights/latest.html"
    assert summary["address"] == "https://reports.example.com/_reports/flights/latest.html"
    found = client.get_object(Bucket=BUCKET, Key="some/lake/_reports/flights/latest.html")
    assert found["ContentType"] == "text/html; charset=utf-8"
    assert found["Body"].read().startswith(b"<!doctype html>")


def test_the_parameter_has_a_schema_that_explains_it() -> None:
    schema = parameter_schema(lake_report).model_dump()
    assert set(schema["properties"]) == {"report"}
    assert len(schema["properties"]["report"]["description"]) > 20
    assert schema["required"] == []
