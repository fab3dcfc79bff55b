"""Deployments in Prefect as the stages rely on them, proven alike on the fake and on a real server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests

from tools.clients.prefect_api import PrefectApi
from tools.model.prefect import PrefectSchedule
from tools.tests.fakes import FakePrefect
from tools.tests.proxy import Proxy
from tools.tests.samples import prefect_deployment, unique, without_ids
from tools.tests.servers import make_pool


def test_flows_that_were_never_registered_have_no_deployments(prefect: FakePrefect | PrefectApi) -> None:
    assert prefect.deployments([unique("never"), unique("never")]) == []


def test_a_created_deployment_reads_back_whole(prefect: FakePrefect | PrefectApi) -> None:
    wanted = prefect_deployment(unique("whole"))
    made = prefect.create(wanted)
    assert made.id
    assert all(schedule.id for schedule in made.schedules)
    assert without_ids(made) == without_ids(wanted)
    assert prefect.deployments([wanted.flow]) == [made]


def test_deployments_of_other_flows_are_not_given(prefect: FakePrefect | PrefectApi) -> None:
    one, other = unique("one"), unique("other")
    prefect.create(prefect_deployment(one))
    prefect.create(prefect_deployment(other))
    prefect.create(prefect_deployment(one, name="hourly"))
    assert [item.full_name for item in prefect.deployments([one])] == [f"{one}/daily", f"{one}/hourly"]


Change = dict[str, object]


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Other words"},
        {"description": ""},
        {"version": "4"},
        {"tags": ("data-flows:Local",)},
        {"parameters": {"table": "weather"}},
        {"parameters": {}},
        {"entrypoint": "other.py:main"},
        {"path": "/elsewhere"},
        {"job_variables": {"task_definition_arn": "arn:y:4", "launch_type": "FARGATE_SPOT"}},
        {"parameter_schema": {"type": "object", "properties": {}}},
        {"concurrency_limit": 5},
        {"concurrency_limit": None},
    ],
    ids=lambda change: "-".join(f"{key}={value}"[:30] for key, value in change.items()),
)
def test_a_patch_writes_its_fields_and_nothing_else(prefect: FakePrefect | PrefectApi, change: Change) -> None:
    live = prefect.create(prefect_deployment(unique("patch")))
    wanted = live.model_copy(update={**change, "version": change.get("version", "not to be written")})
    prefect.patch(live, wanted, list(change))
    (after,) = prefect.deployments([live.flow])
    assert after == live.model_copy(update=change)


def test_a_paused_schedule_stays_paused_when_its_time_is_changed(prefect: FakePrefect | PrefectApi) -> None:
    live = prefect.create(prefect_deployment(unique("pause")))
    paused = next(item for item in live.schedules if item.slug == "often")
    assert paused.active is False
    wanted = paused.model_copy(update={"schedule": {"interval": 900.0, "timezone": "UTC"}, "active": True})
    prefect.change_schedule(live.id, paused, wanted, active=None)
    (after,) = prefect.deployments([live.flow])
    changed = next(item for item in after.schedules if item.slug == "often")
    assert changed == wanted.model_copy(update={"active": False})
    assert len(after.schedules) == len(live.schedules)


@pytest.mark.parametrize("active", [True, False])
def test_a_schedule_is_switched_where_that_is_asked_for(prefect: FakePrefect | PrefectApi, active: bool) -> None:
    live = prefect.create(prefect_deployment(unique("switch")))
    for schedule in live.schedules:
        prefect.change_schedule(live.id, schedule, schedule, active=active)
    (after,) = prefect.deployments([live.flow])
    assert {item.active for item in after.schedules} == {active}


def test_a_schedule_is_added_and_removed_and_the_others_stay(prefect: FakePrefect | PrefectApi) -> None:
    live = prefect.create(prefect_deployment(unique("add")))
    extra = PrefectSchedule(slug="extra", schedule={"cron": "0 0 * * *", "timezone": "UTC"})
    prefect.add_schedule(live.id, extra)
    (more,) = prefect.deployments([live.flow])
    assert {item.slug for item in more.schedules} == {"daily", "often", "rule", "extra"}
    daily = next(item for item in more.schedules if item.slug == "daily")
    prefect.remove_schedule(live.id, daily.id)
    prefect.remove_schedule(live.id, daily.id)  # gone already is done
    (after,) = prefect.deployments([live.flow])
    assert {item.slug: item.id for item in after.schedules} == {
        item.slug: item.id for item in more.schedules if item.slug != "daily"
    }


def test_more_deployments_than_one_page_are_all_read(prefect_api_url: str) -> None:
    make_pool(prefect_api_url)
    api, flow = PrefectApi(prefect_api_url), unique("many")
    names = [f"d{number:03}" for number in range(205)]
    for name in names:
        api.create(prefect_deployment(flow, name=name, schedules=()))
    assert [item.name for item in api.deployments([flow])] == names


def test_deployments_are_found_by_a_tag_whatever_their_flow(prefect: FakePrefect | PrefectApi) -> None:
    tag, one, other = unique("data-flows:Tag"), unique("one"), unique("other")
    first = prefect.create(prefect_deployment(one, tags=(tag, "x")))
    second = prefect.create(prefect_deployment(other, tags=(tag,)))
    prefect.create(prefect_deployment(one, name="without", tags=("x",)))

    assert prefect.tagged(tag) == sorted([first, second], key=lambda item: item.full_name)
    assert prefect.tagged(f"{tag}x") == []
    assert (prefect.count(tag), prefect.count("x"), prefect.count(f"{tag}x")) == (2, len(prefect.tagged("x")), 0)


def test_a_flow_whose_name_is_known_is_not_asked_for_it_again(prefect_api_url: str) -> None:
    recorder, flow = Proxy(prefect_api_url.removesuffix("/api")), unique("named")
    PrefectApi(prefect_api_url).create(prefect_deployment(flow))
    with recorder.serving() as port:
        api = PrefectApi(f"http://127.0.0.1:{port}/api")
        first = api.deployments([flow])
        assert recorder.requests == ["POST /api/deployments/filter", "POST /api/flows/filter"]
        recorder.requests.clear()
        assert api.deployments([flow]) == first
        assert recorder.requests == ["POST /api/deployments/filter"]


def test_every_deployment_is_given_whole(prefect: FakePrefect | PrefectApi) -> None:
    made = [prefect.create(prefect_deployment(unique("every"), tags=())) for _ in range(2)]
    found = {item.id: item for item in prefect.every_deployment()}

    assert [found.get(item.id) for item in made] == made


def test_a_removed_deployment_is_gone_with_its_schedules(prefect: FakePrefect | PrefectApi) -> None:
    flow = unique("remove")
    gone, left = prefect.create(prefect_deployment(flow)), prefect.create(prefect_deployment(flow, name="left"))
    prefect.remove(gone.id)
    prefect.remove(gone.id)  # gone already is done

    assert prefect.deployments([flow]) == [left]
    again = prefect.create(prefect_deployment(flow))
    assert again.id != gone.id
    assert {item.id for item in again.schedules}.isdisjoint(item.id for item in gone.schedules)


def test_the_api_itself_says_that_a_removed_deployment_is_gone(prefect_api_url: str) -> None:
    make_pool(prefect_api_url)
    api = PrefectApi(prefect_api_url)
    made = api.create(prefect_deployment(unique("really")))
    api.remove(made.id)

    assert requests.get(f"{api.url}/deployments/{made.id}", timeout=10).status_code == 404


def test_an_interval_goes_on_from_its_anchor_whatever_of_it_is_changed(prefect_api_url: str) -> None:
    make_pool(prefect_api_url)
    api = PrefectApi(prefect_api_url)
    every = PrefectSchedule(slug="often", schedule={"interval": 600.0, "timezone": "UTC"}, active=False)
    made = api.create(prefect_deployment(unique("anchor"), schedules=(every,)))
    (live,) = made.schedules

    def anchor() -> str:
        (found,) = api.call("GET", f"/deployments/{made.id}/schedules")
        return str(found["schedule"]["anchor_date"])

    first = anchor()
    for change in (
        {"parameters": {"table": "x"}},
        {"schedule": {"interval": 900.0, "timezone": "UTC"}},
        {"schedule": {"interval": 900.0, "timezone": "Europe/Berlin"}},
    ):
        api.change_schedule(made.id, live, every.model_copy(update=change), None)
        assert datetime.fromisoformat(anchor()) == datetime.fromisoformat(first)
    cron = every.model_copy(update={"schedule": {"cron": "0 6 * * *", "timezone": "UTC"}})
    api.change_schedule(made.id, live, cron, None)
    api.change_schedule(made.id, live, every, None)
    assert datetime.fromisoformat(anchor()) > datetime.fromisoformat(first)


def test_a_declared_anchor_is_written_and_read_as_a_local_time(prefect_api_url: str) -> None:
    make_pool(prefect_api_url)
    api = PrefectApi(prefect_api_url)
    summer, winter = "2026-07-01T06:00:00", "2026-01-01T18:30:00"
    every = PrefectSchedule(
        slug="often", schedule={"interval": 86400.0, "timezone": "Europe/Berlin"}, anchor=summer, active=False
    )
    made = api.create(prefect_deployment(unique("anchored"), schedules=(every,)))
    (live,) = made.schedules
    assert live.anchor == summer
    (sent,) = api.call("GET", f"/deployments/{made.id}/schedules")
    assert datetime.fromisoformat(sent["schedule"]["anchor_date"]) == datetime(2026, 7, 1, 4, tzinfo=UTC)

    api.change_schedule(made.id, live, every.model_copy(update={"anchor": winter}), None)
    (live,) = api.deployments([made.flow])[0].schedules
    assert live.anchor == winter
    api.change_schedule(made.id, live, every.model_copy(update={"anchor": "", "parameters": {"table": "x"}}), None)
    (live,) = api.deployments([made.flow])[0].schedules
    assert (live.anchor, live.parameters) == (winter, {"table": "x"})
    api.add_schedule(made.id, every.model_copy(update={"slug": "another"}))
    assert {item.anchor for item in api.deployments([made.flow])[0].schedules} == {winter, summer}
