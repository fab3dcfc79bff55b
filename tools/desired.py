"""PURE: what should be. Service + fingerprint + Settings -> draft of a release; Release -> Prefect deployments.

A rollback goes the second way only: a release of long ago says itself what its deployments were.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from tools.fingerprint import Fingerprint
from tools.model.names import FLOW_DIRECTORY, mark
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.model.service import Deployment, Schedule, Service
from tools.settings import Settings


@dataclass(frozen=True)
class Desired:
    """What the repository declares for one service in one environment.

    `draft` is its release as far as it is known before anything is built: image and parameter schema may be missing.
    """

    service: Service
    draft: Release
    work_pool: str


def desire(service: Service, fingerprint: Fingerprint, settings: Settings) -> Desired:
    """What should be of a service in the environment of `settings`.

    Args:
        service: as discovered.
        fingerprint: of its image.
        settings: the environment's.
    """
    declared = service.ecs_run(settings.environment)
    run = declared.model_copy(
        update={
            "task_role": declared.task_role or settings.task_role,
            "execution_role": declared.execution_role or settings.execution_role,
        }
    )
    added = {
        **settings.flow_env,
        "DATA_FLOWS_SERVICE": service.name,
        "DATA_FLOWS_FINGERPRINT": fingerprint.value,
    }
    draft = Release(
        service=service.name,
        environment=settings.environment,
        fingerprint=fingerprint.value,
        inputs=dict(fingerprint.inputs),
        entrypoint=service.declaration.docker_storage.entrypoint,
        platform=service.declaration.docker_storage.platform,
        ecs_run=run,
        platform_env={name: value for name, value in added.items() if name not in {*declared.env, *declared.secrets}},
        secret_paths=secret_paths(service, settings),
        log_group=settings.log_group,
        deployments=service.declaration.deployments,
    )
    return Desired(service, draft, settings.work_pool)


def secret_paths(service: Service, settings: Settings) -> dict[str, str]:
    """Where the secrets of a service lie in the Parameter Store: variable -> full path."""
    secrets = service.ecs_run(settings.environment).secrets
    return {name: f"{settings.parameter_root}/{service.name}/{parameter}" for name, parameter in secrets.items()}


def prefect_deployments(release: Release, work_pool: str) -> dict[str, PrefectDeployment]:
    """The Prefect deployments of a release by their names.

    Args:
        release: where it is not registered yet, version and job variables lack its revision and ARN.
        work_pool: the environment's.
    """
    return {declared.name: _deployment(declared, release, work_pool) for declared in release.deployments}


def _deployment(declared: Deployment, release: Release, work_pool: str) -> PrefectDeployment:
    job_variables = {"task_definition_arn": release.arn}
    if release.ecs_run.capacity != "FARGATE":
        job_variables["launch_type"] = release.ecs_run.capacity
    if release.ecs_run.command is not None:
        # The worker overrides the container's command in each RunTask request; the task definition's has no say.
        job_variables["command"] = shlex.join(release.ecs_run.command)
    active = declared.active_in is None or release.environment in declared.active_in
    return PrefectDeployment(
        flow=release.service,
        name=declared.name,
        description=declared.description,
        version=str(release.revision or ""),
        tags=tuple(sorted({*declared.tags, mark(release.environment)})),
        parameters=declared.parameters,
        entrypoint=release.entrypoint,
        path=FLOW_DIRECTORY,
        work_pool=work_pool,
        job_variables=job_variables,
        parameter_schema=release.parameter_schema,
        concurrency_limit=declared.concurrency_limit,
        schedules=tuple(_schedule(schedule, active) for schedule in declared.schedules),
    )


def _schedule(declared: Schedule, active: bool) -> PrefectSchedule:
    if declared.cron is not None:
        when: dict[str, object] = {"cron": declared.cron}
    elif declared.interval is not None:
        when = {"interval": float(declared.interval)}
    else:
        when = {"rrule": declared.rrule}
    return PrefectSchedule(
        slug=declared.slug,
        schedule={**when, "timezone": declared.timezone},
        parameters=declared.parameters,
        active=active,
    )
