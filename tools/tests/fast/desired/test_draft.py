"""What a service declares, in one environment: its release, and what Prefect is to know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.desired.draft import Desired, desire
from tools.desired.fingerprint import Fingerprint
from tools.model.service import Declaration, Service
from tools.settings import Connection, Settings
from tools.tests.worlds import FINGERPRINT


def settings(environment: str = "Dev", task_role: str = "env-task", key: str | None = "pnu_canary") -> Settings:
    """An environment's settings."""
    return Settings(
        environment=environment,
        prefect_api_url="https://prefect.example.com/api",
        prefect_api_key=key,
        aws=Connection("eu-west-1"),
        work_pool="pool",
        execution_role="env-execution",
        task_role=task_role,
        log_group=f"/data-flows/{environment}",
        lake_url="s3://bucket/lake",
    )


def desired(
    environment: str = "Dev", task_role: str = "env-task", key: str | None = "pnu_canary", **declared: Any
) -> Desired:
    """What should be of a service that declares this."""
    values = {"docker_storage": {"entrypoint": "flow.py:hello"}, **declared}
    service = Service(name="hello", path=Path("/nowhere"), declaration=Declaration.model_validate(values))
    return desire(
        service, Fingerprint(FINGERPRINT, {"services/x/flow.py": "12345678"}), settings(environment, task_role, key)
    )


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


def test_the_environment_may_have_a_task_role_for_each_service() -> None:
    draft = desired(task_role="arn:aws:iam::123456789012:role/data-flows-Dev-task-{service}").draft

    assert draft.ecs_run.task_role == "arn:aws:iam::123456789012:role/data-flows-Dev-task-hello"


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

    assert draft.secret_paths["SOURCE_URL"] == "/DataFlows/Prod/hello/source.url"


def test_a_task_gets_the_prefect_api_s_key_where_the_environment_has_one() -> None:
    assert desired("Prod").draft.secret_paths == {"PREFECT_API_KEY": "/DataFlows/Prod/PREFECT_API_KEY"}
    assert desired("Prod", key=None).draft.secret_paths == {}


def test_an_environment_has_its_own_sizes_and_secrets() -> None:
    declared: dict[str, Any] = {
        "ecs_run": {"env": {"SOURCE_URL": "sqlite://"}},
        "environments": {"Prod": {"ecs_run": {"cpu": 512, "memory": 2048, "secrets": {"SOURCE_URL": "SOURCE_URL"}}}},
    }

    dev, prod = (desired(name, key=None, **declared).draft for name in ("Dev", "Prod"))

    assert (dev.ecs_run.cpu, dev.ecs_run.env, dev.secret_paths) == (256, {"SOURCE_URL": "sqlite://"}, {})
    assert (prod.ecs_run.cpu, prod.ecs_run.env) == (512, {})
    assert prod.secret_paths == {"SOURCE_URL": "/DataFlows/Prod/hello/SOURCE_URL"}


def test_no_key_reaches_a_release() -> None:
    assert "canary" not in desired(ecs_run={"secrets": {"A": "A"}}).draft.model_dump_json()
