"""What must be known before an environment is made: its account, and what its templates depend on. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tools.clients import ssm
from tools.clients.aws import Caller, caller, check_account
from tools.clients.cloudformation import CloudFormation
from tools.clients.ecr import Ecr
from tools.clients.foundations import Foundations
from tools.desired import permissions
from tools.desired.discover import discover, services
from tools.environment.credentials import stored
from tools.environment.ground import ASKED, NO_WORKER, Ground, found, ground, missing, network_problems
from tools.environment.worker_image import own_image
from tools.errors import UserError
from tools.model import names
from tools.model.service import Service
from tools.settings import LOCAL, Connection, connection, environment_name, given_values, local_settings
from tools.stacks.inputs import Inputs, Place, Repository, ServiceRoles

#: Asks for a value: its name, what it is.
Ask = Callable[[str, str], str]


@dataclass(frozen=True)
class Account:
    """The AWS account that an environment is made in, and the clients that reach it."""

    environment: str
    aws: Connection
    caller: Caller
    stored: Mapping[str, str]
    """The environment's parameters."""
    stacks: CloudFormation
    foundations: Foundations
    own_registry: str | None = None
    """Host of the registry where it is not ECR's own: an emulator's."""

    @property
    def ecr(self) -> Ecr:
        """Its images."""
        return Ecr(self.aws, self.own_registry)

    @property
    def registry(self) -> str:
        """Host of its registry."""
        return self.own_registry or self.place.registry

    @property
    def place(self) -> Place:
        """Where the environment lies."""
        return Place(self.environment, self.caller.partition, self.aws.region, self.caller.account)


def reach(environment: str, process_env: Mapping[str, str], dotenv: Path) -> Account:
    """The account that an environment is made in.

    Raises:
        UserError: the credentials are missing or those of another account.
        RemoteError: AWS, or the local cloud, does not answer.
    """
    environment_name(environment)
    if environment == LOCAL:
        local = local_settings(given_values(LOCAL, process_env, dotenv))
        clients = CloudFormation(local.aws), Foundations(local.aws)
        return Account(LOCAL, local.aws, caller(local.aws), {}, *clients, local.registry)
    given = given_values(environment, process_env, dotenv)
    aws = connection(environment, given)
    who = caller(aws)
    kept = ssm.tree(aws, names.parameters(environment))
    expected = given.get("AWS_ACCOUNT_ID") or kept.get("AWS_ACCOUNT_ID")
    if expected:
        check_account(aws, expected)
    registry = given.get("REGISTRY") or kept.get("REGISTRY")
    return Account(environment, aws, who, kept, CloudFormation(aws), Foundations(aws), registry)


def again(account: Account) -> Account:
    """The same with the environment's parameters as they are now: a secret may have been stored."""
    kept = {} if account.environment == LOCAL else ssm.tree(account.aws, names.parameters(account.environment))
    return replace(account, stored=kept)


def gather(root: Path, account: Account, said: Mapping[str, str], given: Mapping[str, str], ask: Ask | None) -> Inputs:
    """All that the environment's templates depend on.

    Args:
        root: the repository.
        account: where.
        said: on the command line.
        given: by the process environment and `.env`.
        ask: asks for what is missing; None where nobody can be asked.

    Raises:
        UserError: something is missing or wrong.
    """
    if account.environment != LOCAL:
        _check_neighbours(account)
    return gather_again(root, account, said, given, ask)


def gather_again(
    root: Path, account: Account, said: Mapping[str, str], given: Mapping[str, str], ask: Ask | None = None
) -> Inputs:
    """The same for an environment that stands: its name is not asked about any more."""
    if account.environment == LOCAL:
        # Whatever is broken in a service keeps no local cloud from starting: a deploy tells it.
        return _local_inputs(account, said, given, _roles(discover(root)[0], LOCAL))
    declared = services(root)
    permissions.check(declared)
    values = found(account.environment, said, given, account.stored)
    if ask:
        answers = {name: ask(name, ASKED[name]) for name in missing(values)}
        values = found(account.environment, {**said, **answers}, given, account.stored)
    stands_on = ground(account.environment, values)
    zones = account.foundations.zones(stands_on.vpc, stands_on.subnets)
    problems = list(network_problems(stands_on, account.aws.region, zones))
    if problems:
        raise UserError("\n".join(problems), "give another VPC or other subnets: --vpc, --subnets")
    return Inputs(
        place=account.place,
        vpc=stands_on.vpc,
        subnets=stands_on.subnets,
        prefect_api_url=stands_on.prefect_api_url,
        work_pool=stands_on.work_pool,
        services=_roles(declared, account.environment),
        credential=stored(account.aws, account.environment),
        worker_image=_worker_image(root, account, stands_on),
        worker_image_told=stands_on.worker_image,
        alarm_topic=stands_on.alarm_topic,
        repository=Repository(*stands_on.repository) if stands_on.repository else None,
    )


def _roles(declared: Sequence[Service], environment: str) -> tuple[ServiceRoles, ...]:
    runs = [(service.name, service.ecs_run(environment)) for service in declared]
    return tuple(ServiceRoles(name, run.task_role, run.execution_role, run.permissions) for name, run in runs)


def _local_inputs(
    account: Account, said: Mapping[str, str], given: Mapping[str, str], roles: tuple[ServiceRoles, ...]
) -> Inputs:
    """What the environment Local depends on: the local cloud alone, so that nothing leads elsewhere."""
    if said:
        flags = ", ".join(f"--{name.lower().replace('_', '-')}" for name in said)
        raise UserError(f"Local takes no {flags}", "it stands on the local cloud alone; ENVIRONMENT=Dev takes them")
    vpc, subnets = account.foundations.default_network()
    settings = local_settings(given)
    return Inputs(
        place=account.place,
        vpc=vpc,
        subnets=subnets,
        prefect_api_url=settings.prefect_api_url,
        work_pool=settings.work_pool,
        services=roles,
        emulated=True,
    )


def _check_neighbours(account: Account) -> None:
    """Refuses a name that differs from another environment's by capitals alone.

    A bucket's name has none, and IAM takes two roles for one that differ by no more.
    """
    environment = account.environment
    stands = {name: f"the parameter {name}" for name in ssm.names_below(account.aws, names.PARAMETERS)}
    stands |= {name: f"the stack {name}" for name in account.stacks.names()}
    for name, what in sorted(stands.items()):
        other = names.environment_of(name)
        if other != environment and other.lower() == environment.lower():
            raise UserError(
                f"the environment {environment} would share names with {other}, of which there is {what}",
                f"ENVIRONMENT={other}, or choose another name",
            )


def _worker_image(root: Path, account: Account, stands_on: Ground) -> str | None:
    """What the worker runs."""
    if stands_on.worker_image is None:
        return own_image(root, account.ecr, account.registry)
    return None if stands_on.worker_image == NO_WORKER else stands_on.worker_image
