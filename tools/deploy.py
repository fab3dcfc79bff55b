"""The stages in their order, for the verbs that change an environment. Prints nothing.

settings -> discover + fingerprint -> desired -> observe -> plan -> apply
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.apply import Clients, apply, unguarded
from tools.clients import ssm
from tools.clients.aws import check_account
from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.engine import Engine
from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_variables import PrefectVariables
from tools.desired import fingerprint
from tools.desired.discover import check_name, services
from tools.desired.draft import Desired, desire
from tools.environment_lock import TIME_TO_LIVE, EnvironmentLock, Tell
from tools.errors import UserError
from tools.model.images import Step
from tools.model.names import FAMILIES, REPOSITORIES, family
from tools.model.observed import Observed, State
from tools.observe import look_closer, observe, observe_images
from tools.plan.actions import OnDrift, Plan, Stage
from tools.plan.deploy import plan
from tools.plan.prune import Leftovers, leftovers
from tools.plan.results import Result
from tools.plan.rollback import chosen, rollback
from tools.provenance import provenance
from tools.settings import LOCAL, Settings, load


@dataclass(frozen=True)
class Environment:
    """An environment and the clients that reach it."""

    settings: Settings
    ecs: Ecs
    ecr: Ecr
    prefect: PrefectApi
    variables: PrefectVariables


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
    prefect = (
        settings.prefect_api_url,
        settings.prefect_api_key,
        "start the local cloud: make up" if name == LOCAL else "",
    )
    return Environment(
        settings,
        Ecs(settings.aws),
        Ecr(settings.aws, settings.registry),
        PrefectApi(*prefect),
        PrefectVariables(*prefect),
    )


@contextmanager
def locked(
    environment: Environment, what: str, *, wait: bool, tell: Tell, time_to_live: float = TIME_TO_LIVE
) -> Iterator[Callable[[], None]]:
    """Holds an environment's lock, and lets nothing be written to its Prefect API once the lock may have expired.

    Args:
        environment: whose.
        what: the verb, for those who meet the lock.
        wait: whether to wait for another holder.
        tell: told whom it waits for.
        time_to_live: seconds without a renewal after which others may take it.

    Yields:
        What to call right before each write: it raises where the lock is no longer held.

    Raises:
        RemoteError: another one holds it, and `wait` is not wanted.
    """
    name = environment.settings.environment
    with EnvironmentLock(environment.variables, name, what, wait=wait, tell=tell, time_to_live=time_to_live) as lock:
        environment.prefect.fence = lock.fence
        yield lock.check


@contextmanager
def under_lock(
    make: Callable[[], Plan],
    environment: Environment,
    what: str,
    *,
    wait: bool,
    tell: Tell,
    time_to_live: float = TIME_TO_LIVE,
) -> Iterator[tuple[Plan, Callable[[], None]]]:
    """A plan to carry out and its guard: made under the environment's lock, where it changes what runs there.

    A plan that writes nothing of that kind takes no lock. One that does is made again under the lock: what it was made
    from may have changed before.

    Args:
        make: observes and plans.
        environment: where.
        what: see `locked`.
        wait: see `locked`.
        tell: see `locked`.
        time_to_live: see `locked`.
    """
    first = make()
    if not first.commits:
        yield first, unguarded
        return
    with locked(environment, what, wait=wait, tell=tell, time_to_live=time_to_live) as guard:
        yield make(), guard


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
    desired = declared(root, names, environment)
    if "register" not in stages:
        state = observe_images(desired, environment.ecr)
        return plan(environment.settings.environment, desired, state, stages, on_drift)
    return compare(desired, environment, stages, on_drift)[0]


def compare(
    desired: Sequence[Desired], environment: Environment, stages: Sequence[Stage], on_drift: OnDrift
) -> tuple[Plan, State]:
    """The plan for what is desired, and what it was made from. Where it finds drift, it looks closer.

    Args:
        desired: what the repository declares.
        environment: where.
        stages: see `make_plan`.
        on_drift: see `make_plan`.
    """
    name, state = environment.settings.environment, look(desired, environment)
    first = plan(name, desired, state, stages, on_drift)
    drifting = [item.name for item in first.services if item.drift]
    if not drifting:
        return first, state
    state = look_closer(state, drifting, environment.ecs)
    return plan(name, desired, state, stages, on_drift), state


def declared(root: Path, names: Sequence[str], environment: Environment) -> list[Desired]:
    """What the repository declares for some services, or for all where no name is given."""
    found = services(root, names)
    prints = fingerprint.of_services(root, found)
    return [desire(service, prints[service.name], environment.settings) for service in found]


def look(desired: Sequence[Desired], environment: Environment) -> State:
    """What an environment holds of the desired services."""
    aws = environment.settings.aws
    return observe(
        desired, environment.ecs, environment.ecr, environment.prefect, lambda paths: ssm.missing(aws, paths)
    )


def look_back(name: str, environment: Environment) -> Observed:
    """Every release of a service and its deployments; the repository is not asked.

    Raises:
        UserError: the name is none.
    """
    check_name(name)
    releases = environment.ecs.releases(family(environment.settings.environment, name))
    return Observed(
        newest=releases[0] if releases else None,
        releases={release.arn: release for release in releases},
        deployments=tuple(environment.prefect.deployments([name])),
    )


def plan_rollback(name: str, to: str, environment: Environment, on_drift: OnDrift) -> Plan:
    """What must be done to bring a service back to a release; neither git, Docker nor the repository is asked.

    Args:
        name: the service's.
        to: the release; the one before the live one where empty.
        environment: where.
        on_drift: what to do with what was changed by hand.

    Raises:
        UserError: there is no such release, or its image or a secret of it is gone.
    """
    settings = environment.settings
    observed = look_back(name, environment)
    target = chosen(name, settings.environment, to, observed)
    missing = [f"the secret's parameter {path}" for path in ssm.missing(settings.aws, target.secret_paths.values())]
    if not environment.ecr.holds(target.repository, target.image.rpartition("@")[2]):
        missing.append(f"its image {target.image}")
    if missing:
        raise UserError(
            f"{name} cannot go back to release {target.revision}: {' and '.join(missing)} no longer exists",
            f"python -m tools history {name} lists the others; nothing was written",
        )
    return rollback(target, observed, settings.work_pool, on_drift)


def find_leftovers(root: Path, environment: Environment) -> Leftovers:
    """What of an environment nothing needs any more.

    Args:
        root: the repository, which declares what is needed.
        environment: where.
    """
    ecs, ecr = environment.ecs, environment.ecr
    names = {item.name: [one.name for one in item.declaration.deployments] for item in services(root)}
    if not names:
        raise UserError(
            f"there is no service under {root}/services: all of {environment.settings.environment} would be undeclared",
            "prune from a whole checkout of the branch that is deployed there; nothing was deleted",
        )
    families = ecs.families(FAMILIES)
    revisions = [revision for family in families for revision in ecs.revisions(family)]
    repositories = ecr.list_repositories(REPOSITORIES)
    images = [image for repository in repositories for image in ecr.images(repository)]
    deployments = environment.prefect.every_deployment()
    return leftovers(environment.settings.environment, names, deployments, revisions, images, datetime.now(UTC))


def remove(found: Leftovers, environment: Environment, step: Step, guard: Callable[[], None]) -> None:
    """Deletes leftovers: deployments, then releases, then images, so that nothing ever lacks what it needs.

    Args:
        found: what.
        environment: where.
        step: told (what, how it is called).
        guard: raises where the environment's lock is no longer held.
    """
    for deployment in found.deployments:
        step("deployment", deployment.full_name)
        guard()
        environment.prefect.remove(deployment.id)
    for release in found.releases:
        step("release", f"{release.family}:{release.revision}")
        guard()
        environment.ecs.deregister(release.arn)
    for image in found.images:
        step("image", f"{image.repository}:{','.join(image.tags)}")
        guard()
        environment.ecr.remove(image)


def carry_out(
    root: Path, planned: Plan, environment: Environment, step: Step, guard: Callable[[], None] = unguarded
) -> list[Result]:
    """Applies a plan.

    Args:
        root: the repository.
        planned: what to do.
        environment: where.
        step: told (service, what is being done).
        guard: see `under_lock`.
    """
    clients = Clients(Engine(), environment.ecr, environment.ecs, environment.prefect)
    return apply(planned, root, clients, lambda: provenance(root), step, guard)
