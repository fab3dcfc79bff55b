"""The verbs that look at an environment: plan, status, history. They read, print and write nothing."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tools import history, plan_report
from tools import status as standing
from tools.clients.prefect_runs import runs
from tools.environment.connect import Environment, connect
from tools.environment.deploy import compare, declared, make_plan
from tools.environment.rollback import look_back
from tools.errors import UserError
from tools.model.names import mark
from tools.model.prefect import PrefectDeployment
from tools.plan import rollback as rolling
from tools.plan.actions import ALL, Plan
from tools.plan.live import made_by_hand, points_at
from tools.plan.notes import LEFT
from tools.plan.releases import newest_first
from tools.terminal import console, print_json

ROOT = Path(__file__).resolve().parent.parent
DOTENV = ROOT / ".env"
WOULD_CHANGE = 3


def plan(arguments: argparse.Namespace) -> int:
    """Shows what a deploy would do.

    Returns:
        2 where a flow would be refused; with --check 3 where something would change.
    """
    environment = connect(arguments.environment, os.environ, DOTENV)
    planned = make_plan(ROOT, arguments.name, environment, ALL, arguments.on_drift)
    if not arguments.name:
        planned = _with_strays(planned, environment)
    now = datetime.now(UTC)
    if arguments.format == "json":
        print_json(plan_report.plan_json(planned, now))
    elif arguments.format == "markdown":
        print(plan_report.plan_markdown(planned, now), end="")
    else:
        console().print(plan_report.plan_text(planned, now))
    if any(item.problems for item in planned.services):
        return UserError.exit_code
    differs = planned.changes or any(item.drift for item in planned.services)
    return WOULD_CHANGE if arguments.check and differs else 0


def _with_strays(planned: Plan, environment: Environment) -> Plan:
    """The plan with a remark on each deployment of a flow that the repository no longer declares."""
    strays = _strays(environment, {item.name for item in planned.services})
    return replace(
        planned,
        notes=tuple(f"{item.full_name}: {LEFT}" for item in strays),
    )


def _strays(environment: Environment, flows: set[str]) -> list[PrefectDeployment]:
    name = environment.settings.environment
    marked = [item for item in environment.prefect.tagged(mark(name)) if item.flow not in flows]
    arns = {points_at(item) for item in marked} - {""}
    releases = {arn: release for arn in sorted(arns) if (release := environment.ecs.release(arn))}
    return [item for item in marked if not made_by_hand(item, name, releases)]


def status(arguments: argparse.Namespace) -> int:
    """Shows how every flow stands."""
    environment = connect(arguments.environment, os.environ, DOTENV)
    desired = declared(ROOT, arguments.name, environment)
    planned, state = compare(desired, environment, ALL, "stop")
    strays = [] if arguments.name else _strays(environment, {item.name for item in planned.services})
    live = [item for observed in state.values() for item in observed.deployments]
    ran = runs(environment.prefect, [item.id for item in (*live, *strays)])
    found = [standing.status(item, state[item.name], ran) for item in planned.services]
    found += standing.undeclared(strays, ran)
    if arguments.json:
        print_json(standing.status_json(planned.environment, found))
    else:
        console().print(standing.status_table(found, datetime.now(UTC)))
    return 0


def show_history(arguments: argparse.Namespace) -> int:
    """Shows a flow's releases and what each changed."""
    environment = connect(arguments.environment, os.environ, DOTENV)
    observed = look_back(arguments.name, environment)
    releases = newest_first(observed.releases.values())
    if not releases:
        raise rolling.never_deployed(arguments.name, environment.settings.environment)
    live = [points_at(item) for item in observed.deployments]
    if arguments.json:
        print_json(history.history_json(releases, live))
    else:
        console().print(history.history_text(releases, live))
    return 0
