"""The stages in their order, for the verbs that change an environment. Prints nothing.

settings -> discover + fingerprint -> desired -> observe -> plan -> apply
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import fingerprint
from tools.actions import OnDrift, Plan, Result, Stage
from tools.apply import Clients, apply
from tools.clients import ssm
from tools.clients.aws import check_account
from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.images import Images, Step
from tools.clients.prefect_api import PrefectApi
from tools.desired import desire
from tools.discover import services
from tools.observe import observe, observe_images
from tools.plan import plan
from tools.provenance import provenance
from tools.settings import LOCAL, Settings, load


@dataclass(frozen=True)
class Environment:
    """An environment and the clients that reach it."""

    settings: Settings
    ecs: Ecs
    ecr: Ecr
    prefect: PrefectApi


def connect(name: str, process_env: Mapping[str, str], dotenv: Path) -> Environment:
    """The clients of an environment. Local is asked nothing yet, AWS for the settings and the account.

    Args:
        name: the environment's.
        process_env: the variables of this process.
        dotenv: the `.env` file; it may be missing.

    Raises:
        UserError: a setting is missing or wrong, or the credentials belong to another account.
        RemoteError: AWS did not answer.
    """
    settings = load(name, process_env, dotenv, ssm.tree)
    if settings.account and name != LOCAL:
        check_account(settings.aws, settings.account)
    hint = "start the local cloud: make up" if name == LOCAL else ""
    return Environment(
        settings,
        Ecs(settings.aws),
        Ecr(settings.aws, settings.registry),
        PrefectApi(settings.prefect_api_url, settings.prefect_api_key, hint),
    )


def make_plan(
    root: Path, names: Sequence[str], environment: Environment, stages: Sequence[Stage], on_drift: OnDrift
) -> Plan:
    """What must be done to bring an environment to what the repository declares.

    Args:
        root: the repository.
        names: services; all where empty.
        environment: where.
        stages: which stages of a deploy.
        on_drift: what to do with what was changed by hand.
    """
    found = services(root, names)
    prints = fingerprint.of_services(root, found)
    settings = environment.settings
    desired = [desire(service, prints[service.name], settings) for service in found]
    if "register" in stages:
        ecs, ecr, prefect = environment.ecs, environment.ecr, environment.prefect
        state = observe(desired, ecs, ecr, prefect, lambda paths: ssm.missing(settings.aws, paths))
    else:
        state = observe_images(desired, environment.ecr)
    return plan(settings.environment, desired, state, stages, on_drift)


def carry_out(root: Path, planned: Plan, environment: Environment, step: Step) -> list[Result]:
    """Applies a plan.

    Args:
        root: the repository.
        planned: what to do.
        environment: where.
        step: told (service, what is being done).
    """
    clients = Clients(Images(), environment.ecr, environment.ecs, environment.prefect)
    return apply(planned, root, clients, lambda: provenance(root), step)
