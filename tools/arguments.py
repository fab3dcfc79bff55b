"""Each verb's typed arguments, their parser and their help. Parses; runs nothing.

To add a verb: a class here, a subparser in `_parser`, a function in `verbs/`, a case in `cli`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from tools.plan.actions import OnDrift

Format = Literal["text", "markdown", "json"]


class ListFlows(NamedTuple):
    """`list`."""

    json: bool


class RunFlow(NamedTuple):
    """`run`. `params` is a JSON object, or empty."""

    name: str
    params: str


class TestFlow(NamedTuple):
    """`test`. Without a name all tests."""

    name: str | None
    fast: bool
    pytest: tuple[str, ...]


class ShowUi(NamedTuple):
    """`ui`."""


class Build(NamedTuple):
    """`build`. No names mean all."""

    names: tuple[str, ...]
    json: bool


class Deploy(NamedTuple):
    """`push`, `register` and `deploy`: some of a deploy's stages, or all. No names mean all."""

    verb: Literal["push", "register", "deploy"]
    names: tuple[str, ...]
    environment: str | None
    on_drift: OnDrift
    wait: bool
    json: bool


class Trigger(NamedTuple):
    """`trigger`. `params` is a JSON object, or empty."""

    name: str
    environment: str
    params: str
    deployment: str | None
    no_follow: bool


class ShowLogs(NamedTuple):
    """`logs`."""

    name: str
    environment: str


class ShowPlan(NamedTuple):
    """`plan`. No names mean all."""

    names: tuple[str, ...]
    environment: str | None
    on_drift: OnDrift
    format: Format
    check: bool


class ShowStatus(NamedTuple):
    """`status`. No names mean all."""

    names: tuple[str, ...]
    environment: str | None
    json: bool


class ShowHistory(NamedTuple):
    """`history`."""

    name: str
    environment: str | None
    json: bool


class Rollback(NamedTuple):
    """`rollback`. `to` is a release; empty for the one before the live one."""

    name: str
    to: str
    environment: str
    on_drift: OnDrift
    wait: bool
    json: bool


class Prune(NamedTuple):
    """`prune`. Without `yes` it only shows."""

    environment: str
    yes: bool
    wait: bool
    json: bool


class Unlock(NamedTuple):
    """`unlock`. Without `yes` it only shows."""

    environment: str
    yes: bool


class Bootstrap(NamedTuple):
    """`bootstrap`. Without `yes` it only shows. `said` has the settings that were given as flags, by their names."""

    environment: str
    said: Mapping[str, str]
    yes: bool
    delete: bool
    json: bool


class StoreSecret(NamedTuple):
    """`secret`. Without a flow it is what the Prefect API wants to be shown."""

    name: str
    flow: str | None
    environment: str


class ListBranches(NamedTuple):
    """`branch list`."""

    json: bool


class SetBranch(NamedTuple):
    """`branch set`."""

    name: str
    environment: str


class UnsetBranch(NamedTuple):
    """`branch unset`."""

    name: str


class Doctor(NamedTuple):
    """`doctor`. `environment` may follow from the git branch."""

    environment: str | None
    json: bool


class Up(NamedTuple):
    """`up`."""


class Down(NamedTuple):
    """`down`."""

    volumes: bool


class NewFlow(NamedTuple):
    """`new`. What is None is asked for on a terminal."""

    name: str
    description: str | None
    owner: str | None
    deps: str | None
    secret: str


class RemoveFlow(NamedTuple):
    """`remove`. Without `yes` it only shows."""

    name: str
    yes: bool


class WriteComposeFile(NamedTuple):
    """`compose`."""


class Lock(NamedTuple):
    """`lock`. No names mean all locks."""

    names: tuple[str, ...]
    upgrade: bool


class ShowSchema(NamedTuple):
    """`schema`."""


class Check(NamedTuple):
    """`check`."""


Flows = ListFlows | RunFlow | TestFlow | ShowUi
Authoring = NewFlow | RemoveFlow
Cloud = Up | Down
Deploys = Build | Deploy
Runs = Trigger | ShowLogs
Inspect = ShowPlan | ShowStatus | ShowHistory | Doctor
Undo = Rollback | Prune | Unlock
Parameters = StoreSecret | ListBranches | SetBranch | UnsetBranch
Upkeep = WriteComposeFile | Lock | ShowSchema | Check
InEnvironment = Deploys | Runs | Inspect | Undo | Bootstrap | Parameters
Arguments = Flows | Authoring | Cloud | Upkeep | InEnvironment


def parse(argv: Sequence[str] | None = None) -> Arguments:
    """The arguments of the verb that a command line names; of this process's where none is given."""
    given = vars(_parser().parse_args(argv))
    kind: type[Arguments] = given["kind"]
    values = {name: given[name] for name in kind._fields}
    make: Callable[..., Arguments] = kind
    return make(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


class _Verbs:
    """Adds verbs to a parser, each with its help and an example."""

    def __init__(self, parser: argparse.ArgumentParser, dest: str = "verb") -> None:
        self._verbs = parser.add_subparsers(title=f"{dest}s", metavar=dest.upper(), dest=dest, required=True)

    def add(self, name: str, kind: type[Arguments], summary: str, example: str) -> argparse.ArgumentParser:
        """A verb's parser, which makes `kind`."""
        parser = self._verbs.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"example:\n  python -m tools {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(kind=kind)
        return parser


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
    verbs = _Verbs(parser)
    _flows(verbs)
    _authoring(verbs)
    _deploys(verbs)
    _inspect(verbs)
    _undo(verbs)
    _bootstrap(verbs)
    _branches(verbs)
    _doctor(verbs)
    _cloud_and_upkeep(verbs)
    return parser


def _flows(verbs: _Verbs) -> None:
    verbs.add("list", ListFlows, "the flows that the repository declares", "list --json").add_argument(
        "--json", action="store_true", help="for machines, e.g. a CI matrix"
    )
    run = verbs.add("run", RunFlow, "run a flow as a process on this machine", "run database-to-lake")
    _name(run)
    _params(run)
    test = verbs.add(
        "test",
        TestFlow,
        "run the tests of a flow on its own locked dependencies; all tests where no flow is named",
        "test database-to-lake -- -k sqlite",
    )
    test.add_argument("name", metavar="NAME", nargs="?", help="a directory under services/")
    test.add_argument("--fast", action="store_true", help="only the tooling's tests that need nothing but Python")
    test.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    verbs.add("ui", ShowUi, "show the runs of `run` in Prefect's UI", "ui")


def _authoring(verbs: _Verbs) -> None:
    new = verbs.add(
        "new",
        NewFlow,
        "make a flow that runs, tests and deploys as it is",
        'new orders-daily --description "Copies the orders of a day" --deps "polars httpx" --secret ORDERS_TOKEN',
    )
    new.add_argument("name", metavar="NAME", nargs="?", default="", help="its directory under services/")
    new.add_argument("--description", metavar="TEXT", help="what it does, in a few words")
    new.add_argument("--owner", metavar="ADDRESS", help="who answers for it; the address of git by default")
    new.add_argument("--deps", metavar="PACKAGES", help="what it needs beside Prefect, as in pyproject.toml, by spaces")
    new.add_argument("--secret", metavar="NAMES", default="", help="its variables that are secret, by spaces")
    remove = verbs.add(
        "remove", RemoveFlow, "show what is removed with a flow; remove it with --yes", "remove orders-daily"
    )
    _name(remove)
    remove.add_argument("--yes", action="store_true", help="remove it")


def _deploys(verbs: _Verbs) -> None:
    build = verbs.add("build", Build, "build images that the engine has not yet", "build database-to-lake")
    _names(build)
    _json(build)
    for name, summary, example in (
        ("push", "build and push images that the registry has not yet", "push database-to-lake"),
        ("register", "release and register what is pushed", "register database-to-lake"),
        ("deploy", "build, push, release and register what differs", "deploy --environment Dev"),
    ):
        verb = verbs.add(name, Deploy, summary, example)
        _names(verb)
        _json(verb)
        _environment(verb, by_branch=True)
        _drift(verb)
        _wait(verb)
    trigger = verbs.add("trigger", Trigger, "start a run of a deployment and follow it", "trigger database-to-lake")
    _name(trigger)
    _environment(trigger)
    _params(trigger)
    trigger.add_argument("--deployment", metavar="NAME", help="which, where the flow has several; its first by default")
    trigger.add_argument("--no-follow", action="store_true", help="start it and leave")
    logs = verbs.add(
        "logs",
        ShowLogs,
        "show what the last run of a flow and its container said, and follow it",
        "logs database-to-lake --environment Dev",
    )
    _name(logs)
    _environment(logs)


def _inspect(verbs: _Verbs) -> None:
    plan = verbs.add(
        "plan", ShowPlan, "show what a deploy would do, and why", "plan --environment Dev --format markdown"
    )
    _names(plan)
    plan.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="text by default")
    plan.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    plan.add_argument("--check", action="store_true", help="exit code 3 where something would change")
    _environment(plan, by_branch=True)
    _drift(plan)
    status = verbs.add(
        "status", ShowStatus, "show how every flow stands: release, schedules, runs, drift", "status --environment Dev"
    )
    _names(status)
    _json(status)
    _environment(status, by_branch=True)
    history = verbs.add(
        "history", ShowHistory, "show a flow's releases and what each changed", "history database-to-lake"
    )
    _name(history)
    _json(history)
    _environment(history, by_branch=True)


def _undo(verbs: _Verbs) -> None:
    rollback = verbs.add(
        "rollback", Rollback, "bring a flow back to an earlier release", "rollback database-to-lake --to 3"
    )
    _name(rollback)
    rollback.add_argument(
        "--to", metavar="RELEASE", default="", help="its number; the one before the live one where absent"
    )
    _json(rollback)
    _environment(rollback)
    _drift(rollback)
    _wait(rollback)
    prune = verbs.add(
        "prune", Prune, "show what the repository no longer declares; delete it with --yes", "prune --environment Dev"
    )
    prune.add_argument("--yes", action="store_true", help="delete it")
    _json(prune)
    _environment(prune)
    _wait(prune)
    unlock = verbs.add(
        "unlock", Unlock, "show who holds an environment's lock; remove it with --yes", "unlock --environment Dev"
    )
    unlock.add_argument("--yes", action="store_true", help="remove it")
    _environment(unlock)


#: What bootstrap can be told, as settings have it, and what each is.
_GROUND = {
    "VPC": "the VPC that tasks start in",
    "SUBNETS": "its subnets, in two zones or more, joined by commas",
    "PREFECT_API_URL": "the address of the Prefect API",
    "WORK_POOL": "the work pool",
    "WORKER_IMAGE": "the worker's image by digest, or none; this repository's own where nothing was ever said",
    "ALARM_TOPIC": "the ARN of the SNS topic that alarms tell",
    "GITHUB_REPOSITORY": "OWNER/NAME of the repository whose workflows may deploy",
    "GITHUB_REPOSITORY_ID": "its id",
}


class _Said(argparse.Action):
    """Keeps a flag's value under the name of its setting."""

    def __call__(self, parser: object, namespace: argparse.Namespace, values: object, option: object = None) -> None:
        namespace.said = {**namespace.said, self.metavar: values}


def _bootstrap(verbs: _Verbs) -> None:
    bootstrap = verbs.add(
        "bootstrap",
        Bootstrap,
        "show what an environment needs in AWS and lacks; make it with --yes",
        "bootstrap --environment Dev --vpc vpc-0a1b2c3d --subnets subnet-0a1b2c3d,subnet-4e5f6a7b",
    )
    _environment(bootstrap)
    bootstrap.set_defaults(said={})
    for name, what in _GROUND.items():
        flag = f"--{name.lower().replace('_', '-')}"
        bootstrap.add_argument(
            flag, action=_Said, metavar=name, help=f"{what}; what an earlier bootstrap got by default"
        )
    bootstrap.add_argument("--yes", action="store_true", help="make it, or delete it")
    bootstrap.add_argument("--delete", action="store_true", help="delete it instead; what holds data is kept")
    _json(bootstrap)
    secret = verbs.add(
        "secret",
        StoreSecret,
        "store a secret: typed without being shown, or from standard input",
        "secret ORDERS_TOKEN --flow orders-daily --environment Dev",
    )
    secret.add_argument(
        "name",
        metavar="NAME",
        help="a flow's, as its service.toml names it; or what the Prefect API wants: PREFECT_API_KEY, or "
        "PREFECT_API_AUTH_STRING, USER:PASSWORD of a server of your own",
    )
    secret.add_argument("--flow", metavar="FLOW", help="whose it is; Local's is kept in .env and in the local cloud")
    _environment(secret)


def _branches(verbs: _Verbs) -> None:
    branch = verbs.add(
        "branch",
        ListBranches,
        "say which environment a git branch deploys to, where none is named",
        "branch set main Prod",
    )
    whats = _Verbs(branch, "action")
    _json(whats.add("list", ListBranches, "the branches that have an entry", "branch list"))
    put = whats.add("set", SetBranch, "let a branch deploy to an environment of this account", "branch set main Prod")
    put.add_argument("name", metavar="BRANCH", help="letters and digits of ASCII and _ . - /")
    put.add_argument("environment", metavar="ENVIRONMENT", help="one that there is: Dev, Prod or any other")
    unset = whats.add("unset", UnsetBranch, "let a branch deploy to Local, as every other", "branch unset main")
    unset.add_argument("name", metavar="BRANCH", help="of branch list")


def _doctor(verbs: _Verbs) -> None:
    doctor = verbs.add(
        "doctor",
        Doctor,
        "look at all that a run needs, and say what to mend; exit code 2 where there is something",
        "doctor --environment Dev",
    )
    _environment(doctor, by_branch=True)
    _json(doctor)


def _cloud_and_upkeep(verbs: _Verbs) -> None:
    verbs.add("up", Up, "start the local cloud", "up")
    down = verbs.add("down", Down, "stop the local cloud; its data stays", "down --volumes")
    down.add_argument("--volumes", action="store_true", help="remove its data too")
    verbs.add("compose", WriteComposeFile, "write compose/flows.yaml from services/", "compose")
    lock = verbs.add("lock", Lock, "compile the requirements.lock files", "lock database-to-lake")
    _names(lock)
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    verbs.add(
        "schema", ShowSchema, "print the JSON Schema of service.toml, for editors", "schema > service.schema.json"
    )
    verbs.add("check", Check, "lint, format, types, import walls, locks, services, compose file", "check")


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a directory under services/")


def _names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", nargs="*", help="directories under services/; all where absent")


def _params(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--params", default="", metavar="JSON", help="the flow's parameters as a JSON object")


def _environment(parser: argparse.ArgumentParser, *, by_branch: bool = False) -> None:
    """Adds --environment; `by_branch` where the git branch may say which, if nobody does."""
    default = "the one that the git branch deploys to (branch --help), else Local" if by_branch else "Local"
    parser.add_argument(
        "--environment",
        metavar="NAME",
        default=os.environ.get("ENVIRONMENT") or (None if by_branch else "Local"),
        help=f"Local, Dev, Prod or any other; by default {default}",
    )


def _wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="wait where another one changes the environment")


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
