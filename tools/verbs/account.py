"""The verbs that keep what an account's Parameter Store says: branch list, set and unset; secret."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from typing import assert_never

from tools.arguments import ListBranches, Parameters, SetBranch, StoreSecret, UnsetBranch
from tools.clients import ssm
from tools.desired.discover import services
from tools.environment import flow_secrets
from tools.environment.bootstrap import reach
from tools.environment.branches import entries, put, remove
from tools.environment.credentials import path, store
from tools.errors import RemoteError, UserError
from tools.model.credential import CREDENTIALS, WORDS, Credential, CredentialName
from tools.repository import DOTENV, ROOT
from tools.settings import (
    LOCAL,
    Connection,
    account_connection,
    environment_name,
    given_values,
    local_settings,
)
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
    """Stores a secret: typed without echo, or from a file or pipe."""
    if arguments.flow is not None:
        _store_flows(arguments.name, arguments.flow, arguments.environment)
        return
    name = next((known for known in CREDENTIALS if known == arguments.name), None)
    if name is None:
        raise UserError(
            f"{arguments.name} is nothing that a Prefect API wants; that is {' or '.join(CREDENTIALS)}",
            f"of a flow it is: python -m tools secret {arguments.name} --flow NAME, or make set-secret",
        )
    account = reach(arguments.environment, os.environ, DOTENV)
    given = given_values(arguments.environment, os.environ, DOTENV)
    url = given.get("PREFECT_API_URL") or account.stored.get("PREFECT_API_URL", "")
    taken = store(account.aws, arguments.environment, url, Credential(name, _given(name, what_it_is(name))))
    tell(f"{path(arguments.environment, name)} is stored. What runs already takes it at its next start.")
    if not taken:
        tell("It was not tried: the Prefect API " + ("cannot be asked from here." if url else "is not known yet."))


def _store_flows(name: str, flow: str, environment: str) -> None:
    """Stores what a flow's service.toml declares as a secret: in Local for runs on this machine, too."""
    environment_name(environment)
    (service,) = services(ROOT, [flow])
    where = flow_secrets.parameter(service, environment, name)
    aws = None if environment == LOCAL else reach(environment, os.environ, DOTENV).aws
    value = _given(name, f"a secret of {flow}")
    flow_secrets.check(name, value)
    if aws:
        ssm.put(aws, where, value, secret=True)
        tell(f"{where} is stored. Tasks take it when they start.")
        return
    flow_secrets.store_in_dotenv(DOTENV, name, value)
    tell(f"{name} is stored in .env, for run-flow and docker compose run.")
    try:
        ssm.put(local_settings(given_values(LOCAL, os.environ, DOTENV)).aws, where, value, secret=True)
        tell(f"{where} is stored in the local cloud. Tasks take it when they start.")
    except RemoteError as error:
        tell(f"The local cloud has not got it: {error.message}. Run this again where tasks in it need it.")


def what_it_is(name: CredentialName) -> str:
    """What the Prefect API wants to be shown, as it is asked for."""
    return f"the Prefect API's {WORDS[name]}"


def _given(name: str, what: str) -> str:
    return typed(name, what) if sys.stdin.isatty() else _read(name)


def typed(name: str, what: str) -> str:
    """What somebody types at the terminal, who does not see it there.

    Raises:
        UserError: nothing.
    """
    try:
        value = getpass(f"{name}, {what} (not shown): ")
    except EOFError:
        value = ""
    if not value:
        raise UserError(f"{name} was not given", "run this again")
    return value


def _read(name: str) -> str:
    """What standard input says, without its last line break."""
    try:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UserError(f"{name} is no text in what was read from standard input") from None
    if not value:
        raise UserError(f"standard input has no {name}", f"python -m tools secret {name} < FILE, or on a terminal")
    return value
