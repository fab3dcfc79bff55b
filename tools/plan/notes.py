"""PURE: a release as it should be live + what is live -> what a deploy leaves as it is, and is good to know.

Pauses, concurrency limits and schedules made by hand are the operator's. Deployments that the release does not declare
are left to `prune`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.plan.deployments import prefect_deployments
from tools.plan.live import made_by_hand, points_at
from tools.plan.schedules import spoken

LEFT = "no longer declared; until `prune` deletes it, its schedules go on"


def notes(release: Release, observed: Observed, work_pool: str) -> Iterator[str]:
    """Remarks on one service.

    Args:
        release: what should be live.
        observed: what is.
        work_pool: the environment's.
    """
    wanted = prefect_deployments(release, work_pool)
    yield from _behind(release, observed)
    for live in observed.deployments:
        if live.name in wanted:
            yield from _operators(live, wanted[live.name], observed, work_pool)
        elif made_by_hand(live, release.environment, observed.releases):
            yield f"deployment {live.name}: was made by hand, and stays"
        else:
            yield f"deployment {live.name}: {LEFT}"


def _behind(release: Release, observed: Observed) -> Iterator[str]:
    """After a rollback the environment points at a release before the one that the repository declares."""
    declared = [live for live in observed.deployments if release.declares(live.name)]
    live = {known.revision for item in declared if (known := observed.releases.get(points_at(item)))}
    older = sorted(revision for revision in live if revision and release.revision and revision < release.revision)
    if older:
        wanted = release.revision
        yield f"the environment is behind: release {older[0]} is live, the repository declares release {wanted}"


def _operators(live: PrefectDeployment, wanted: PrefectDeployment, observed: Observed, work_pool: str) -> Iterator[str]:
    if live.paused:
        yield f"deployment {live.name}: is paused, and stays so"
    base = observed.releases.get(points_at(live))
    before = prefect_deployments(base, work_pool).get(live.name) if base else None
    declared = before or wanted
    if live.concurrency_limit != declared.concurrency_limit:
        limit = live.concurrency_limit
        yield f"deployment {live.name}: its concurrency limit was set by hand ({limit or 'none'}), and stays"
    known = {item.slug: item for item in (*declared.schedules, *wanted.schedules)}
    for schedule in live.schedules:
        if schedule.slug not in known:
            called = f"schedule {schedule.slug}" if schedule.slug else "a schedule"
            yield f"deployment {live.name}: {called} ({spoken(schedule)}) was made by hand, and stays"
        elif schedule.active != known[schedule.slug].active:
            word = "active" if schedule.active else "paused"
            yield f"deployment {live.name}: schedule {schedule.slug} is {word} by hand, and stays so"
