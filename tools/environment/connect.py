"""An environment and the clients that reach it. Asks AWS for the settings and the account, and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.clients import ssm
from tools.clients.aws import check_account
from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_variables import PrefectVariables
from tools.environment.kept import Kept
from tools.repository import KEPT
from tools.settings import LOCAL, Settings, load


@dataclass(frozen=True)
class Environment:
    """An environment and the clients that reach it."""

    settings: Settings
    ecs: Ecs
    ecr: Ecr
    prefect: PrefectApi
    variables: PrefectVariables
    kept: Kept = field(default_factory=Kept)
    """What was read of its releases before, on this machine."""


def connect(name: str, process_env: Mapping[str, str], dotenv: Path) -> Environment:
    """The clients of an environment. Local is asked nothing yet, AWS for the settings and the account.

    Args:
        name: the environment's.
        process_env: the variables of this process.
        dotenv: the repository's `.env` file; it may be missing.

    Raises:
        UserError: a setting is missing or wrong, or the credentials belong to another account.
        RemoteError: AWS did not answer.
    """
    settings = load(name, process_env, dotenv, ssm.tree)
    if settings.account and name != LOCAL:
        check_account(settings.aws, settings.account)
    return clients(settings, dotenv)


def clients(settings: Settings, dotenv: Path) -> Environment:
    """The clients of an environment, which is asked nothing yet.

    Args:
        settings: the environment's.
        dotenv: see `connect`.
    """
    name = settings.environment
    prefect = (
        settings.prefect_api_url,
        settings.prefect_credential,
        "start the local cloud: make up" if name == LOCAL else "",
    )
    return Environment(
        settings,
        Ecs(settings.aws),
        Ecr(settings.aws, settings.registry),
        PrefectApi(*prefect),
        PrefectVariables(*prefect),
        Kept(dotenv.parent / KEPT / f"{name}.json"),
    )
