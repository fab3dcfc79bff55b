"""A prune: finds what nothing needs any more, and deletes it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from tools.desired.discover import services
from tools.environment.connect import Environment
from tools.errors import UserError
from tools.model.images import OnProgress
from tools.model.names import FAMILIES, REPOSITORIES, mark
from tools.model.observed import Observed, State
from tools.model.prefect import PrefectDeployment
from tools.plan.live import made_by_hand, points_at, points_at_unread
from tools.plan.prune import Leftovers, leftovers


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


def remove(found: Leftovers, environment: Environment, step: OnProgress, guard: Callable[[], None]) -> None:
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


def strays(environment: Environment, flows: Collection[str], state: State) -> list[PrefectDeployment]:
    """The deployments that were deployed to an environment, of flows that the repository no longer declares.

    Args:
        environment: where.
        flows: those that it declares.
        state: what the environment holds of them: where it has no more deployments than these, none is read again.
    """
    name = environment.settings.environment
    theirs = [live for observed in state.values() for live in observed.deployments if mark(name) in live.tags]
    if environment.prefect.count(mark(name)) == len(theirs):
        return []
    marked = [item for item in environment.prefect.tagged(mark(name)) if item.flow not in flows]
    found = [
        release
        for arn in sorted({points_at(item) for item in marked} - {""})
        if (release := environment.ecs.release(arn))
    ]
    known = Observed.of(found, marked)
    return [item for item in marked if not (made_by_hand(item, name, known.releases) or points_at_unread(item, known))]
