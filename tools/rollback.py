"""PURE: a service's releases and deployments as they are + which release to go back to -> Plan.

Nothing is built, pushed or released: a release of long ago says itself what its deployments were, and its deployments
are pointed at it. Deployments that it does not declare, and that a later release made, are deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.actions import Delete, OnDrift, Plan, ServicePlan
from tools.desired import mark
from tools.errors import UserError
from tools.model import Registration, Release
from tools.observe import Observed
from tools.plan import refusals
from tools.registration import points_at, registration_actions


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
    releases = newest_first(observed.releases.values())
    if not releases:
        raise never_deployed(name, environment)
    live = live_release(observed)
    there = f"there are: {', '.join(str(release.revision) for release in releases)}"
    see = f"python -m tools history {name} --environment {environment}"
    if to:
        number = re.fullmatch(r"(?:.*:)?(\d{1,9})", to)
        found = [release for release in releases if number and release.revision == int(number[1])]
        if not found or to not in (str(found[0].revision), f"{found[0].family}:{found[0].revision}", found[0].arn):
            raise UserError(f"{name} has no release {to!r} in {environment}; {there}", see)
        return found[0]
    if live is None:
        raise UserError(f"no deployment of {name} in {environment} points at a release; {there}", f"{see}; then TO=…")
    before = [release for release in releases if (release.revision or 0) < (live.revision or 0)]
    if not before:
        raise UserError(f"{name} has no release before {live.revision} in {environment}; {there}", see)
    return before[0]


def never_deployed(name: str, environment: str) -> UserError:
    """The error for a service without a release."""
    return UserError(
        f"{name} has no release in {environment}: it was never deployed there",
        f"make deploy-flow NAME={name} ENVIRONMENT={environment}",
    )


def newest_first(releases: Iterable[Release]) -> list[Release]:
    """Releases in order of their numbers, the highest first."""
    return sorted(releases, key=lambda release: release.revision or 0, reverse=True)


def live_release(observed: Observed) -> Release | None:
    """The newest release that a deployment points at."""
    live = [observed.releases.get(points_at(item)) for item in observed.deployments]
    return max(filter(None, live), key=lambda release: release.revision or 0, default=None)


def rollback(target: Release, observed: Observed, work_pool: str, on_drift: OnDrift) -> Plan:
    """What must be done to bring a service back to a release.

    Args:
        target: the release.
        observed: every release of the service and its deployments.
        work_pool: the environment's.
        on_drift: what to do with what was changed by hand.
    """
    actions, drift = registration_actions(target, work_pool, observed, schema_known=True, keep=on_drift == "keep")
    declared = {deployment.name for deployment in target.deployments}
    later = [item for item in observed.deployments if item.name not in declared and _ours(item, target)]
    why = (f"release {target.revision} does not declare it",)
    item = ServicePlan(
        work_pool=work_pool,
        release=target,
        reused=True,
        actions=(*actions, *(Delete(live.full_name, why, live) for live in later)),
        drift=drift,
        keep=on_drift == "keep",
        refused=refusals(drift, on_drift),
    )
    return Plan(target.environment, (item,))


def _ours(live: Registration, target: Release) -> bool:
    return mark(target.environment) in live.tags
