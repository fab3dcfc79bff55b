"""What a release declares, in the words of Prefect's API."""

from __future__ import annotations

from typing import Any

import pytest

from tools.model.names import mark
from tools.model.prefect import PrefectSchedule
from tools.model.service import Deployment, Schedule
from tools.plan.deployments import prefect_deployments
from tools.tests.worlds import arn, deployment, release, schedule


def registered(declared: Deployment, **more: Any) -> Any:
    """The Prefect deployment of a release with this deployment."""
    return prefect_deployments(release(3, deployments=(declared,), **more), "pool")[declared.name]


def test_a_deployment_points_at_its_release() -> None:
    found = registered(deployment("main", description="x", parameters={"table": "flights"}, concurrency_limit=2))

    assert found.full_name == "hello/main"
    assert found.job_variables == {"task_definition_arn": arn(3)}
    assert (found.version, found.entrypoint, found.path) == ("3", "flow.py:hello", "/opt/flow")
    assert (found.description, found.parameters, found.concurrency_limit) == ("x", {"table": "flights"}, 2)
    assert (found.work_pool, found.paused) == ("pool", False)


def test_a_deployment_bears_its_environment_s_mark() -> None:
    assert registered(deployment(tags=("z", "a"))).tags == ("a", mark("Dev"), "z")


def test_a_draft_s_deployment_lacks_the_release_only() -> None:
    found = prefect_deployments(release(None), "pool")["main"]

    assert (found.version, found.job_variables) == ("", {"task_definition_arn": ""})


@pytest.mark.parametrize(
    ("ecs_run", "more"),
    [
        ({}, {}),
        ({"capacity": "FARGATE_SPOT"}, {"launch_type": "FARGATE_SPOT"}),
        ({"command": ("python", "-c", "print('a b')")}, {"command": "python -c 'print('\"'\"'a b'\"'\"')'"}),
    ],
    ids=["nothing of its own", "spot", "a command"],
)
def test_what_the_worker_must_know_stands_in_the_job_variables(ecs_run: dict[str, Any], more: dict[str, str]) -> None:
    assert registered(deployment(), ecs_run=ecs_run).job_variables == {"task_definition_arn": arn(3), **more}


SCHEDULES: dict[str, tuple[Schedule, dict[str, Any]]] = {
    "a cron": (schedule(cron="0 6 * * *", timezone="Asia/Tokyo"), {"cron": "0 6 * * *", "timezone": "Asia/Tokyo"}),
    "an interval": (schedule(cron=None, interval=90), {"interval": 90.0, "timezone": "UTC"}),
    "a rule with the server's own start": (
        schedule(cron=None, rrule="DTSTART:20200101T000000\nFREQ=DAILY"),
        {"rrule": "FREQ=DAILY", "timezone": "UTC"},
    ),
    "a rule": (schedule(cron=None, rrule="FREQ=DAILY"), {"rrule": "FREQ=DAILY", "timezone": "UTC"}),
}


@pytest.mark.parametrize(("declared", "expected"), SCHEDULES.values(), ids=SCHEDULES)
def test_a_schedule_in_prefect_s_words(declared: Schedule, expected: dict[str, Any]) -> None:
    (found,) = registered(deployment(schedules=(declared,))).schedules

    assert found == PrefectSchedule(slug="daily", schedule=expected)


@pytest.mark.parametrize(
    ("active_in", "active"),
    [(None, True), (("Dev", "Prod"), True), (("Prod",), False), ((), False)],
    ids=["everywhere", "here too", "elsewhere", "nowhere"],
)
def test_schedules_start_active_where_they_are_to_be(active_in: tuple[str, ...] | None, active: bool) -> None:
    (found,) = registered(deployment(active_in=active_in)).schedules

    assert found.active is active
