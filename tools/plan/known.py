"""PURE: the plan of a flow by what is known of its live release alone -> whether more has to be read."""

from __future__ import annotations

from tools.model.observed import Observed
from tools.plan.actions import ServicePlan
from tools.plan.live import points_at


def in_step(item: ServicePlan, observed: Observed) -> bool:
    """Whether a flow is as it is declared, whatever releases there are beside the one that is live.

    All its deployments point at that one, nothing is to be done, and no schedule is there that another release may
    explain.

    Args:
        item: the flow's plan.
        observed: what it was made from.
    """
    if item.actions or item.drift or item.problems or observed.unread:
        return False
    pointed_at = {points_at(live) for live in observed.deployments} - {""}
    if pointed_at != {item.release.arn}:
        return False
    return not any(
        schedule.slug and schedule.slug not in {declared.slug for declared in item.release.schedules_of(live.name)}
        for live in observed.deployments
        if item.release.declares(live.name)
        for schedule in live.schedules
    )
