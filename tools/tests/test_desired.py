"""What a service declares, in one environment: its release, and what Prefect is to know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.desired.draft import Desired, desire
from tools.desired.fingerprint import Fingerprint
from tools.model.names import mark
from tools.model.prefect import PrefectSchedule
from tools.model.service import Declaration, Deployment, Schedule, Service
from tools.plan.deployments import prefect_deployments
from tools.settings import Connection, Settings
from tools.tests.worlds import FINGERPRINT, arn, deployment, release, schedule


def settings(environment: str = "Dev") -> Settings:
    """An environment's settings."""
    return Settings(
        environment=environment,
        prefect_api_url="https://prefect.example.com/api",
        prefect_api_key="pnu_canary",
        aws=Connection("eu-west-1"),
        work_pool="pool",
        execution_role="env-execution",
        task_role="env-task",
        log_group=f"/data-flows/{environment}",
        lake_url="s3://bucket/lake",
    )


def desired(environment: str = "Dev", **declared: Any) -> Desired:
    """What should be of a service that declares this."""
    values = {"docker_storage": {"entrypoint": "flow.py:hello"}, **declared}
    service = Service(name="hello", path=Path("/nowhere"), declaration=Declaration.model_validate(values))
    return desire(service, Fingerprint(FINGERPRINT, {"services/x/flow.py": "12345678"}), settings(environment))


def test_a_release_is_drafted_from_what_is_declared_and_what_the_environment_has() -> None:
    draft = desired().draft

    assert (draft.service, draft.environment, draft.family) == ("hello", "Dev", "data-flows-Dev-hello")
    assert (draft.fingerprint, draft.entrypoint, draft.platform) == (FINGERPRINT, "flow.py:hello", "linux/amd64")
    assert (draft.ecs_run.task_role, draft.ecs_run.execution_role) == ("env-task", "env-execution")
    assert draft.log_group == "/data-flows/Dev"
    assert draft.platform_env["DATA_FLOWS_ENVIRONMENT"] == "Dev"
    assert draft.platform_env["DATA_FLOWS_SERVICE"] == "hello"
    assert draft.platform_env["DATA_FLOWS_FINGERPRINT"] == FINGERPRINT
    assert (draft.image, draft.parameter_schema, draft.revision, draft.arn) == ("", {}, None, "")


def test_a_service_s_own_roles_go_before_the_environment_s() -> None:
    run = desired(ecs_run={"task_role": "own-task", "execution_role": "own-execution"}).draft.ecs_run

    assert (run.task_role, run.execution_role) == ("own-task", "own-execution")


@pytest.mark.parametrize(
    ("ecs_run", "shadowed"),
    [({"env": {"LAKE_URL": "s3://own"}}, "LAKE_URL"), ({"secrets": {"LAKE_URL": "LAKE_URL"}}, "LAKE_URL")],
    ids=["in env", "as a secret"],
)
def test_what_a_service_sets_itself_the_environment_does_not_set(ecs_run: dict[str, Any], shadowed: str) -> None:
    assert shadowed in desired().draft.platform_env
    assert shadowed not in desired(ecs_run=ecs_run).draft.platform_env


def test_secrets_lie_below_the_environment_and_the_service() -> None:
    draft = desired("Prod", ecs_run={"secrets": {"SOURCE_URL": "source.url"}}).draft

    assert draft.secret_paths == {"SOURCE_URL": "/DataFlows/Prod/hello/source.url"}


def test_an_environment_has_its_own_sizes_and_secrets() -> None:
    declared: dict[str, Any] = {
        "ecs_run": {"env": {"SOURCE_URL": "sqlite://"}},
        "environments": {"Prod": {"ecs_run": {"cpu": 512, "memory": 2048, "secrets": {"SOURCE_URL": "SOURCE_URL"}}}},
    }

    dev, prod = desired("Dev", **declared).draft, desired("Prod", **declared).draft

    assert (dev.ecs_run.cpu, dev.ecs_run.env, dev.secret_paths) == (256, {"SOURCE_URL": "sqlite://"}, {})
    assert (prod.ecs_run.cpu, prod.ecs_run.env) == (512, {})
    assert prod.secret_paths == {"SOURCE_URL": "/DataFlows/Prod/hello/SOURCE_URL"}


def test_no_key_reaches_a_release() -> None:
    assert "canary" not in desired(ecs_run={"secrets": {"A": "A"}}).draft.model_dump_json()


# What Prefect is to know ----------------------------------------------------------------------------------------------


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
