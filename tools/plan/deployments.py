"""PURE: Release -> the Prefect deployments that it declares.

A rollback goes this way only: a release of long ago says itself what its deployments were.
"""

from __future__ import annotations

import shlex

from tools.model.names import FLOW_DIRECTORY, mark
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.model.service import Deployment, Schedule
from tools.model.timing import without_server_start


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
        when = {"rrule": without_server_start(declared.rrule or "")}
    return PrefectSchedule(
        slug=declared.slug,
        schedule={**when, "timezone": declared.timezone},
        anchor=declared.anchor or "",
        parameters=declared.parameters,
        active=active,
    )
