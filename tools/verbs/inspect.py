"""The verbs that look at an environment: plan, status, history, doctor. They read and write nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from tools.arguments import Doctor, Inspect, ShowHistory, ShowPlan, ShowStatus
from tools.clients.prefect_runs import runs
from tools.environment.connect import Environment, connect
from tools.environment.deploy import compare, declared
from tools.environment.prune import strays
from tools.environment.rollback import look_back
from tools.errors import UserError
from tools.model.observed import State
from tools.plan import rollback as rolling
from tools.plan.actions import ALL, Plan
from tools.plan.live import points_at
from tools.plan.notes import left
from tools.plan.status import status as standing
from tools.plan.status import undeclared
from tools.repository import DOTENV, ROOT
from tools.show.history import history_json, history_text
from tools.show.plan import plan_json, plan_markdown, plan_text
from tools.show.status import status_json, status_table
from tools.show.terminal import complain_of_broken, console, print_json, tell
from tools.show.unseen import unseen_text
from tools.verbs.environment import chosen

WOULD_CHANGE = 3


def run(arguments: Inspect) -> int:
    """Carries one of them out."""
    match arguments:
        case ShowPlan():
            return _plan(arguments)
        case ShowStatus():
            return _status(arguments)
        case ShowHistory():
            return _history(arguments)
        case Doctor():
            from tools.verbs import doctor  # it needs more clients than the others

            return doctor.run(arguments)
        case _:
            assert_never(arguments)


def _plan(arguments: ShowPlan) -> int:
    """Shows what a deploy would do.

    Returns:
        2 where a flow would be refused; with --check 3 where something would change.
    """
    environment = connect(chosen(arguments.environment), os.environ, DOTENV)
    desired, broken = declared(ROOT, arguments.names, environment)
    planned, state = compare(desired, environment, ALL, arguments.on_drift, every=bool(arguments.names))
    planned = replace(planned, broken=broken)
    if not arguments.names:
        planned = _with_strays(planned, environment, state)
    now = datetime.now(UTC)
    if arguments.format == "json":
        print_json(plan_json(planned, now))
    elif arguments.format == "markdown":
        tell(plan_markdown(planned, now), end="")
    else:
        console().print(plan_text(planned, now))
    if planned.broken or any(item.problems for item in planned.services):
        return UserError.exit_code
    differs = planned.changes or any(item.drift for item in planned.services)
    return WOULD_CHANGE if arguments.check and differs else 0


def _with_strays(planned: Plan, environment: Environment, state: State) -> Plan:
    """The plan with a remark on each deployment of a flow that the repository no longer declares."""
    found = strays(environment, _flows(planned), state)
    return replace(planned, notes=tuple(map(left, found)))


def _flows(planned: Plan) -> set[str]:
    """All that the repository declares, be it right or broken."""
    return {item.name for item in planned.services} | {item.name for item in planned.broken}


def _status(arguments: ShowStatus) -> int:
    """Shows how every flow stands."""
    environment = connect(chosen(arguments.environment), os.environ, DOTENV)
    desired, broken = declared(ROOT, arguments.names, environment)
    planned, state = compare(desired, environment, ALL, "stop", every=bool(arguments.names))
    stray = [] if arguments.names else strays(environment, _flows(replace(planned, broken=broken)), state)
    live = [item for observed in state.values() for item in observed.deployments]
    ran = runs(environment.prefect, [item.id for item in (*live, *stray)])
    found = [standing(item, state[item.name], ran) for item in planned.services]
    found += undeclared(stray, ran)
    if arguments.json:
        print_json(status_json(planned.environment, found, planned.unseen))
    else:
        now = datetime.now(UTC)
        console().print(status_table(found, now))
        if planned.unseen:
            console().print(unseen_text(planned.unseen, now), style="dim", markup=False)
    return complain_of_broken(broken, others=bool(found))


def _history(arguments: ShowHistory) -> int:
    """Shows a flow's releases and what each changed."""
    environment = connect(chosen(arguments.environment), os.environ, DOTENV)
    observed = look_back(arguments.name, environment)
    releases = observed.all_releases
    if not releases:
        raise rolling.never_deployed(arguments.name, environment.settings.environment)
    live = [points_at(item) for item in observed.deployments]
    if arguments.json:
        print_json(history_json(releases, live))
    else:
        console().print(history_text(releases, live))
    return 0
