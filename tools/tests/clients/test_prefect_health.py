"""Work pools, workers, blocks and late runs as the doctor relies on them, on a real Prefect server."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tools.clients import prefect_health
from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_http import Http
from tools.errors import RemoteError
from tools.model.credential import KEY, Credential
from tools.tests.proxy import Proxy, Reply
from tools.tests.samples import prefect_deployment, unique
from tools.tests.servers import ask


@pytest.fixture
def api(prefect_api_url: str) -> PrefectApi:
    """The server."""
    return PrefectApi(prefect_api_url)


def test_the_api_answers_with_its_time_and_its_version(api: PrefectApi) -> None:
    found = prefect_health.reach(api)

    assert found.lets_in
    assert found.date
    assert abs(datetime.now(UTC) - found.date) < timedelta(seconds=30)
    assert re.fullmatch(r"3\.\d+\.\d+", prefect_health.version(api))


@pytest.mark.parametrize("status", [401, 403])
def test_one_who_is_not_let_in_is_told_so_and_a_fault_is_an_error(status: int) -> None:
    answers = [Reply(status), Reply(404)]
    with Proxy(None, before=lambda _: answers.pop(0)).serving() as port:
        api = Http(f"http://127.0.0.1:{port}/api", Credential(KEY, "pnu_x"))
        assert not prefect_health.reach(api).lets_in
        with pytest.raises(RemoteError, match="Prefect answered 404"):
            prefect_health.reach(api)


def test_a_pool_its_template_and_its_workers_are_read_as_they_are(api: PrefectApi) -> None:
    name = unique("pool")
    variables = {"type": "object", "properties": {"command": {"type": "string"}}}
    template = {"job_configuration": {"command": "{{ command }}"}, "variables": variables}
    body = {"name": name, "type": "ecs", "base_job_template": template, "concurrency_limit": 3}
    ask("POST", f"{api.url}/work_pools/", body).raise_for_status()
    pool = prefect_health.work_pool(api, name)

    assert pool
    assert (pool.name, pool.type, pool.paused, pool.limit) == (name, "ecs", False, 3)
    assert pool.template == template
    assert prefect_health.workers(api, name) == []
    ask("POST", f"{api.url}/work_pools/{name}/workers/heartbeat", {"name": "one"}).raise_for_status()
    (worker,) = prefect_health.workers(api, name)
    assert (worker.name, worker.online) == ("one", True)
    assert worker.heard
    ask("PATCH", f"{api.url}/work_pools/{name}", {"is_paused": True}).raise_for_status()
    assert prefect_health.work_pool(api, name) != pool
    assert prefect_health.work_pool(api, unique("never")) is None


def test_late_runs_of_a_pool_are_told_longest_due_first_and_no_others(api: PrefectApi) -> None:
    name = unique("pool")
    ask("POST", f"{api.url}/work_pools/", {"name": name, "type": "ecs"}).raise_for_status()
    made = api.create(prefect_deployment(unique("late"), work_pool=name, schedules=(), concurrency_limit=None))
    runs = []
    for minutes, state in ((5, "Late"), (90, "Late"), (200, "Scheduled")):
        due = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
        wanted = {"type": "SCHEDULED", "name": state, "state_details": {"scheduled_time": due}}
        path = f"{api.url}/deployments/{made.id}/create_flow_run"
        run = ask("POST", path, {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}}).json()
        ask("POST", f"{api.url}/flow_runs/{run['id']}/set_state", {"state": wanted, "force": True}).raise_for_status()
        runs.append(run["id"])

    found = [item.id for item in prefect_health.late_runs(api, name)]

    assert [item for item in found if item in runs[:2]] == [runs[1], runs[0]]
    assert prefect_health.late_runs(api, unique("never")) == []


def test_of_a_block_only_the_bucket_is_told(api: PrefectApi) -> None:
    kind = unique("bucket")
    block = ask("POST", f"{api.url}/block_types/", {"name": kind, "slug": kind}).json()
    schema = {"fields": {"title": kind, "type": "object"}, "block_type_id": block["id"]}
    made = ask("POST", f"{api.url}/block_schemas/", schema).json()
    for name, data in (("plain", {"bucket_name": "b"}), ("deep", {"bucket_name": "b", "bucket_folder": "results/"})):
        body = {"name": name, "data": data, "block_schema_id": made["id"], "block_type_id": block["id"]}
        ask("POST", f"{api.url}/block_documents/", body).raise_for_status()

    assert prefect_health.bucket_of(api, f"{kind}/plain") == "b"
    assert prefect_health.bucket_of(api, f"{kind}/deep") == "b/results"
    assert prefect_health.bucket_of(api, f"{kind}/never") is None
