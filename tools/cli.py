"""The verbs: the only printer, the only catcher. Each verb reads its arguments, calls the stages and prints.

Modules that bring a client's library are imported by the verbs that need them, so `list` and `--help` answer at once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tools.errors import RemoteError, ToolsError, UserError

ROOT = Path(__file__).resolve().parent.parent
DOTENV = ROOT / ".env"
INTERRUPTED = 130

Verb = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb and gives the exit code: 0 done, 1 a remote system failed, 2 the user can mend it, 130 Ctrl-C."""
    signal.signal(signal.SIGTERM, _terminated)
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.verb(arguments))
    except ToolsError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; run it again to go on where it was", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has seen enough
        return 0


def _terminated(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _complain(error: ToolsError) -> None:
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print("[bold red]error:[/] ", end="")
    console.print(error.message, markup=False)
    if error.hint:
        console.print(f"  → {error.hint}", markup=False)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


# The arguments ------------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools",
        description="Takes a flow from a directory under services/ to a run in an ECS task.",
        epilog="examples:\n"
        "  python -m tools list\n"
        '  python -m tools run database-to-lake --params \'{"table": "weather"}\'\n'
        "  python -m tools deploy database-to-lake --environment Dev\n"
        "\nExit codes: 0 done; 1 a remote system refused or did not answer; 2 something here is to mend; 130 Ctrl-C.\n"
        "Each verb has a target of its own in the Makefile: make help.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    add = _adder(verbs)
    add("list", _list, "the flows that the repository declares", "list --json").add_argument(
        "--json", action="store_true", help="for machines, e.g. a CI matrix"
    )
    run = add("run", _run, "run a flow as a process on this machine", "run database-to-lake")
    _name(run)
    _params(run)
    test = add(
        "test", _test, "run a flow's own tests on its own locked dependencies", "test database-to-lake -- -k sqlite"
    )
    _name(test)
    test.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    _deploy_like(
        add("build", _build, "build images that the engine has not yet", "build database-to-lake"), cloud=False
    )
    _deploy_like(add("push", _push, "build and push images that the registry has not yet", "push database-to-lake"))
    _deploy_like(add("register", _register, "release and register what is pushed", "register database-to-lake"))
    _deploy_like(add("deploy", _deploy, "build, push, release and register what differs", "deploy --environment Dev"))
    trigger = add("trigger", _trigger, "start a run of a deployment and follow it", "trigger database-to-lake")
    _name(trigger)
    _environment(trigger)
    _params(trigger)
    trigger.add_argument("--deployment", metavar="NAME", help="which, where the flow has several; its first by default")
    trigger.add_argument("--no-follow", action="store_true", help="start it and leave")
    add("up", _up, "start the local cloud", "up")
    down = add("down", _down, "stop the local cloud; its data stays", "down --volumes")
    down.add_argument("--volumes", action="store_true", help="remove its data too")
    add("ui", _ui, "show the runs of `run` in Prefect's UI", "ui")
    add("compose", _compose, "write compose/flows.yaml from services/", "compose")
    lock = add("lock", _lock, "compile the requirements.lock files", "lock")
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    add("schema", _schema, "print the JSON Schema of service.toml, for editors", "schema > service.schema.json")
    add("check", _check, "lint, format, types, locks, services, compose file", "check")
    return parser


def _adder(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> Callable[..., argparse.ArgumentParser]:
    def add(name: str, verb: Verb, summary: str, example: str) -> argparse.ArgumentParser:
        parser = verbs.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"example:\n  python -m tools {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(verb=verb)
        return parser

    return add


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a directory under services/")


def _params(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--params", default="", metavar="JSON", help="the flow's parameters as a JSON object")


def _environment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--environment",
        metavar="NAME",
        default=os.environ.get("ENVIRONMENT") or "Local",
        help="Local (default), Dev, Prod or any other",
    )


def _deploy_like(parser: argparse.ArgumentParser, *, cloud: bool = True) -> None:
    parser.add_argument("name", metavar="NAME", nargs="*", help="directories under services/; all where absent")
    parser.add_argument("--json", action="store_true", help="the results for machines")
    if cloud:
        _environment(parser)
        group = parser.add_mutually_exclusive_group()
        for word, what in (("overwrite", "write the repository's values over"), ("keep", "keep")):
            group.add_argument(
                f"--{word}",
                dest="on_drift",
                action="store_const",
                const=word,
                default="stop",
                help=f"{what} what was changed by hand; without it such a flow is refused",
            )


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
    from tools.discover import services

    found = services(ROOT)
    if arguments.json:
        from tools.report import services_json

        _print_json(services_json(found))
    else:
        from rich.console import Console

        from tools.report import services_table

        Console().print(services_table(found))
    return 0


def _process_environment(home: Path) -> dict[str, str]:
    """The variables of a flow that runs as a process: everything local, unless .env or the shell says otherwise."""
    from tools.settings import LOCAL, read_dotenv

    return {
        "LAKE_URL": (home / "lake").as_uri(),
        "DATA_FLOWS_DATA": str(home / "data"),
        "PREFECT_HOME": str(home / "prefect"),
        **read_dotenv(DOTENV, LOCAL),
        **os.environ,
    }


def _run(arguments: argparse.Namespace) -> int:
    import subprocess

    from tools.discover import services
    from tools.fingerprint import BASE_DIRECTORY
    from tools.venv import python

    (service,) = services(ROOT, [arguments.name])
    params = json.dumps(_json_object(arguments.params))
    home = ROOT / ".local"
    for name in ("lake", "data", "prefect"):
        (home / name).mkdir(parents=True, exist_ok=True)
    program = python(ROOT, service.path, _say)
    command = [
        str(program),
        str(ROOT / BASE_DIRECTORY / "run_flow.py"),
        service.declaration.docker_storage.entrypoint,
        params,
    ]
    return _exit_code(subprocess.run(command, cwd=service.path, env=_process_environment(home), check=False).returncode)


def _test(arguments: argparse.Namespace) -> int:
    import subprocess

    from tools.discover import services
    from tools.venv import python

    (service,) = services(ROOT, [arguments.name])
    if not (service.path / "tests").is_dir():
        raise UserError(f"services/{service.name}/tests is missing", "a flow without tests is not done; write one")
    program = python(ROOT, service.path, _say)
    command = [str(program), "-m", "pytest", "tests", *arguments.pytest]
    return _exit_code(subprocess.run(command, cwd=service.path, check=False).returncode)


def _exit_code(returncode: int) -> int:
    return returncode if returncode >= 0 else 128 - returncode


def _ui(_: argparse.Namespace) -> int:
    import subprocess

    from tools.venv import python

    home = ROOT / ".local"
    program = python(ROOT, None, _say)
    environment = {**os.environ, "PREFECT_HOME": str(home / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    environment.pop("PREFECT_API_URL", None)
    command = [str(program), "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", "4201"]
    _say("the runs of `make run-flow` are at http://127.0.0.1:4201 until Ctrl-C")
    return _exit_code(subprocess.run(command, env=environment, check=False).returncode)


def _compose(_: argparse.Namespace) -> int:
    from tools.compose_file import write
    from tools.discover import services

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
    from tools.model import Declaration

    _print_json(Declaration.model_json_schema())
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

    addresses = up(ROOT, _local_variables(), _say)
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


def _settings(environment: str) -> Any:
    from tools.clients import ssm
    from tools.clients.aws import check_account
    from tools.settings import LOCAL, load

    settings = load(environment, os.environ, DOTENV, ssm.tree)
    if settings.account and environment != LOCAL:
        check_account(settings.aws, settings.account)
    return settings


def _prefect(settings: Any) -> Any:
    from tools.clients.prefect_api import PrefectApi
    from tools.settings import LOCAL

    hint = "start the local cloud: make up" if settings.environment == LOCAL else ""
    return PrefectApi(settings.prefect_api_url, settings.prefect_api_key, hint)


def _build(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from tools import fingerprint
    from tools.apply import build, target
    from tools.clients.images import Images
    from tools.discover import services
    from tools.report import Progress

    found = services(ROOT, arguments.name)
    prints = fingerprint.of_services(ROOT, found)
    engine = Images()
    targets = [target(service, prints[service.name]) for service in found]
    there = {item.service for item in targets if engine.has(item.tag)}
    with Progress(Console(stderr=True)) as progress:
        failed = build(ROOT, targets, engine, progress.step)
    if arguments.json:
        _print_json(
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
    return _failures(list(failed.values()))


def _push(arguments: argparse.Namespace) -> int:
    return _carry_out(arguments, ("build", "push"))


def _register(arguments: argparse.Namespace) -> int:
    return _carry_out(arguments, ("gate", "release", "register"))


def _deploy(arguments: argparse.Namespace) -> int:
    from tools.actions import ALL

    return _carry_out(arguments, ALL)


def _carry_out(arguments: argparse.Namespace, stages: Sequence[Any]) -> int:
    from rich.console import Console

    from tools import fingerprint, report
    from tools.apply import Clients, apply
    from tools.clients import ssm
    from tools.clients.ecr import Ecr
    from tools.clients.ecs import Ecs
    from tools.clients.images import Images
    from tools.desired import desire
    from tools.discover import services
    from tools.observe import observe, observe_images
    from tools.plan import plan
    from tools.provenance import provenance

    found = services(ROOT, arguments.name)
    prints = fingerprint.of_services(ROOT, found)
    settings = _settings(arguments.environment)
    desired = [desire(service, prints[service.name], settings) for service in found]
    ecs, ecr, prefect = Ecs(settings.aws), Ecr(settings.aws, settings.registry), _prefect(settings)
    if "register" in stages:
        state = observe(desired, ecs, ecr, prefect, lambda names: ssm.missing(settings.aws, names))
    else:
        state = observe_images(desired, ecr)
    planned = plan(settings.environment, desired, state, stages, arguments.on_drift)
    with report.Progress(Console(stderr=True)) as progress:
        clients = Clients(Images(), ecr, ecs, prefect)
        results = apply(planned, ROOT, clients, lambda: provenance(ROOT), progress.step)
    _show_results(arguments, planned, results)
    return _failures([result.error for result in results if result.error])


def _show_results(arguments: argparse.Namespace, planned: Any, results: Sequence[Any]) -> None:
    from rich.console import Console

    from tools import report

    if arguments.json:
        _print_json(report.results_json(planned, results))
        return
    touched = [result for result in results if result.done or result.error]
    if not touched:
        count = len(results)
        print(f"Nothing differs in {planned.environment}: {count} flow{'s' if count != 1 else ''}, nothing written.")
        return
    Console().print(report.results_table(planned, results))
    for result in results:
        if result.error:
            _complain(type(result.error)(f"{result.service}: {result.error.message}", result.error.hint))


def _failures(errors: Sequence[ToolsError]) -> int:
    if not errors:
        return 0
    return RemoteError.exit_code if any(isinstance(error, RemoteError) for error in errors) else UserError.exit_code


def _trigger(arguments: argparse.Namespace) -> int:
    from tools.discover import services
    from tools.follow import follow

    (service,) = services(ROOT, [arguments.name])
    params = _json_object(arguments.params)
    settings = _settings(arguments.environment)
    api = _prefect(settings)
    deployment = _chosen(service, api.deployments([service.name]), arguments)
    run = api.start(deployment.id, params)
    print(f"{deployment.full_name}: run '{run.name}' {api.run_url(run.id)}", flush=True)
    if arguments.no_follow:
        return 0
    last = run
    try:
        for item in follow(api, run, settings.work_pool):
            last = _told(item, last)
    except KeyboardInterrupt:
        _say(f"\nno longer following; the run goes on: {api.run_url(run.id)}")
        return INTERRUPTED
    return 0 if last.state_type == "COMPLETED" else 1


def _chosen(service: Any, live: Sequence[Any], arguments: argparse.Namespace) -> Any:
    """The deployment to trigger: the named one, else the first that service.toml declares."""
    declared = [deployment.name for deployment in service.declaration.deployments]
    wanted = arguments.deployment or (declared[0] if declared else "")
    for registration in live:
        if registration.name == wanted:
            return registration
    there = ", ".join(registration.name for registration in live)
    if not live:
        raise UserError(
            f"{service.name} has no deployment in {arguments.environment} yet",
            f"make deploy-flow NAME={service.name} ENVIRONMENT={arguments.environment}",
        )
    raise UserError(
        f"{service.name} has no deployment '{wanted}' in {arguments.environment}; there are: {there}",
        "choose one with DEPLOYMENT=…, or deploy",
    )


def _told(item: Any, last: Any) -> Any:
    from rich.console import Console

    from tools.clients.prefect_api import FlowRun, LogLine

    console = Console(soft_wrap=True, highlight=False)
    if isinstance(item, LogLine):
        style = "red" if item.level >= 40 else "yellow" if item.level >= 30 else ""
        console.print(f"{item.at[11:19]}  {item.message}", style=style, markup=False)
    elif isinstance(item, FlowRun):
        style = {"COMPLETED": "bold green", "FAILED": "bold red", "CRASHED": "bold red"}.get(item.state_type, "bold")
        message = f": {item.message}" if item.message else ""
        console.print(f"● {item.state}{message}", style=style, markup=False)
        return item
    else:
        console.print(f"! {item}", style="yellow", markup=False)
    return last
