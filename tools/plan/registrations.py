"""PURE: the Prefect deployments of a service as they are + as they should be -> actions and drift."""

from __future__ import annotations

from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.plan.actions import Action, Create, Drift
from tools.plan.deployments import prefect_deployments
from tools.plan.fields import patch
from tools.plan.live import made_by_hand, points_at, points_at_unread
from tools.plan.schedules import declared_schedules, schedule_actions


def deployment_actions(
    release: Release, work_pool: str, observed: Observed, schema_known: bool, *, keep: bool
) -> tuple[tuple[Action, ...], tuple[Drift, ...]]:
    """What must be written of a service's deployments, and what of them was changed by hand.

    Args:
        release: what should be live.
        work_pool: the environment's.
        observed: what is.
        schema_known: whether the release's parameter schema is that of its image.
        keep: whether what was changed by hand stays.
    """
    live = {item.name: item for item in observed.deployments}
    actions: list[Action] = []
    drift: list[Drift] = []
    made = prefect_deployments(release, work_pool)
    former = _former(release, observed) if len(set(made) - set(live)) == 1 else None
    for name, wanted in made.items():
        if name not in live:
            actions.append(_creation(wanted, former))
            continue
        base = _base(live[name], wanted, observed, work_pool)
        schedules, odd = schedule_actions(
            live[name], declared_schedules(name, base, observed, work_pool), wanted, keep=keep
        )
        patched, found = patch(live[name], base, wanted, schema_known=schema_known, keep=keep)
        # The patch points the deployment at the new release, so it comes last: stopped before it, a second deploy still
        # finds the old release and with it what the schedules were.
        actions += [*schedules, patched] if patched else schedules
        drift += [*found, *odd]
    return tuple(actions), tuple(drift)


def _former(release: Release, observed: Observed) -> PrefectDeployment | None:
    """The deployment whose place a new one takes: the only one of ours that is no longer declared."""
    gone = [item for item in observed.deployments if not release.declares(item.name)]
    ours = [item for item in gone if not made_by_hand(item, release.environment, observed.releases)]
    return ours[0] if len(ours) == 1 else None


def _creation(wanted: PrefectDeployment, former: PrefectDeployment | None) -> Create:
    """Creating a deployment; a pause of the one whose place it takes goes on."""
    why = ("there is no such deployment yet",)
    paused = {item.slug for item in wanted.schedules if former and item.active and _is_paused(former, item.slug)}
    if not former or not paused:
        return Create(wanted.full_name, why, wanted.name)
    said = f"it takes the place of {former.name}, which is paused, and stays paused: {', '.join(sorted(paused))}"
    return Create(wanted.full_name, (*why, said), wanted.name, frozenset(paused))


def _is_paused(live: PrefectDeployment, slug: str) -> bool:
    return live.paused or any(item.slug == slug and not item.active for item in live.schedules)


def _base(
    live: PrefectDeployment, wanted: PrefectDeployment, observed: Observed, work_pool: str
) -> PrefectDeployment | None:
    """The deployment as the release that it points at declared it; None where that is not known.

    Of a release that cannot be read it is taken that it declared what is wanted, as it is: then nothing was changed by
    hand, and what differs is told as a change. Pauses stay, and schedules of another slug.
    """
    if points_at_unread(live, observed):
        slugs = {schedule.slug: schedule.active for schedule in wanted.schedules}
        schedules = (one.model_copy(update={"active": slugs[one.slug]}) for one in live.schedules if one.slug in slugs)
        return live.model_copy(update={"schedules": tuple(schedules)})
    release = observed.releases.get(points_at(live))
    return prefect_deployments(release, work_pool).get(live.name) if release else None
