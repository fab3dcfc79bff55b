"""Short builders of what should be and what is, and plans carried out in memory: for tables of the pure stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.desired.draft import Desired
from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.model.service import Declaration, Deployment, DockerStorage, Schedule, Service
from tools.plan.actions import (
    AddSchedule,
    ChangeSchedule,
    Create,
    Delete,
    MakeRelease,
    OnDrift,
    Patch,
    RemoveSchedule,
    ServicePlan,
)
from tools.plan.deploy import plan
from tools.plan.deployments import prefect_deployments

POOL = "pool"
FINGERPRINT = "0" * 16
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"table": {"type": "string"}, "limit": {"type": "integer"}}}


def schedule(slug: str = "daily", cron: str | None = "0 6 * * *", **more: Any) -> Schedule:
    """A schedule as service.toml declares it."""
    return Schedule(slug=slug, cron=cron, **more)


def deployment(name: str = "main", **more: Any) -> Deployment:
    """A deployment as service.toml declares it, with one schedule."""
    return Deployment(name=name, **{"schedules": (schedule(),), **more})


def arn(revision: int, service: str = "hello", environment: str = "Dev") -> str:
    """The ARN of a release."""
    return f"arn:aws:ecs:eu-west-1:123456789012:task-definition/data-flows-{environment}-{service}:{revision}"


def release(revision: int | None = 1, **more: Any) -> Release:
    """A release with one deployment; a draft without a revision, which still knows its image and its schema."""
    environment = more.get("environment", "Dev")
    fingerprint = more.get("fingerprint", FINGERPRINT)
    values = {
        "service": "hello",
        "environment": environment,
        "fingerprint": fingerprint,
        "image": f"registry.test/data-flows/hello@sha256:{fingerprint}",
        "entrypoint": "flow.py:hello",
        "platform": "linux/amd64",
        "ecs_run": {"task_role": "task", "execution_role": "execution"},
        "platform_env": {"AWS_REGION": "eu-west-1", "DATA_FLOWS_FINGERPRINT": fingerprint},
        "log_group": "/data-flows/Dev",
        "deployments": (deployment(),),
        "parameter_schema": SCHEMA,
        "revision": revision,
        "arn": arn(revision, environment=environment) if revision else "",
    }
    return Release.model_validate({**values, **more})


def wanted(draft: Release) -> Desired:
    """What the repository declares: a release as it is known before anything is built."""
    storage = DockerStorage(entrypoint=draft.entrypoint)
    service = Service(name=draft.service, path=Path("/nowhere"), declaration=Declaration(docker_storage=storage))
    unknown: dict[str, Any] = {"image": "", "parameter_schema": {}, "revision": None, "arn": ""}
    return Desired(service, draft.model_copy(update=unknown), POOL)


def live(of: Release, name: str = "main", **more: Any) -> PrefectDeployment:
    """A deployment of a release as Prefect holds it after a deploy, but for what is given."""
    deployment = prefect_deployments(of, POOL)[name]
    schedules = tuple(item.model_copy(update={"id": f"id-{item.slug}"}) for item in deployment.schedules)
    return deployment.model_copy(update={"id": f"id-{name}", "schedules": schedules, **more})


def live_schedule(slug: str = "daily", cron: str = "0 6 * * *", **more: Any) -> PrefectSchedule:
    """A schedule as Prefect holds it."""
    values = {"id": f"id-{slug or 'hand'}", "slug": slug, "schedule": {"cron": cron, "timezone": "UTC"}}
    return PrefectSchedule.model_validate({**values, **more})


def world(*releases: Release, deployments: Sequence[PrefectDeployment] | None = None, **more: Any) -> Observed:
    """What an environment holds of a service: its releases, the last one the newest, with their deployments."""
    if deployments is None:
        deployments = [live(releases[-1], item.name) for item in releases[-1].deployments] if releases else []
    by_arn = {item.arn: item for item in releases}
    newest = releases[-1] if releases else None
    return Observed(newest=newest, releases=by_arn, deployments=tuple(deployments), **more)


def planned(draft: Release, observed: Observed, on_drift: OnDrift = "stop") -> ServicePlan:
    """The plan of one service in the environment of its draft."""
    (item,) = plan(draft.environment, [wanted(draft)], {draft.service: observed}, on_drift=on_drift).services
    return item


def said(item: ServicePlan) -> list[str]:
    """The actions of a plan, as a table shows them: `patch hello/main`."""
    return [f"{action.verb} {action.subject}" for action in item.actions]


def why(item: ServicePlan) -> list[str]:
    """Every reason in a plan."""
    return [reason for action in item.actions for reason in action.why]


def drift(item: ServicePlan) -> list[str]:
    """What was changed by hand, without the values."""
    return [found.subject for found in item.drift]


def carried_out(item: ServicePlan, observed: Observed, built: Release, steps: int | None = None) -> Observed:
    """The world after a plan, or after its first steps.

    Args:
        item: the plan.
        observed: the world before.
        built: has the image and the schema that building and importing give.
        steps: how many of its actions are done before it is stopped.
    """
    done = item.release
    if not item.reused:
        done = done.model_copy(update={"image": built.image, "parameter_schema": built.parameter_schema})
    for action in item.actions[:steps]:
        if isinstance(action, MakeRelease):
            number = max((known.revision or 0 for known in observed.releases.values()), default=0) + 1
            done = done.model_copy(update={"revision": number, "arn": arn(number, done.service, done.environment)})
            observed = replace(observed, newest=done, releases={**observed.releases, done.arn: done})
            continue
        observed = replace(observed, deployments=tuple(_registered(action, observed.deployments, done)))
    return observed


def _registered(action: object, deployments: Sequence[PrefectDeployment], done: Release) -> list[PrefectDeployment]:
    made = prefect_deployments(done, POOL)
    if isinstance(action, Create):
        schedules = action.made(live(done, action.name)).schedules
        return [*deployments, live(done, action.name, schedules=schedules)]
    if isinstance(action, Delete):
        return [item for item in deployments if item.id != action.live.id]
    return [_changed(action, item, made.get(item.name, item)) for item in deployments]


def _changed(action: object, item: PrefectDeployment, made: PrefectDeployment) -> PrefectDeployment:
    changes: dict[str, Any] = {}
    match action:
        case Patch() if action.live.id == item.id:
            changes = {field: getattr(made, field) for field in action.fields}
            if action.kept is not None and "job_variables" in changes:
                changes["job_variables"] = dict(action.kept) | {"task_definition_arn": done_arn(made)}
        case AddSchedule() if action.live.id == item.id:
            added = action.wanted.model_copy(update={"id": f"id-{action.wanted.slug}"})
            changes = {"schedules": (*item.schedules, added)}
        case ChangeSchedule() if action.deployment.id == item.id:
            active = action.live.active if action.active is None else action.active
            changed = action.wanted.model_copy(update={"id": action.live.id, "active": active})
            changes = {"schedules": tuple(changed if s.id == action.live.id else s for s in item.schedules)}
        case RemoveSchedule() if action.deployment.id == item.id:
            changes = {"schedules": tuple(s for s in item.schedules if s.id != action.live.id)}
    return item.model_copy(update=changes)


def done_arn(deployment: PrefectDeployment) -> str:
    """The release that a deployment points at."""
    return str(deployment.job_variables["task_definition_arn"])
