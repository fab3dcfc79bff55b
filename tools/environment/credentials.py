"""What the Prefect API of an environment wants to be shown: whether it is stored, which it wants, storing it.

No value is given anywhere but to the API and the Parameter Store.
"""

from __future__ import annotations

import re
from typing import Literal

from tools.clients import ssm
from tools.clients.prefect_http import REFUSED, Http
from tools.errors import RemoteError, ToolsError, UserError
from tools.model import names
from tools.model.credential import AUTH_STRING, CREDENTIALS, FORMS, KEY, WORDS, Credential, CredentialName
from tools.settings import Connection

PREFECT_CLOUD = "https://api.prefect.cloud/"
_ASKED = "/work_pools/filter"
"""Read by whoever may use the API at all; /health and /ready answer everybody."""

_AGAIN = "nothing was stored; run this again"


def path(environment: str, name: CredentialName) -> str:
    """Where it is stored."""
    return f"{names.parameters(environment)}/{name}"


def stored(aws: Connection, environment: str) -> CredentialName | None:
    """Which of them the environment has.

    Raises:
        UserError: both.
    """
    paths = {path(environment, name): name for name in CREDENTIALS}
    absent = set(ssm.missing(aws, paths))
    found = [name for where, name in paths.items() if where not in absent]
    if len(found) > 1:
        raise UserError(
            f"{' and '.join(paths)} are both there; a Prefect API wants one of them",
            "delete the other one: aws ssm delete-parameter --name …",
        )
    return found[0] if found else None


def wanted(url: str) -> CredentialName | Literal["nothing", "unknown"]:
    """Which of them an API wants, as far as it can be told from here."""
    if url.startswith(PREFECT_CLOUD):
        return KEY
    try:
        return AUTH_STRING if _answer(url, None) in REFUSED else "nothing"
    except ToolsError:
        return "unknown"


def store(aws: Connection, environment: str, url: str, credential: Credential) -> bool:
    """Stores it, over an earlier one of its kind; gives whether the API took it: false where it cannot be asked.

    Args:
        aws: the environment's account.
        environment: its name.
        url: of the API; empty where none is known yet.
        credential: what to store.

    Raises:
        UserError: it is malformed, or the API refuses it, or the environment has one of the other kind. Nothing is
            stored then.
        RemoteError: the Parameter Store refused or did not answer.
    """
    pattern, words = FORMS[credential.name]
    if not re.fullmatch(pattern, credential.value):
        raise UserError(
            f"{credential.name} is of another form; it must be {words}", "nothing was stored; run this again"
        )
    other = stored(aws, environment)
    if other not in (None, credential.name):
        raise UserError(
            f"{path(environment, other)} is there already; a Prefect API wants one of them",
            f"delete it first: aws ssm delete-parameter --name {path(environment, other)}",
        )
    taken = _taken(url, credential)
    ssm.put(aws, path(environment, credential.name), credential.value, secret=True)
    return taken


def _taken(url: str, credential: Credential) -> bool:
    if not url:
        return False
    try:
        refused = _answer(url, credential) in REFUSED
    except RemoteError:
        return False
    if refused:
        raise UserError(f"{url} refuses this {WORDS[credential.name]}", _AGAIN)
    return True


def _answer(url: str, credential: Credential | None) -> int:
    return Http(url, credential).answer("POST", _ASKED, {"limit": 1}, repeatable=False, expected=REFUSED).status
