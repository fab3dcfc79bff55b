"""The verbs that keep what an account's Parameter Store says: branch list, set and unset; secret."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from typing import assert_never

from tools.arguments import ListBranches, Parameters, SetBranch, StoreSecret, UnsetBranch
from tools.environment.bootstrap import reach
from tools.environment.branches import entries, put, remove
from tools.environment.credentials import path, store
from tools.errors import UserError
from tools.model.credential import WORDS, Credential, CredentialName
from tools.repository import DOTENV
from tools.settings import Connection, account_connection, given_values
from tools.show.terminal import print_json, tell


def run(arguments: Parameters) -> int:
    """Carries one of them out."""
    match arguments:
        case StoreSecret():
            _store(arguments)
        case ListBranches():
            _list(_connection(), as_json=arguments.json)
        case SetBranch():
            put(_connection(), arguments.name, arguments.environment)
            tell(f"The branch {arguments.name} deploys to {arguments.environment}.")
        case UnsetBranch():
            remove(_connection(), arguments.name)
            tell(f"The branch {arguments.name} deploys to Local, as every branch without an entry.")
        case _:
            assert_never(arguments)
    return 0


def _connection() -> Connection:
    aws = account_connection(os.environ, DOTENV)
    if aws is None:
        raise UserError(
            "AWS_REGION is not set: which environment a branch deploys to is kept in an account's Parameter Store",
            "set it in the process environment or in .env",
        )
    return aws


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


def _store(arguments: StoreSecret) -> None:
    """Stores what an environment's Prefect API wants to be shown: typed without echo, or from a file or pipe."""
    account = reach(arguments.environment, os.environ, DOTENV)
    given = given_values(arguments.environment, os.environ, DOTENV)
    url = given.get("PREFECT_API_URL") or account.stored.get("PREFECT_API_URL", "")
    value = typed(arguments.name) if sys.stdin.isatty() else _read(arguments.name)
    taken = store(account.aws, arguments.environment, url, Credential(arguments.name, value))
    tell(f"{path(arguments.environment, arguments.name)} is stored. What runs already takes it at its next start.")
    if not taken:
        tell("It was not tried: the Prefect API " + ("cannot be asked from here." if url else "is not known yet."))


def typed(name: CredentialName) -> str:
    """What somebody types at the terminal, who does not see it there.

    Raises:
        UserError: nothing.
    """
    try:
        value = getpass(f"{name}, the Prefect API's {WORDS[name]} (not shown): ")
    except EOFError:
        value = ""
    if not value:
        raise UserError(f"{name} was not given", "run this again")
    return value


def _read(name: CredentialName) -> str:
    """What standard input says, without its last line break."""
    try:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UserError(f"{name} is no text in what was read from standard input") from None
    if not value:
        raise UserError(f"standard input has no {name}", f"python -m tools secret {name} < FILE, or on a terminal")
    return value
