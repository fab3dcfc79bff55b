"""The flow as Prefect runs it, with the log that a person reads."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import State
from prefect.utilities.callables import parameter_schema

from databases import Database
from flow import database_to_lake
from lake.store import Store
from lake.table import Table, table_names
from summary import Summary

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sample's database is built once for all tests."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def store(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("DATA_FLOWS_DATA", str(data))
    monkeypatch.setenv("LAKE_URL", tmp_path.as_uri())
    return Store(tmp_path.as_uri())


def run(**parameters: Any) -> Summary:
    summary: Summary | State[Summary] = database_to_lake(**parameters)
    assert not isinstance(summary, State)
    return summary


def failure(**parameters: Any) -> str:
    state = database_to_lake(**parameters, return_state=True)
    assert state.is_failed()
    return state.message or ""


def test_without_parameters_it_copies_the_flights_and_then_nothing(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        first = run()
        again = run()
    assert (first["table"], first["rows_new"], first["cursor"]) == ("flights", 336776, "time_hour")
    assert (again["rows_new"], again["rows_total"], again["files_written"]) == (0, 336776, 0)
    assert json.loads(json.dumps(first)) == first
    assert Table(store, "flights").read().num_rows == 336776
    assert f"Copying flights of sample:nycflights13 to {store.url}/flights: the rows that are new by" in caplog.text
    assert "Wrote 336,776 rows in " in caplog.text
    assert "Nothing new in " in caplog.text
    assert "flights keeps its 336,776 rows" in caplog.text
    assert caplog.text.count("See this run: ") == 2


def test_another_table_needs_no_other_parameter(store: Store) -> None:
    assert run(table="weather")["rows_new"] == 26115
    assert run(table="planes")["cursor"] is None
    assert run(table="planes")["rows_new"] == 0
    assert table_names(store) == ["planes", "weather"]


def test_a_query_file_is_copied_to_a_table_called_as_the_file(store: Store) -> None:
    assert run(query_file="queries/late_departures.sql")["rows_new"] == 27059
    assert table_names(store) == ["late_departures"]


def test_auto_goes_on_by_the_cursor_of_the_run_before(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_URL", sqlite.url)
    sqlite.execute("CREATE TABLE t (id INTEGER)")
    sqlite.execute("INSERT INTO t VALUES (1), (2)")
    assert run(table="t")["cursor"] is None
    assert run(table="t", cursor="id")["cursor"] == "id"
    sqlite.execute("INSERT INTO t VALUES (3)")
    summary = run(table="t")
    assert (summary["cursor"], summary["rows_new"], summary["watermark"]) == ("id", 1, 3)


def test_the_summary_is_an_artifact() -> None:
    run(table="airports")
    with get_client(sync_client=True) as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["copied-airports"]))
        (artifact,) = client.read_artifacts(artifact_filter=wanted)
    assert artifact.type == "table"
    assert {"what": "rows total", "value": 1458} in json.loads(str(artifact.data))


def test_a_copy_of_a_moment_shows_no_progress(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run(table="airlines")
    assert "rows read" not in caplog.text


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"table": "flight"},
            "no table flight; did you mean flights? It has: airlines, airports, flights, planes, weather",
        ),
        ({"cursor": "updated_at"}, "flights has no column updated_at. It has: year, month"),
        (
            {"query_file": "../healthcheck/x.sql"},
            "no .sql file in this service's directory: queries/late_departures.sql",
        ),
        ({"query_file": "/etc/passwd"}, "no .sql file in this service's directory"),
        ({"query_file": "flow.py"}, "no .sql file in this service's directory"),
    ],
)
def test_what_is_wrong_is_one_message(
    parameters: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert message in failure(**parameters)
    assert "Traceback" not in caplog.text


def test_a_lake_that_is_not_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKE_URL")
    assert failure() == "LAKE_URL is not set; it must be file:///directory or s3://bucket/prefix"


def test_a_password_is_nowhere_to_be_seen(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("SOURCE_URL", "postgresql://flows:open%20sesame@127.0.0.1:1/source")
    with caplog.at_level(logging.DEBUG):
        message = failure()
    assert "postgresql://127.0.0.1:1/source cannot be read" in message
    assert "sesame" not in message + caplog.text


def test_the_parameters_have_a_schema_that_explains_them() -> None:
    schema = parameter_schema(database_to_lake).model_dump()
    assert set(schema["properties"]) == {"table", "cursor", "partition", "query_file", "reset"}
    assert all(len(entry["description"]) > 20 for entry in schema["properties"].values())
    assert schema["required"] == []
