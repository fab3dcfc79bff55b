"""PURE: a release as it should be live + what is live -> what a deploy leaves as it is, and is good to know.

Pauses, concurrency limits and schedules made by hand are the operator's. Deployments that the release does not declare
are left to `prune`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.plan.actions import Note
from tools.plan.deployments import prefect_deployments
from tools.plan.live import made_by_hand, points_at, points_at_unread
from tools.plan.schedules import spoken


def left(live: PrefectDeployment) -> Note:
    """On a deployment of ours that is no longer declared."""
    return Note(_deployment(live), "no longer declared; until `prune` deletes it, its schedules go on")


def _deployment(live: PrefectDeployment) -> str:
    return f"deployment {live.full_name}"


def notes(release: Release, observed: Observed, work_pool: str) -> Iterator[Note]:
    """Remarks on one service.

    Args:
        release: what should be live.
        observed: what is.
        work_pool: the environment's.
    """
    wanted = prefect_deployments(release, work_pool)
    yield from unread(observed)
    yield from gone(observed)
    yield from _behind(release, observed)
    for live in observed.deployments:
        if live.name in wanted:
            yield from _operators(live, wanted[live.name], observed, work_pool)
        elif points_at_unread(live, observed):
            yield unread_deployment(live)
        elif made_by_hand(live, release.environment, observed.releases):
            yield Note(_deployment(live), "was made by hand, and stays")
        else:
            yield left(live)


def unread(observed: Observed) -> Iterator[Note]:
    """On each release that cannot be read."""
    for item in sorted(observed.unread.values(), key=lambda one: one.revision):
        yield Note(f"release {item.revision}", item.why)


def gone(observed: Observed) -> Iterator[Note]:
    """On each release that runs and whose image is gone."""
    for arn in sorted(observed.gone, key=lambda arn: observed.releases[arn].revision or 0):
        release = observed.releases[arn]
        text = f"the registry no longer has its image ({release.image}): its runs cannot start"
        yield Note(f"release {release.revision}", text)


def role(observed: Observed) -> Iterator[Note]:
    """On the role of what is released, or gone back to."""
    if observed.role.note:
        yield Note("", observed.role.note)


def unread_deployment(live: PrefectDeployment) -> Note:
    """On a deployment that is not declared and whose release cannot be read."""
    return Note(_deployment(live), "the release that it points at cannot be read, and so it stays")


def _behind(release: Release, observed: Observed) -> Iterator[Note]:
    """After a rollback the environment points at a release before the one that the repository declares."""
    declared = [live for live in observed.deployments if release.declares(live.name)]
    live = {known.revision for item in declared if (known := observed.releases.get(points_at(item)))}
    older = sorted(revision for revision in live if revision and release.revision and revision < release.revision)
    if older:
        wanted = release.revision
        text = f"the environment is behind: release {older[0]} is live, the repository declares release {wanted}"
        yield Note("", text)


def _operators(
    live: PrefectDeployment, wanted: PrefectDeployment, observed: Observed, work_pool: str
) -> Iterator[Note]:
    if live.paused:
        yield Note(_deployment(live), "is paused, and stays so")
    base = observed.releases.get(points_at(live))
    before = prefect_deployments(base, work_pool).get(live.name) if base else None
    declared = before or wanted
    if live.concurrency_limit != declared.concurrency_limit:
        limit = live.concurrency_limit
        yield Note(_deployment(live), f"its concurrency limit was set by hand ({limit or 'none'}), and stays")
    known = {item.slug: item for item in (*declared.schedules, *wanted.schedules)}
    for schedule in live.schedules:
        if schedule.slug not in known:
            called = f"schedule {schedule.slug}" if schedule.slug else "a schedule"
            yield Note(_deployment(live), f"{called} ({spoken(schedule)}) was made by hand, and stays")
        elif schedule.active != known[schedule.slug].active:
            word = "active" if schedule.active else "paused"
            yield Note(_deployment(live), f"schedule {schedule.slug} is {word} by hand, and stays so")
