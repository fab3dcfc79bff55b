"""The verbs' names, arguments and help. Parses; runs nothing."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable


def parser() -> argparse.ArgumentParser:
    """The parser of `python -m tools`; `verb` of what it gives is the verb's name."""
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
    add("list", "the flows that the repository declares", "list --json").add_argument(
        "--json", action="store_true", help="for machines, e.g. a CI matrix"
    )
    run = add("run", "run a flow as a process on this machine", "run database-to-lake")
    _name(run)
    _params(run)
    test = add(
        "test",
        "run the tests of a flow on its own locked dependencies; all tests where no flow is named",
        "test database-to-lake -- -k sqlite",
    )
    test.add_argument("name", metavar="NAME", nargs="?", help="a directory under services/")
    test.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    _deploy_like(add("build", "build images that the engine has not yet", "build database-to-lake"), cloud=False)
    _deploy_like(add("push", "build and push images that the registry has not yet", "push database-to-lake"))
    _deploy_like(add("register", "release and register what is pushed", "register database-to-lake"))
    _deploy_like(add("deploy", "build, push, release and register what differs", "deploy --environment Dev"))
    trigger = add("trigger", "start a run of a deployment and follow it", "trigger database-to-lake")
    _name(trigger)
    _environment(trigger)
    _params(trigger)
    trigger.add_argument("--deployment", metavar="NAME", help="which, where the flow has several; its first by default")
    trigger.add_argument("--no-follow", action="store_true", help="start it and leave")
    plan = add("plan", "show what a deploy would do, and why", "plan --environment Dev --format markdown")
    _names(plan)
    plan.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="text by default")
    plan.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    plan.add_argument("--check", action="store_true", help="exit code 3 where something would change")
    _environment(plan)
    _drift(plan)
    status = add("status", "show how every flow stands: release, schedules, runs, drift", "status --environment Dev")
    _names(status)
    _json(status)
    _environment(status)
    history = add("history", "show a flow's releases and what each changed", "history database-to-lake")
    _name(history)
    _json(history)
    _environment(history)
    rollback = add("rollback", "bring a flow back to an earlier release", "rollback database-to-lake --to 3")
    _name(rollback)
    rollback.add_argument(
        "--to", metavar="RELEASE", default="", help="its number; the one before the live one where absent"
    )
    _json(rollback)
    _environment(rollback)
    _drift(rollback)
    _wait(rollback)
    prune = add("prune", "show what the repository no longer declares; delete it with --yes", "prune --environment Dev")
    prune.add_argument("--yes", action="store_true", help="delete it")
    _json(prune)
    _environment(prune)
    _wait(prune)
    unlock = add("unlock", "show who holds an environment's lock; remove it with --yes", "unlock --environment Dev")
    unlock.add_argument("--yes", action="store_true", help="remove it")
    _environment(unlock)
    add("up", "start the local cloud", "up")
    down = add("down", "stop the local cloud; its data stays", "down --volumes")
    down.add_argument("--volumes", action="store_true", help="remove its data too")
    add("ui", "show the runs of `run` in Prefect's UI", "ui")
    add("compose", "write compose/flows.yaml from services/", "compose")
    lock = add("lock", "compile the requirements.lock files", "lock")
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    bench = add("bench", "measure loads and deploys beside their peers, in one run", "bench load")
    bench.add_argument("part", metavar="PART", nargs="*", help="load, deploy; both where absent")
    add("schema", "print the JSON Schema of service.toml, for editors", "schema > service.schema.json")
    add("check", "lint, format, types, locks, services, compose file", "check")
    return parser


def _adder(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> Callable[..., argparse.ArgumentParser]:
    def add(name: str, summary: str, example: str) -> argparse.ArgumentParser:
        parser = verbs.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"example:\n  python -m tools {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(verb=name)
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
    _names(parser)
    _json(parser)
    if cloud:
        _environment(parser)
        _drift(parser)
        _wait(parser)


def _wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="wait where another one changes the environment")


def _names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="*", help="directories under services/; all where absent")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the results for machines")


def _drift(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    for word, what in (("overwrite", "write the wanted values over"), ("keep", "keep")):
        group.add_argument(
            f"--{word}",
            dest="on_drift",
            action="store_const",
            const=word,
            default="stop",
            help=f"{what} what was changed by hand; without it such a flow is refused",
        )
