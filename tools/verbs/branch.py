"""The verb that says which environment a git branch deploys to: branch list, set, unset."""

from __future__ import annotations

import os
from typing import assert_never

from tools.arguments import Branches, ListBranches, SetBranch, UnsetBranch
from tools.environment.branches import entries, put, remove
from tools.errors import UserError
from tools.repository import DOTENV
from tools.settings import Connection, account_connection
from tools.show.terminal import print_json, tell


def run(arguments: Branches) -> int:
    """Carries one of them out."""
    aws = account_connection(os.environ, DOTENV)
    if aws is None:
        raise UserError(
            "AWS_REGION is not set: which environment a branch deploys to is kept in an account's Parameter Store",
            "set it in the process environment or in .env",
        )
    match arguments:
        case ListBranches():
            _list(aws, as_json=arguments.json)
        case SetBranch():
            put(aws, arguments.name, arguments.environment)
            tell(f"The branch {arguments.name} deploys to {arguments.environment}.")
        case UnsetBranch():
            remove(aws, arguments.name)
            tell(f"The branch {arguments.name} deploys to Local, as every branch without an entry.")
        case _:
            assert_never(arguments)
    return 0


def _list(aws: Connection, *, as_json: bool) -> None:
    found = sorted(entries(aws).items())
    if as_json:
        print_json([{"branch": name, "environment": environment} for name, environment in found])
        return
    width = max((len(name) for name, _ in found), default=0)
    for name, environment in found:
        tell(f"{name:{width}}  {environment}")
    if not found:
        tell("No branch has an entry: all deploy to Local.")
