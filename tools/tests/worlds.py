"""Short builders of what should be and what is, and plans carried out in memory: for tables of the pure stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.desired.draft import Desired
from tools.environment.apply import Clients, apply
from tools.model.images import FlowDescription
from tools.model.names import family, image_tag
from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.model.service import Declaration, Deployment, DockerStorage, Schedule, Service
from tools.plan.actions import (
    OnDrift,
    Plan,
    ServicePlan,
)
from tools.plan.deploy import plan
from tools.plan.deployments import prefect_deployments
from tools.plan.results import Provenance
from tools.tests import fakes
from tools.tests.fakes import FakeEcr, FakeEcs, FakeEngine, FakePrefect, digest

POOL = "pool"
FINGERPRINT = "0" * 16
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"table": {"type": "string"}, "limit": {"title": "limit"}}}


def schedule(slug: str = "daily", cron: str | None = "0 6 * * *", **more: Any) -> Schedule:
    """A schedule as service.toml declares it."""
    return Schedule(slug=slug, cron=cron, **more)


def deployment(name: str = "main", **more: Any) -> Deployment:
    """A deployment as service.toml declares it, with one schedule."""
    return Deployment(name=name, **{"schedules": (schedule(),), **more})


def arn(revision: int, service: str = "hello", environment: str = "Dev") -> str:
    """The ARN of a release."""
    return fakes.arn(family(environment, service), revision)


def release(revision: int | None = 1, **more: Any) -> Release:
    """A release with one deployment; a draft without a revision, which still knows its image and its schema."""
    environment = more.get("environment", "Dev")
    fingerprint = more.get("fingerprint", FINGERPRINT)
    values = {
        "service": "hello",
        "environment": environment,
        "fingerprint": fingerprint,
        "image": f"registry.test/data-flows/hello@{digest(image_tag('hello', fingerprint))}",
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
    schedules = tuple(item.model_copy(update={"id": f"id-{name}-{item.slug}"}) for item in deployment.schedules)
    return deployment.model_copy(update={"id": f"id-{name}", "schedules": schedules, **more})


def live_schedule(slug: str = "daily", cron: str = "0 6 * * *", **more: Any) -> PrefectSchedule:
    """A schedule as Prefect holds it."""
    values = {"id": f"id-main-{slug or 'hand'}", "slug": slug, "schedule": {"cron": cron, "timezone": "UTC"}}
    return PrefectSchedule.model_validate({**values, **more})


def world(*releases: Release, deployments: Sequence[PrefectDeployment] | None = None, **more: Any) -> Observed:
    """What an environment holds of a service: its releases, the last one the newest, with their deployments."""
    if deployments is None:
        deployments = [live(releases[-1], item.name) for item in releases[-1].deployments] if releases else []
    return replace(Observed.of(releases, deployments), **more)


def planned(draft: Release, observed: Observed, on_drift: OnDrift = "stop") -> ServicePlan:
    """The plan of one service in the environment of its draft. The registry has the images of all releases."""
    same = [found.image for found in observed.releases.values() if found.fingerprint == draft.fingerprint]
    observed = replace(observed, image=observed.image or next(iter(same), ""))
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
    """The world after a plan was applied to fakes, or its first steps were.

    Args:
        item: the plan.
        observed: the world before.
        built: has the schema that importing its flow gives.
        steps: how many of its actions are done before it is stopped.
    """
    ecr, family = FakeEcr(), item.release.family
    ecs, prefect, engine = FakeEcs(observed.all_releases), FakePrefect(observed.deployments), FakeEngine(ecr)
    engine.flows[item.name] = FlowDescription(item.name, built.parameter_schema)
    done = replace(item, actions=item.actions[:steps], refused=())
    (result,) = apply(
        Plan(item.release.environment, (done,)),
        Path("/nowhere"),
        Clients(engine, ecr, ecs, prefect),
        lambda: Provenance("", "", ""),
        lambda *_: None,
    )
    assert steps is not None or result.error is None, result.error
    after = Observed.of(ecs.releases(family), map(_with_plain_ids, prefect.deployments([item.name])))
    pushed = ecr.digest(item.release.repository, item.release.fingerprint)
    image = f"{ecr.address(item.release.repository)}@{pushed}" if pushed else observed.image
    return replace(after, image=image, missing_secrets=observed.missing_secrets)


def _with_plain_ids(found: PrefectDeployment) -> PrefectDeployment:
    """A deployment with the ids that `live` gives, where it and its schedules were made by the fake."""
    schedules = (
        one if one.id.startswith("id-") else one.model_copy(update={"id": f"id-{found.name}-{one.slug}"})
        for one in found.schedules
    )
    return found.model_copy(update={"id": f"id-{found.name}", "schedules": tuple(schedules)})
