"""PURE: Release <-> ECS task definition. The label holds the whole release as JSON; the rest is what ECS acts on."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from tools.model.names import PLATFORM
from tools.model.release import Release

LABEL = f"{PLATFORM}.release"
FINGERPRINT_LABEL = f"{PLATFORM}.fingerprint"
CONTAINER = "flow"
_ARCHITECTURES = {"linux/amd64": "X86_64", "linux/arm64": "ARM64"}


def to_task_definition(release: Release) -> dict[str, Any]:
    """The arguments of ecs:RegisterTaskDefinition for a release."""
    run = release.ecs_run
    env = {**release.platform_env, **run.env}
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": release.image,
        "essential": True,
        "environment": [{"name": name, "value": value} for name, value in sorted(env.items())],
        "secrets": [{"name": name, "valueFrom": path} for name, path in sorted(release.secret_paths.items())],
        "dockerLabels": {FINGERPRINT_LABEL: release.fingerprint, LABEL: release.model_dump_json()},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": release.log_group,
                "awslogs-region": env["AWS_REGION"],
                "awslogs-stream-prefix": release.service,
            },
        },
    }
    if run.command is not None:
        container["command"] = list(run.command)
    definition: dict[str, Any] = {
        "family": release.family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "runtimePlatform": {"cpuArchitecture": _ARCHITECTURES[release.platform], "operatingSystemFamily": "LINUX"},
        "cpu": str(run.cpu),
        "memory": str(run.memory),
        "executionRoleArn": run.execution_role,
        "taskRoleArn": run.task_role,
        "containerDefinitions": [container],
        "tags": [
            {"key": f"{PLATFORM}:environment", "value": release.environment},
            {"key": f"{PLATFORM}:service", "value": release.service},
        ],
    }
    if run.ephemeral_storage is not None:
        definition["ephemeralStorage"] = {"sizeInGiB": run.ephemeral_storage}
    return definition


def from_task_definition(definition: dict[str, Any]) -> Release | None:
    """The release that a task definition holds; None where it is none of ours, or of a later version's making.

    Args:
        definition: `taskDefinition` of ecs:DescribeTaskDefinition.
    """
    for container in definition.get("containerDefinitions", []):
        label = (container.get("dockerLabels") or {}).get(LABEL)
        if label:
            try:
                release = Release.model_validate_json(label)
            except ValidationError:
                return None
            return release.model_copy(
                update={"arn": definition["taskDefinitionArn"], "revision": definition["revision"]}
            )
    return None
