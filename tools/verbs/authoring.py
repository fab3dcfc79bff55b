"""The verbs that add a flow to the repository and take one out of it: new, remove."""

from __future__ import annotations

import sys
from typing import assert_never

from tools.arguments import Authoring, NewFlow, RemoveFlow
from tools.errors import UserError
from tools.local import new_flow
from tools.repository import ROOT
from tools.show.terminal import say, tell


def run(arguments: Authoring) -> int:
    """Carries one of them out."""
    match arguments:
        case NewFlow():
            return _new(arguments)
        case RemoveFlow():
            return _remove(arguments)
        case _:
            assert_never(arguments)


def _new(arguments: NewFlow) -> int:
    asks = sys.stdin.isatty()
    name = arguments.name or (_ask("its name, small letters and dashes, e.g. orders-daily") if asks else "")
    if not name:
        raise UserError("the flow has no name", "make new-flow NAME=orders-daily")
    new_flow.check_new_name(ROOT, name)
    description, packages = arguments.description, arguments.deps
    if description is None:
        description = _ask("what it does, in a few words") if asks else ""
    if packages is None:
        packages = _ask("the packages that it needs beside Prefect, e.g. polars httpx; Enter for none") if asks else ""
    wanted = new_flow.NewFlow(
        name=name,
        description=description,
        owner=new_flow.author(ROOT) if arguments.owner is None else arguments.owner,
        dependencies=packages.split(),
        secrets=arguments.secret.replace(",", " ").split(),
    )
    for path in new_flow.create(ROOT, wanted):
        tell(f"  {path}")
    tell(f"services/{name} is there. Next:")
    for command, what in (
        (f"make run-flow NAME={name}", "as a process on this machine"),
        (f"make test-flow NAME={name}", "its tests"),
        (f"make deploy-flow NAME={name}", "to the local cloud (make up starts it)"),
    ):
        tell(f"  {command:<{len(name) + 24}} # {what}")
    return 0


def _remove(arguments: RemoveFlow) -> int:
    name = arguments.name
    lost = new_flow.removal(ROOT, name)
    for path in lost:
        tell(f"  {path}: git has no copy of it as it is now")
    if not arguments.yes:
        tell(f"services/{name} and its part of compose/flows.yaml would go")
        tell(f"to remove them: make remove-flow NAME={name} YES=1")
        return 0
    new_flow.remove(ROOT, name)
    tell(f"services/{name} is removed, and its part of compose/flows.yaml")
    tell("What was deployed of it goes on until it is pruned, in each environment: make prune ENVIRONMENT=…")
    return 0


def _ask(what: str) -> str:
    """Asks the person at the terminal."""
    say(f"{what}?")
    return sys.stdin.readline().strip()
