"""The verb that starts a run of a deployment and follows it: trigger."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from tools.arguments import Trigger
from tools.desired.discover import services
from tools.environment.connect import connect
from tools.environment.follow import follow
from tools.errors import UserError
from tools.model.prefect import PrefectDeployment
from tools.model.runs import FlowRun, LogLine
from tools.model.service import Service
from tools.plan.parameters import problems_of
from tools.repository import DOTENV, ROOT
from tools.show.terminal import console, say, tell
from tools.verbs.parameters import json_object

NO_LONGER_FOLLOWED = 130


def run(arguments: Trigger) -> int:
    """Carries it out: 0 where the run completed, 1 where it did not."""
    (service,) = services(ROOT, [arguments.name])
    params = json_object(arguments.params)
    environment = connect(arguments.environment, os.environ, DOTENV)
    api = environment.prefect
    deployment = _chosen(service, api.deployments([service.name]), arguments)
    _check(deployment, params)
    run = api.start(deployment.id, params)
    tell(f"{deployment.full_name}: run '{run.name}' {api.run_url(run.id)}")
    if arguments.no_follow:
        return 0
    last = run
    try:
        for item in follow(api, run, environment.settings.work_pool):
            last = _told(item, last)
    except KeyboardInterrupt:
        say(f"\nno longer following; the run goes on: {api.run_url(run.id)}")
        return NO_LONGER_FOLLOWED
    return 0 if last.state_type == "COMPLETED" else 1


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


def _told(item: LogLine | FlowRun | str, last: FlowRun) -> FlowRun:
    screen = console()
    if isinstance(item, LogLine):
        style = "red" if item.level >= 40 else "yellow" if item.level >= 30 else ""
        screen.print(f"{item.at[11:19]}  {item.message}", style=style, markup=False, soft_wrap=True)
    elif isinstance(item, FlowRun):
        style = {"COMPLETED": "bold green", "FAILED": "bold red", "CRASHED": "bold red"}.get(item.state_type, "bold")
        message = f": {item.message}" if item.message else ""
        screen.print(f"● {item.state}{message}", style=style, markup=False, soft_wrap=True)
        return item
    else:
        screen.print(f"! {item}", style="yellow", markup=False, soft_wrap=True)
    return last
