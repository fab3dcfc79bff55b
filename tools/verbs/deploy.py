"""The verbs that bring an environment to what the repository declares: build, push, register, deploy."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import assert_never

from tools.arguments import Build, Deploy, Deploys
from tools.clients.engine import Engine
from tools.desired import fingerprint
from tools.desired.discover import services
from tools.environment.apply import build, target
from tools.environment.connect import connect
from tools.environment.deploy import carry_out, make_plan
from tools.environment.guard import under_lock
from tools.plan.actions import ALL, Plan, Stage
from tools.repository import DOTENV, ROOT
from tools.show.progress import Progress
from tools.show.terminal import console, print_json, say
from tools.verbs.outcome import failures, show_results

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
    environment = connect(arguments.environment, os.environ, DOTENV)

    def make() -> Plan:
        return make_plan(ROOT, arguments.names, environment, STAGES[arguments.verb], arguments.on_drift)

    with (
        under_lock(make, environment, arguments.verb, wait=arguments.wait, tell=say) as (planned, guard),
        Progress(console(stderr=True)) as progress,
    ):
        results = carry_out(ROOT, planned, environment, progress.step, guard)
    return show_results(planned, results, as_json=arguments.json)


def _build(arguments: Build) -> int:
    found = services(ROOT, arguments.names)
    prints = fingerprint.of_services(ROOT, found)
    engine = Engine()
    targets = [target(service, prints[service.name].value) for service in found]
    there = {item.service for item in targets if engine.has(item.tag)}
    with Progress(console(stderr=True)) as progress:
        failed = build(ROOT, targets, engine, progress.step)
    if arguments.json:
        print_json(
            [
                {
                    "name": t.service,
                    "image": t.tag,
                    "built": t.service not in there | set(failed),
                    "error": failed[t.service].message if t.service in failed else None,
                }
                for t in targets
            ]
        )
    else:
        for item in targets:
            said = "failed" if item.service in failed else "was built already" if item.service in there else "built"
            print(f"{item.tag}  {said}")
    return failures(list(failed.values()))
