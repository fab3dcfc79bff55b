"""Next and last runs, on a real Prefect server."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_runs import runs
from tools.model.prefect import PrefectSchedule
from tools.tests.samples import prefect_deployment, unique
from tools.tests.servers import make_pool


@pytest.fixture(name="api")
def _api(prefect_api_url: str) -> PrefectApi:
    make_pool(prefect_api_url)
    return PrefectApi(prefect_api_url)


def started(api: PrefectApi, deployment: str, *states: str) -> dict[str, Any]:
    """A run of a deployment that went through these states."""
    run = api.call("POST", f"/deployments/{deployment}/create_flow_run", {})
    for state in states:
        body = {"state": {"type": state, "name": state.capitalize()}, "force": True}
        api.call("POST", f"/flow_runs/{run['id']}/set_state", body)
    found: dict[str, Any] = api.call("GET", f"/flow_runs/{run['id']}")
    return found


def test_a_deployment_without_runs_has_neither_a_next_nor_a_last_one(api: PrefectApi) -> None:
    made = api.create(prefect_deployment(unique("quiet"), schedules=()))

    found = runs(api, [made.id])
    assert (found[made.id].next, found[made.id].last) == (None, None)
    assert runs(api, []) == {}


def test_the_last_run_is_the_one_that_started_last_whatever_became_of_it(api: PrefectApi) -> None:
    made = api.create(prefect_deployment(unique("ran"), schedules=()))
    started(api, made.id, "RUNNING", "COMPLETED")
    failed = started(api, made.id, "RUNNING", "FAILED")

    found = runs(api, [made.id])[made.id]
    assert found.next is None
    assert found.last is not None
    assert (found.last.state, found.last.at) == ("Failed", datetime.fromisoformat(failed["start_time"]))


def test_a_run_that_goes_on_is_the_last_and_one_that_waits_is_the_next(api: PrefectApi) -> None:
    made = api.create(prefect_deployment(unique("goes-on"), schedules=()))
    started(api, made.id, "RUNNING")
    waiting = started(api, made.id)

    found = runs(api, [made.id])[made.id]
    assert found.last is not None
    assert found.next is not None
    assert (found.last.state, found.next.state) == ("Running", "Scheduled")
    assert found.next.at == datetime.fromisoformat(waiting["expected_start_time"])


def test_the_next_run_of_a_schedule_is_the_earliest_and_each_deployment_has_its_own(api: PrefectApi) -> None:
    yearly = PrefectSchedule(slug="yearly", schedule={"cron": "0 0 1 1 *", "timezone": "UTC"})
    hourly = PrefectSchedule(slug="hourly", schedule={"cron": "0 * * * *", "timezone": "UTC"})
    one = api.create(prefect_deployment(unique("hourly"), schedules=(yearly, hourly)))
    other = api.create(prefect_deployment(unique("quiet"), schedules=()))
    until = time.monotonic() + 30
    while not (found := runs(api, [one.id, other.id]))[one.id].next:
        assert time.monotonic() < until, "the server has not scheduled anything"
        time.sleep(0.5)

    due = found[one.id].next
    assert due is not None
    assert due.at - datetime.now(UTC) <= timedelta(hours=1)
    assert (due.state, found[other.id].next) == ("Scheduled", None)


def test_the_last_run_of_a_flow_is_the_one_that_is_due_and_newest_in_its_pool(api: PrefectApi) -> None:
    made = api.create(prefect_deployment(unique("due"), schedules=()))
    assert api.last_run(made.flow, made.work_pool) is None
    started(api, made.id, "RUNNING", "COMPLETED")
    newest = started(api, made.id, "RUNNING")
    api.call("PATCH", f"/flow_runs/{newest['id']}", {"infrastructure_pid": "c::arn:aws:ecs:r:1:task/c/7"})
    later = {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}}
    api.call("POST", f"/deployments/{made.id}/create_flow_run", later)

    found = api.last_run(made.flow, made.work_pool)

    assert found is not None
    assert (found.id, found.state, found.task) == (newest["id"], "Running", "arn:aws:ecs:r:1:task/c/7")
    assert api.last_run(made.flow, "another-pool") is None
    assert api.last_run("another-flow", made.work_pool) is None
