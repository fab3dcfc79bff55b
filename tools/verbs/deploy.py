"""The verbs that bring an environment to what the repository declares: build, push, register, deploy."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import assert_never

from tools.arguments import Build, Deploy, Deploys
from tools.environment.connect import connect
from tools.environment.deploy import carry_out, make_plan
from tools.plan.actions import ALL, Plan, Stage
from tools.repository import DOTENV, ROOT
from tools.settings import LOCAL
from tools.show.progress import Progress
from tools.show.terminal import console, tell
from tools.verbs.environment import chosen
from tools.verbs.outcome import carry_out_and_show, show_errors, show_results

STAGES: Mapping[str, Sequence[Stage]] = {
    "push": ("build", "push"),
    "register": ("import", "release", "register"),
    "deploy": ALL,
}


def run(arguments: Deploys) -> int:
    """Carries one of them out."""
    match arguments:
        case Build():
            return _build(arguments)
        case Deploy():
            return _deploy(arguments)
        case _:
            assert_never(arguments)


def _deploy(arguments: Deploy) -> int:
    environment = connect(chosen(arguments.environment), os.environ, DOTENV)

    def make() -> Plan:
        return make_plan(ROOT, arguments.names, environment, STAGES[arguments.verb], arguments.on_drift)

    return carry_out_and_show(make, environment, arguments.verb, wait=arguments.wait, as_json=arguments.json)


def _build(arguments: Build) -> int:
    """An image is the same for every environment, so none is asked."""
    environment = connect(LOCAL, os.environ, DOTENV)
    planned = make_plan(ROOT, arguments.names, environment, ("build",), "stop")
    with Progress(console(stderr=True)) as progress:
        results = carry_out(ROOT, planned, environment, progress.step)
    if arguments.json:
        return show_results(planned, results, as_json=True)
    for result in results:
        tell(f"{result.release.tag}  {'failed' if result.error else ', '.join(result.said)}")
    return show_errors(planned, results)
