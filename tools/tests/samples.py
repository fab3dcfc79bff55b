"""A release and a deployment with something in each field, and names that no other test uses."""

from __future__ import annotations

import uuid

from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.model.service import Deployment, ECSRun, Schedule


def unique(name: str) -> str:
    """A name that no other test uses: the real things are shared."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def draft(service: str, **changes: object) -> Release:
    """A release as a deploy registers it."""
    values: dict[str, object] = {
        "service": service,
        "environment": "Local",
        "fingerprint": "0123456789abcdef",
        "image": f"registry.test/data-flows/{service}@sha256:{'a' * 64}",
        "entrypoint": "flow.py:main",
        "platform": "linux/amd64",
        "ecs_run": ECSRun(
            env={"GREETING": "héllo → 世界"},
            task_role="data-flows-task",
            execution_role="data-flows-execution",
            ephemeral_storage=30,
        ),
        "platform_env": {"AWS_REGION": "us-east-1"},
        "secret_paths": {"SOURCE_URL": f"/DataFlows/Local/{service}/SOURCE_URL"},
        "log_group": "/data-flows/Local",
        "deployments": (
            Deployment(
                name="daily",
                parameters={"table": "flights", "nested": {"limit": 1.5, "on": True, "none": None}},
                schedules=(Schedule(slug="daily", cron="15 6 * * *", timezone="Europe/Berlin"),),
                active_in=("Prod",),
            ),
        ),
        "parameter_schema": {"type": "object", "properties": {"table": {"type": "string"}}},
        "commit": "abc",
        "by": "someone",
        "at": "2026-01-01T00:00:00+00:00",
    }
    return Release.model_validate({**values, **changes})


def prefect_deployment(flow: str, **changes: object) -> PrefectDeployment:
    """A deployment as a deploy registers it."""
    values: dict[str, object] = {
        "flow": flow,
        "name": "daily",
        "description": "Copies rows",
        "version": "3",
        "tags": ("data-flows:Local", "lake"),
        "parameters": {"table": "flights"},
        "entrypoint": "flow.py:main",
        "path": "/opt/flow",
        "work_pool": "pool",
        "job_variables": {"task_definition_arn": "arn:aws:ecs:us-east-1:000000000000:task-definition/x:3"},
        "parameter_schema": {"type": "object", "properties": {"table": {"type": "string", "title": "table"}}},
        "concurrency_limit": 2,
        "schedules": (
            PrefectSchedule(
                slug="daily", schedule={"cron": "15 6 * * *", "timezone": "UTC"}, parameters={"table": "x"}
            ),
            PrefectSchedule(slug="often", schedule={"interval": 600.0, "timezone": "UTC"}, active=False),
            PrefectSchedule(slug="rule", schedule={"rrule": "FREQ=DAILY;COUNT=5", "timezone": "UTC"}),
        ),
    }
    return PrefectDeployment.model_validate({**values, **changes})


def without_ids(item: PrefectDeployment) -> dict[str, object]:
    """A deployment to compare: ids and anchors are the server's, the order of schedules is nobody's."""
    values = item.model_dump(exclude={"id"})
    values["schedules"] = sorted(
        ({**schedule, "id": "", "anchor": ""} for schedule in values["schedules"]),
        key=lambda schedule: str(schedule["slug"]),
    )
    return values
