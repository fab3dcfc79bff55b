"""The verbs: the only printer, the only catcher. Each verb reads its arguments, calls the stages and prints.

Modules that bring a client's library are imported by the verbs that need them, so `list` and `--help` answer at once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tools.arguments import parser
from tools.errors import ToolsError, UserError
from tools.terminal import complain, console, failures, print_json, say, show_results

if TYPE_CHECKING:
    from tools.model.prefect import PrefectDeployment
    from tools.model.runs import FlowRun, LogLine
    from tools.model.service import Service
    from tools.plan.actions import Plan, Stage

ROOT = Path(__file__).resolve().parent.parent
DOTENV = ROOT / ".env"
INTERRUPTED = 130

Verb = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb and gives the exit code: 0 done, 1 a remote system failed, 2 the user can mend it, 130 Ctrl-C."""
    signal.signal(signal.SIGTERM, _terminated)
    arguments = parser().parse_args(argv)
    try:
        return VERBS[arguments.verb](arguments)
    except ToolsError as error:
        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; run it again to go on where it was", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has seen enough
        return 0


def _terminated(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise UserError(
            f"the parameters are no JSON: {error.msg} at character {error.pos}: {text}",
            'example: PARAMS=\'{"table": "weather"}\'',
        ) from None
    if not isinstance(value, dict):
        raise UserError(
            f"the parameters must be a JSON object, found {text}", 'example: PARAMS=\'{"table": "weather"}\''
        )
    return value


# Verbs that need no cloud -------------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace) -> int:
    from tools.desired.discover import services

    found = services(ROOT)
    if arguments.json:
        from tools.report import services_json

        print_json(services_json(found))
    else:
        from tools.report import services_table

        console().print(services_table(found))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from tools import process
    from tools.desired.discover import services

    (service,) = services(ROOT, [arguments.name])
    return process.run(ROOT, service, json.dumps(_json_object(arguments.params)), say)


def _test(arguments: argparse.Namespace) -> int:
    from tools import process
    from tools.desired.discover import services

    if arguments.name is None or arguments.name.startswith("-"):  # `test -- -k plan` names no flow
        given = [arguments.name] if arguments.name else []
        return process.test_all(ROOT, services(ROOT), [*given, *arguments.pytest], say)
    (service,) = services(ROOT, [arguments.name])
    return process.test(ROOT, service, arguments.pytest, say, None)


def _ui(_: argparse.Namespace) -> int:
    from tools import process

    return process.ui(ROOT, say)


def _compose(_: argparse.Namespace) -> int:
    from tools.compose_file import write
    from tools.desired.discover import services

    changed = write(ROOT, services(ROOT))
    print("compose/flows.yaml " + ("written" if changed else "is in step with services/"))
    return 0


def _lock(arguments: argparse.Namespace) -> int:
    from tools.locks import all_locks, compile_lock

    for lock in all_locks(ROOT):
        changed = compile_lock(lock, upgrade=arguments.upgrade)
        print(f"{lock.path.relative_to(ROOT)}: {'written' if changed else 'unchanged'}")
    return 0


def _schema(_: argparse.Namespace) -> int:
    from tools.model.service import Declaration

    print_json(Declaration.model_json_schema())
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    from tools.bench.parts import run

    run(ROOT, arguments.part, print)
    return 0


def _check(_: argparse.Namespace) -> int:
    from tools.check import checks

    failed = 0
    for name, problems in checks(ROOT):
        print(f"{name}: {'ok' if not problems else ''}", flush=True)
        for problem in problems:
            print(f"  {problem}")
        failed += bool(problems)
    return 2 if failed else 0


# The local cloud ----------------------------------------------------------------------------------------------------


def _local_variables() -> dict[str, str]:
    from tools.settings import LOCAL, read_dotenv

    return {**read_dotenv(DOTENV, LOCAL), **os.environ}


def _up(_: argparse.Namespace) -> int:
    from tools.local_cloud import up

    addresses = up(ROOT, _local_variables(), say)
    print("The local cloud is up:")
    for label, value in addresses.lines():
        print(f"  {label:<13}{value}")
    print("Deploy to it: make deploy. Stop it: make down.")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    from tools.local_cloud import down

    down(ROOT, _local_variables(), volumes=arguments.volumes)
    print("The local cloud is down; " + ("its data is gone." if arguments.volumes else "its data is kept."))
    return 0


# Verbs of an environment --------------------------------------------------------------------------------------------


def _build(arguments: argparse.Namespace) -> int:
    from tools.clients.engine import Engine
    from tools.desired import fingerprint
    from tools.desired.discover import services
    from tools.environment.apply import build, target
    from tools.report import Progress

    found = services(ROOT, arguments.name)
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


def _push(arguments: argparse.Namespace) -> int:
    return _carry_out(arguments, ("build", "push"))


def _register(arguments: argparse.Namespace) -> int:
    return _carry_out(arguments, ("import", "release", "register"))


def _deploy(arguments: argparse.Namespace) -> int:
    from tools.plan.actions import ALL

    return _carry_out(arguments, ALL)


def _carry_out(arguments: argparse.Namespace, stages: Sequence[Stage]) -> int:
    from tools.environment.connect import connect
    from tools.environment.deploy import carry_out, make_plan
    from tools.environment.guard import under_lock
    from tools.report import Progress

    environment = connect(arguments.environment, os.environ, DOTENV)

    def make() -> Plan:
        return make_plan(ROOT, arguments.name, environment, stages, arguments.on_drift)

    with (
        under_lock(make, environment, arguments.verb, wait=arguments.wait, tell=say) as (planned, guard),
        Progress(console(stderr=True)) as progress,
    ):
        results = carry_out(ROOT, planned, environment, progress.step, guard)
    return show_results(planned, results, as_json=arguments.json)


def _trigger(arguments: argparse.Namespace) -> int:
    from tools.desired.discover import services
    from tools.environment.connect import connect
    from tools.environment.follow import follow

    (service,) = services(ROOT, [arguments.name])
    params = _json_object(arguments.params)
    environment = connect(arguments.environment, os.environ, DOTENV)
    api = environment.prefect
    deployment = _chosen(service, api.deployments([service.name]), arguments)
    run = api.start(deployment.id, params)
    print(f"{deployment.full_name}: run '{run.name}' {api.run_url(run.id)}", flush=True)
    if arguments.no_follow:
        return 0
    last = run
    try:
        for item in follow(api, run, environment.settings.work_pool):
            last = _told(item, last)
    except KeyboardInterrupt:
        say(f"\nno longer following; the run goes on: {api.run_url(run.id)}")
        return INTERRUPTED
    return 0 if last.state_type == "COMPLETED" else 1


def _chosen(service: Service, live: Sequence[PrefectDeployment], arguments: argparse.Namespace) -> PrefectDeployment:
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
    from tools.model.runs import FlowRun, LogLine

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


# Verbs that see before and undo after -------------------------------------------------------------------------------


def _plan(arguments: argparse.Namespace) -> int:
    from tools.see import plan

    return plan(arguments)


def _status(arguments: argparse.Namespace) -> int:
    from tools.see import status

    return status(arguments)


def _history(arguments: argparse.Namespace) -> int:
    from tools.see import show_history

    return show_history(arguments)


def _rollback(arguments: argparse.Namespace) -> int:
    from tools.undo import rollback

    return rollback(arguments)


def _prune(arguments: argparse.Namespace) -> int:
    from tools.undo import prune

    return prune(arguments)


def _unlock(arguments: argparse.Namespace) -> int:
    from tools.undo import unlock

    return unlock(arguments)


VERBS: Mapping[str, Verb] = {
    "list": _list,
    "run": _run,
    "test": _test,
    "build": _build,
    "push": _push,
    "register": _register,
    "deploy": _deploy,
    "trigger": _trigger,
    "plan": _plan,
    "status": _status,
    "history": _history,
    "rollback": _rollback,
    "prune": _prune,
    "unlock": _unlock,
    "up": _up,
    "down": _down,
    "ui": _ui,
    "compose": _compose,
    "lock": _lock,
    "schema": _schema,
    "bench": _bench,
    "check": _check,
}
