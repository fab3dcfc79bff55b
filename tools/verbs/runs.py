"""The verbs that follow a run: trigger, which starts one of a deployment, and logs, which shows the last of a flow."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from tools.arguments import Runs, ShowLogs, Trigger
from tools.desired.discover import services
from tools.environment.connect import connect
from tools.errors import UserError
from tools.model.prefect import PrefectDeployment
from tools.model.service import Service
from tools.plan.parameters import problems_of
from tools.repository import DOTENV, ROOT
from tools.show.terminal import tell
from tools.verbs.following import followed
from tools.verbs.parameters import json_object


def run(arguments: Runs) -> int:
    """Carries one of them out: 0 where the run completed, 1 where it did not."""
    (service,) = services(ROOT, [arguments.name])
    match arguments:
        case Trigger():
            return _trigger(service, arguments)
        case ShowLogs():
            return _logs(service, arguments)
        case _:
            assert_never(arguments)


def _trigger(service: Service, arguments: Trigger) -> int:
    params = json_object(arguments.params)
    environment = connect(arguments.environment, os.environ, DOTENV)
    api = environment.prefect
    deployment = _chosen(service, api.deployments([service.name]), arguments)
    _check(deployment, params)
    run = api.start(deployment.id, params)
    tell(f"{deployment.full_name}: run '{run.name}' {api.run_url(run.id)}")
    if arguments.no_follow:
        return 0
    return followed(environment, service.name, run, container=False)


def _logs(service: Service, arguments: ShowLogs) -> int:
    environment = connect(arguments.environment, os.environ, DOTENV)
    last = environment.prefect.last_run(service.name, environment.settings.work_pool)
    if last is None:
        raise UserError(
            f"{service.name} has not run in {arguments.environment} yet",
            f"make trigger-flow NAME={service.name} ENVIRONMENT={arguments.environment}",
        )
    tell(f"{service.name}: run '{last.name}' {environment.prefect.run_url(last.id)}")
    return followed(environment, service.name, last, container=True)


def _check(deployment: PrefectDeployment, params: Mapping[str, Any]) -> None:
    """A run with parameters that its flow does not take would only crash."""
    if not deployment.parameter_schema:
        return  # somebody made it by hand
    given = {**deployment.parameters, **params}
    problems = list(problems_of(deployment.full_name, given, deployment.parameter_schema, complete=True))
    if problems:
        raise UserError("\n".join(problems), "no run was started; give PARAMS='{…}'")


def _chosen(service: Service, live: Sequence[PrefectDeployment], arguments: Trigger) -> PrefectDeployment:
    """The deployment to trigger: the named one, else the first that service.toml declares."""
    declared = [deployment.name for deployment in service.declaration.deployments]
    wanted = arguments.deployment or (declared[0] if declared else "")
    for deployment in live:
        if deployment.name == wanted:
            return deployment
    there = ", ".join(deployment.name for deployment in live)
    if not live:
        raise UserError(
            f"{service.name} has no deployment in {arguments.environment} yet",
            f"make deploy-flow NAME={service.name} ENVIRONMENT={arguments.environment}",
        )
    raise UserError(
        f"{service.name} has no deployment '{wanted}' in {arguments.environment}; there are: {there}",
        "choose one with DEPLOYMENT=…, or deploy",
    )
