"""A deploy's stages in their order: discover + fingerprint -> desired -> observe -> plan -> apply. Prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tools.clients import ssm
from tools.clients.engine import Engine
from tools.desired import fingerprint
from tools.desired.discover import Broken, discover
from tools.desired.draft import Desired, desire
from tools.environment.apply import Clients, apply, unguarded
from tools.environment.connect import Environment
from tools.environment.observe import LOOKS, look_closer, observe_images, observe_some
from tools.environment.provenance import provenance
from tools.environment.roles import look_at_roles, run_template
from tools.model.images import OnProgress
from tools.model.observed import Observed, State, Unseen
from tools.plan.actions import MakeRelease, OnDrift, Plan, Stage
from tools.plan.deploy import plan
from tools.plan.results import Result


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
    desired, broken = declared(root, names, environment)
    if "register" in stages:
        planned, _ = compare(desired, environment, stages, on_drift, every=bool(names))
    else:
        # A build asks no registry, and the engine only when it comes to it.
        nothing = {item.service.name: Observed() for item in desired}
        state = observe_images(desired, environment.ecr) if "push" in stages else nothing
        planned = plan(environment.settings.environment, desired, state, stages, on_drift)
    return replace(planned, broken=broken)


def compare(
    desired: Sequence[Desired], environment: Environment, stages: Sequence[Stage], on_drift: OnDrift, *, every: bool
) -> tuple[Plan, State]:
    """The plan for what is desired, and what it was made from.

    Where it finds drift, it looks closer; where it would make a release, it looks at the role that this relies on.

    Args:
        desired: what the repository declares.
        environment: where.
        stages: see `make_plan`.
        on_drift: see `make_plan`.
        every: whether each flow is looked at, though it is in step by what was read of it before.
    """
    settings, (state, unseen) = environment.settings, look(desired, environment, every=every)
    planned = plan(settings.environment, desired, state, stages, on_drift)
    drifting = [item.name for item in planned.services if item.drift]
    releasing = {item.name for item in planned.services if item.has(MakeRelease)}
    closer = look_closer(state, drifting, environment.ecs) if drifting else state
    if releasing:
        relying = [item for item in desired if item.service.name in releasing]
        closer = look_at_roles(closer, relying, settings, run_template(settings))
    if closer != state:
        planned = plan(settings.environment, desired, closer, stages, on_drift)
    return replace(planned, unseen=unseen), closer


def declared(root: Path, names: Sequence[str], environment: Environment) -> tuple[list[Desired], tuple[Broken, ...]]:
    """What the repository declares for some services, or for all where no name is given; and what is left out."""
    found, broken = discover(root, names)
    prints, unfit = fingerprint.of_each(root, found)
    desired = [desire(item, prints[item.name], environment.settings) for item in found if item.name in prints]
    return desired, (*broken, *unfit)


def look(desired: Sequence[Desired], environment: Environment, *, every: bool) -> tuple[State, Unseen | None]:
    """What an environment holds of the desired services, and what of it was not looked at now.

    Args:
        desired: what the repository declares; all of it, unless each is looked at.
        environment: where.
        every: see `compare`.
    """
    aws, kept, prefect = environment.settings.aws, environment.kept, environment.prefect
    prefect.flow_names |= kept.flow_names

    def missing(paths: Sequence[str]) -> Sequence[str]:
        return ssm.missing(aws, paths)

    looks = len(desired) if every else LOOKS
    found = observe_some(desired, environment.ecs, environment.ecr, prefect, missing, kept, looks)
    if not every:
        kept.only({item.service.name for item in desired})
    kept.save(prefect.flow_names)
    return found


def carry_out(
    root: Path, planned: Plan, environment: Environment, step: OnProgress, guard: Callable[[], None] = unguarded
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
    results = apply(planned, root, clients, lambda: provenance(root), step, guard)
    keep_written(results, environment)
    return results


def keep_written(results: Sequence[Result], environment: Environment) -> None:
    """Keeps what a plan has just written, so that it need not be read."""
    now, written = datetime.now(UTC), [result for result in results if result.live and not result.error]
    for result in written:
        environment.kept.keep(result.service, result.release, result.live, now)
    if written:
        environment.kept.save(environment.prefect.flow_names)
