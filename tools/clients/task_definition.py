"""PURE: Release <-> ECS task definition. A label holds the whole release as a record; the rest is what ECS acts on."""

from __future__ import annotations

import re
from typing import Any

from tools.clients.record import UnreadableError, read, written
from tools.model.names import PLATFORM
from tools.model.release import AnyRelease, Release, UnreadRelease

LABEL = f"{PLATFORM}.release"
FINGERPRINT_LABEL = f"{PLATFORM}.fingerprint"
CONTAINER = "flow"
_MAX_TAG = 256
"""Characters of a tag's value, which are letters, digits, spaces and a few signs; others become underscores."""
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
        "dockerLabels": {FINGERPRINT_LABEL: release.fingerprint, LABEL: written(release)},
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
        "tags": _tags(release),
    }
    if run.ephemeral_storage is not None:
        definition["ephemeralStorage"] = {"sizeInGiB": run.ephemeral_storage}
    return definition


def _tags(release: Release) -> list[dict[str, str]]:
    """By which costs can be told apart: tasks have them too."""
    owner = re.sub(r"[^\w .:/=+@-]", "_", release.owner)[:_MAX_TAG]
    tags = {"environment": release.environment, "service": release.service, "owner": owner}
    return [{"key": f"{PLATFORM}:{name}", "value": value} for name, value in tags.items() if value]


def from_task_definition(definition: dict[str, Any]) -> AnyRelease | None:
    """The release that a task definition holds, read or not; None where it is none of ours.

    Args:
        definition: `taskDefinition` of ecs:DescribeTaskDefinition.
    """
    labels = (container.get("dockerLabels") or {} for container in definition.get("containerDefinitions", []))
    record = next((found[LABEL] for found in labels if found.get(LABEL)), None)
    if record is None:
        return None
    arn, revision = definition["taskDefinitionArn"], definition["revision"]
    try:
        return read(record).model_copy(update={"arn": arn, "revision": revision})
    except UnreadableError as error:
        return UnreadRelease(definition["family"], revision, arn, str(error))
