"""PURE: a service's releases and deployments as they are + which release to go back to -> Plan.

Nothing is built, pushed or released: a release of long ago says itself what its deployments were, and its deployments
are pointed at it. Deployments that it does not declare and that a later release added are deleted; what an operator
did to one of these would be lost with it, so that is drift. What an earlier release left behind is left to `prune`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tools.errors import UserError
from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment
from tools.model.release import AnyRelease, Release, UnreadRelease
from tools.plan.actions import Delete, Drift, Note, OnDrift, Plan, ServicePlan
from tools.plan.deploy import refusals
from tools.plan.deployments import prefect_deployments
from tools.plan.live import live_release, made_by_hand, points_at, points_at_unread
from tools.plan.notes import left, role, unread, unread_deployment
from tools.plan.registrations import deployment_actions
from tools.plan.schedules import spoken


def chosen(name: str, environment: str, to: str, observed: Observed) -> Release:
    """The release to go back to.

    Args:
        name: the service's.
        environment: the environment's.
        to: a release's number, `family:number` or ARN; empty for the one before the live one.
        observed: every release of the service and its deployments.

    Raises:
        UserError: there is no such release, and which there are.
    """
    releases = observed.all_releases
    if not releases:
        raise never_deployed(name, environment)
    there = f"there are: {', '.join(str(release.revision) for release in releases)}"
    see = f"python -m tools history {name} --environment {environment}"
    if to:
        found = _named(to, releases)
        if found is None:
            raise UserError(f"{name} has no release {to!r} in {environment}; {there}", see)
        return _readable(found, name, see)
    live = live_release(observed)
    if live is None:
        raise UserError(f"no deployment of {name} in {environment} points at a release; {there}", f"{see}; then TO=…")
    before = [release for release in releases if (release.revision or 0) < (live.revision or 0)]
    if not before:
        raise UserError(f"{name} has no release before {live.revision} in {environment}; {there}", see)
    return _readable(before[0], name, see)


def _named(to: str, releases: Iterable[AnyRelease]) -> AnyRelease | None:
    number = re.fullmatch(r"(?:.*:)?(\d{1,9})", to)
    for release in releases:
        if number and release.revision == int(number[1]):
            names = (str(release.revision), f"{release.family}:{release.revision}", release.arn)
            return release if to in names else None
    return None


def _readable(release: AnyRelease, name: str, see: str) -> Release:
    if isinstance(release, UnreadRelease):
        raise UserError(f"{name} cannot go back to {release}", f"{see}; then another one with TO=…")
    return release


def never_deployed(name: str, environment: str) -> UserError:
    """The error for a service without a release."""
    return UserError(
        f"{name} has no release in {environment}: it was never deployed there",
        f"make deploy-flow NAME={name} ENVIRONMENT={environment}",
    )


def rollback(target: Release, observed: Observed, work_pool: str, on_drift: OnDrift) -> Plan:
    """What must be done to bring a service back to a release.

    Args:
        target: the release.
        observed: every release of the service and its deployments.
        work_pool: the environment's.
        on_drift: what to do with what was changed by hand.
    """
    keep = on_drift == "keep"
    actions, drift = deployment_actions(target, work_pool, observed, schema_known=True, keep=keep)
    why = (f"release {target.revision} does not declare it",)
    deletions: list[Delete] = []
    for live in _later(target, observed):
        lost = tuple(_lost(live, observed, work_pool))
        drift += lost
        if not (lost and keep):
            deletions.append(Delete(live.full_name, why, live))
    item = ServicePlan(
        work_pool=work_pool,
        release=target,
        reused=True,
        actions=(*actions, *deletions),
        drift=drift,
        keep=keep,
        refused=refusals(drift, on_drift),
        notes=(*unread(observed), *role(observed), *_staying(target, observed)),
    )
    return Plan(target.environment, (item,))


def _staying(target: Release, observed: Observed) -> Iterator[Note]:
    """On deployments of ours that the target does not declare and a rollback leaves alone."""
    gone = {live.id for live in _later(target, observed)}
    for live in observed.deployments:
        if target.declares(live.name) or live.id in gone:
            continue
        if points_at_unread(live, observed):
            yield unread_deployment(live)
        elif not made_by_hand(live, target.environment, observed.releases):
            yield left(live)


def _later(target: Release, observed: Observed) -> Iterator[PrefectDeployment]:
    """The deployments that a later release added. What an earlier one left, and what cannot be read, stays."""
    later = [item for item in observed.releases.values() if (item.revision or 0) > (target.revision or 0)]
    for live in observed.deployments:
        theirs = made_by_hand(live, target.environment, observed.releases) or points_at_unread(live, observed)
        if not target.declares(live.name) and not theirs and any(item.declares(live.name) for item in later):
            yield live


def _lost(live: PrefectDeployment, observed: Observed, work_pool: str) -> Iterator[Drift]:
    """What an operator did to a deployment, and what would be lost with it."""
    release = observed.releases.get(points_at(live))
    if release is None:
        return
    alone = replace(observed, deployments=(live,))
    _, drift = deployment_actions(release, work_pool, alone, schema_known=True, keep=True)
    yield from drift
    base = prefect_deployments(release, work_pool)[live.name]
    if live.paused:
        yield Drift(live.full_name, "paused", "active")
    declared = {schedule.slug: schedule for schedule in base.schedules}
    known = {schedule.slug for one in observed.releases.values() for schedule in one.schedules_of(live.name)}
    for schedule in live.schedules:
        subject = f"{live.full_name}: schedule {schedule.slug}".rstrip()
        if schedule.slug not in known:
            yield Drift(subject, spoken(schedule), None)
        elif not schedule.active and schedule.slug in declared and declared[schedule.slug].active:
            yield Drift(subject, "paused", "active")
