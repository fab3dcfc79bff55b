"""Which environment a git branch deploys to: a parameter below /DataFlows/branches, in the account of the credentials.

Takes what this machine says of AWS and git. Only `put` and `remove` write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.clients import ssm
from tools.clients.aws import has_credentials
from tools.environment.provenance import branch
from tools.errors import RemoteError, ToolsError, UserError
from tools.model import names
from tools.settings import LOCAL, Connection, account_connection, environment_name

_LONGEST, _MOST_LEVELS = 1011, 15
"""Characters and levels that the Parameter Store allows a name."""


@dataclass(frozen=True)
class Followed:
    """A branch, and the environment that its entry names."""

    branch: str
    environment: str


def followed(root: Path, process_env: Mapping[str, str], dotenv: Path) -> Followed | None:
    """The environment that the branch deploys to; None where it has no entry.

    AWS is asked only where a region is set and there are credentials: on a machine that knows no account nothing is
    asked. A pull request is on nobody's branch but its author's, whatever that is called.

    Args:
        root: the repository.
        process_env: the variables of this process.
        dotenv: the `.env` file; it may be missing.

    Raises:
        UserError: the entry names no environment, or what this machine says of AWS is of no use.
        RemoteError: AWS refused or did not answer.
    """
    try:
        aws = None if process_env.get("GITHUB_HEAD_REF") else account_connection(process_env, dotenv)
        name = branch(root) if aws else ""
        if aws is None or not name or list(problems(name)) or not has_credentials(aws):
            return None
        found = ssm.value(aws, names.branch(name))
    except ToolsError as error:
        kind = UserError if isinstance(error, UserError) else RemoteError
        hint = f"{error.hint}; or choose one yourself: ENVIRONMENT=Local, or another".removeprefix("; or ")
        raise kind(f"it is not known which environment this branch deploys to: {error.message}", hint) from error
    return Followed(name, _environment(name, found)) if found is not None else None


def _environment(name: str, found: str) -> str:
    try:
        return environment_name(found)
    except UserError as error:
        raise UserError(
            f"{names.branch(name)}: {error.message}",
            f"python -m tools branch set {name} ENVIRONMENT; or choose one yourself: ENVIRONMENT=Local, or another",
        ) from error


def entries(aws: Connection) -> dict[str, str]:
    """The environment of each branch that has one."""
    return ssm.deep_tree(aws, names.BRANCHES)


def put(aws: Connection, name: str, environment: str) -> None:
    """Says which environment a branch deploys to.

    Raises:
        UserError: no parameter can have the branch's name, or there is no such environment in the account.
    """
    _check(name)
    environment_name(environment)
    if environment == LOCAL:
        raise UserError("a branch without an entry deploys to Local", f"python -m tools branch unset {name}")
    url = f"{names.parameters(environment)}/PREFECT_API_URL"
    if ssm.missing(aws, [url]):
        raise UserError(
            f"there is no environment {environment} in {aws.region} of this account: it has no parameter {url}",
            f"make it first: make bootstrap ENVIRONMENT={environment}; or use the credentials and AWS_REGION of its "
            "account",
        )
    ssm.put(aws, names.branch(name), environment)


def remove(aws: Connection, name: str) -> None:
    """Says no more which environment a branch deploys to.

    Raises:
        UserError: no parameter can have the branch's name.
    """
    _check(name)
    ssm.remove(aws, names.branch(name))


def _check(name: str) -> None:
    found = list(problems(name))
    if found:
        raise UserError("\n".join(found), "name the environment on the command line: ENVIRONMENT=…")


def problems(name: str) -> Iterator[str]:
    """Why no parameter can stand for a branch."""
    shown = f"the branch {name[:80]!r} can have no entry"
    if not re.fullmatch(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", name):
        yield (
            f"{shown}: the Parameter Store takes letters and digits of ASCII and _ . - /, "
            "the last not at either end and not twice in a row"
        )
        return
    parameter = names.branch(name)
    for found, most, what in (
        (len(parameter), _LONGEST, "characters"),
        (parameter.count("/"), _MOST_LEVELS, "levels"),
    ):
        if found > most:
            yield f"{shown}: with {names.BRANCHES}/ it has {found} {what}; the Parameter Store allows {most}"
