"""PURE: what a plan wrote for a service + its deployments as they were read back -> what of it is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.plan.actions import Delete, RemoveSchedule, ServicePlan
from tools.plan.registrations import deployment_actions


def missing(item: ServicePlan, release: Release, live: Sequence[PrefectDeployment]) -> Iterator[str]:
    """What would have to be written again: nothing, unless somebody else wrote at the same time.

    Args:
        item: the plan that was carried out.
        release: the release that its deployments were pointed at.
        live: the service's deployments as they are now.
    """
    observed = Observed(newest=release, releases={release.arn: release}, deployments=tuple(live))
    left, _ = deployment_actions(release, item.work_pool, observed, schema_known=True, keep=item.keep)
    for action in left:
        yield f"{action.verb} {action.subject} ({'; '.join(action.why)})"
    there = {one.id for one in live} | {schedule.id for one in live for schedule in one.schedules}
    for action in item.actions:
        if isinstance(action, Delete | RemoveSchedule) and action.live.id in there:
            yield f"{action.verb} {action.subject}"
