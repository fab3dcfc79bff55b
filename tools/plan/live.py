"""PURE: a service's deployments as they are -> which release is live, and what somebody made by hand."""

from __future__ import annotations

from collections.abc import Mapping

from tools.model.names import mark
from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment
from tools.model.release import AnyRelease, Release


def points_at(deployment: PrefectDeployment) -> str:
    """The ARN of the release that a deployment points at; empty where it points at none."""
    return str(deployment.job_variables.get("task_definition_arn") or "")


def live_releases(observed: Observed) -> list[Release]:
    """The releases that deployments point at which they declare, as far as they can be read.

    Somebody may have made a deployment that points at an old one: by that no release is live.
    """
    pointed_at = ((item.name, observed.releases.get(points_at(item))) for item in observed.deployments)
    return [release for name, release in pointed_at if release and release.declares(name)]


def points_at_unread(live: PrefectDeployment, observed: Observed) -> bool:
    """Whether a deployment points at a release that cannot be read: nobody knows what it was declared to be."""
    return points_at(live) in observed.unread


def made_by_hand(live: PrefectDeployment, environment: str, releases: Mapping[str, Release]) -> bool:
    """Whether somebody else made a deployment.

    It lacks the environment's mark, or the release that it points at does not declare it: `Duplicate` in Prefect's UI
    copies the mark too.

    Args:
        live: the deployment.
        environment: the environment's name.
        releases: by ARN, those that are known.
    """
    release = releases.get(points_at(live))
    return mark(environment) not in live.tags or (release is not None and not release.declares(live.name))


def live_release(observed: Observed) -> AnyRelease | None:
    """The newest release that is live, read or not; where none is, the newest that somebody's deployment points at."""
    pointed_at = {points_at(item) for item in observed.deployments}
    by_anybody = [release for release in observed.all_releases if release.arn in pointed_at]
    ours = {release.arn for release in live_releases(observed)} | set(observed.unread)
    return next((release for release in by_anybody if release.arn in ours), next(iter(by_anybody), None))
