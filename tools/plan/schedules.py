"""PURE: a deployment's schedules as they are + as they should be -> actions and drift.

A live schedule that no known release explains was made by hand. Schedules are written before the deployment points at
their release, so a stopped deploy leaves some that another known release explains. Pauses and schedules made by hand
are the operator's and stay; a schedule that gets another slug keeps its pause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.model.differences import differences, same, shown
from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.plan.actions import Action, AddSchedule, ChangeSchedule, Drift, RemoveSchedule
from tools.plan.deployments import prefect_deployments


@dataclass(frozen=True)
class Declared:
    """What known releases declare of a deployment's schedules, by slug."""

    base: Mapping[str, PrefectSchedule]
    """The release that the deployment points at."""
    newest: Mapping[str, PrefectSchedule]
    """The newest release; the base where there is no other."""
    known: Sequence[Mapping[str, PrefectSchedule]]
    """Every release that is known, these two among them."""

    def moved_by_hand(self, slug: str, found: PrefectSchedule | None, wanted: PrefectSchedule | None) -> bool:
        """Whether somebody changed or deleted a schedule.

        Args:
            slug: the schedule's.
            found: as it is.
            wanted: as it should be.
        """
        if found is None:
            return slug in self.base and slug in self.newest
        if wanted and _explains(wanted, found):
            return False
        base = self.base.get(slug)
        kept = base.anchor if base else ""  # what declares no anchor keeps it
        declared = (schedules.get(slug) for schedules in (self.base, *self.known))
        return not any(_explains(item, found, kept) for item in declared if item)

    def paused_by_hand(self, found: PrefectSchedule) -> bool:
        """Whether somebody paused a schedule that was declared active."""
        return not found.active and found.slug in self.base and self.base[found.slug].active


def declared_schedules(name: str, base: PrefectDeployment | None, observed: Observed, work_pool: str) -> Declared:
    """What known releases declare of a deployment's schedules.

    Args:
        name: the deployment's.
        base: the deployment as the release that it points at declared it; None where that is not known.
        observed: the releases.
        work_pool: the environment's.
    """

    def of(release: Release) -> dict[str, PrefectSchedule]:
        return _by_slug(prefect_deployments(release, work_pool).get(name))

    newest = of(observed.newest) if observed.newest else _by_slug(base)
    known = [of(release) for release in observed.releases.values()]
    return Declared(_by_slug(base), newest, known)


def _by_slug(deployment: PrefectDeployment | None) -> dict[str, PrefectSchedule]:
    return {item.slug: item for item in deployment.schedules if item.slug} if deployment else {}


def schedule_actions(
    live: PrefectDeployment, declared: Declared, wanted: PrefectDeployment, *, keep: bool
) -> tuple[list[Action], list[Drift]]:
    """What must be written of a deployment's schedules, and what of them was changed by hand.

    Args:
        live: the deployment as it is.
        declared: what known releases say of its schedules.
        wanted: the deployment as it should be.
        keep: whether what was changed by hand stays.
    """
    there = _by_slug(live)
    removed, drift = _removals(live, declared, wanted, keep=keep)
    pauses = [action.live for action in removed if declared.paused_by_hand(action.live)]
    alone = len(removed) == len(set(_by_slug(wanted)) - set(there)) == 1
    actions: list[Action] = []
    for schedule in wanted.schedules:
        found = there.get(schedule.slug)
        odd = declared.moved_by_hand(schedule.slug, found, schedule)
        if odd:
            drift.append(_drift(live, found, schedule))
        if odd and keep:
            continue
        if found is None:
            actions.append(_addition(live, schedule, _twin(schedule, pauses, alone=alone)))
        else:
            actions += _changes(live, declared.base.get(schedule.slug), found, schedule)
    return [*actions, *removed], drift


def _subject(live: PrefectDeployment, slug: str) -> str:
    return f"{live.full_name}: schedule {slug}"


def _drift(live: PrefectDeployment, found: PrefectSchedule | None, wanted: PrefectSchedule) -> Drift:
    sides = _sides(found, wanted) if found else (None, spoken(wanted))
    return Drift(_subject(live, wanted.slug), *sides)


def _changes(
    live: PrefectDeployment, base: PrefectSchedule | None, found: PrefectSchedule, wanted: PrefectSchedule
) -> Iterator[ChangeSchedule]:
    """The change of a schedule that is there, where one is needed. A pause stays, unless another one is declared."""
    declared_anew = base is not None and base.active != wanted.active and found.active == base.active
    active = wanted.active if declared_anew else None
    if not _as(found, wanted) or active is not None:
        why = tuple(_schedule_changes(found, wanted, active))
        yield ChangeSchedule(_subject(live, wanted.slug), why, live, found, wanted, active)


def _removals(
    live: PrefectDeployment, declared: Declared, wanted: PrefectDeployment, *, keep: bool
) -> tuple[list[RemoveSchedule], list[Drift]]:
    """The schedules that a release declared and the repository does not."""
    actions, drift = [], []
    there = _by_slug(live)
    slugs = {slug for schedules in declared.known for slug in schedules}
    for slug in sorted((slugs & set(there)) - set(_by_slug(wanted))):
        subject = _subject(live, slug)
        odd = declared.moved_by_hand(slug, there[slug], None)
        if odd:
            drift.append(Drift(subject, spoken(there[slug]), None))
        if not (odd and keep):
            actions.append(RemoveSchedule(subject, ("it is no longer declared",), live, there[slug]))
    return actions, drift


def _twin(schedule: PrefectSchedule, pauses: Sequence[PrefectSchedule], *, alone: bool) -> PrefectSchedule | None:
    """The paused schedule whose place a new one takes: of the same timing, or the only one that goes."""
    return next((gone for gone in pauses if alone or _as(gone, schedule)), None)


def _addition(live: PrefectDeployment, wanted: PrefectSchedule, twin: PrefectSchedule | None) -> AddSchedule:
    subject, why = _subject(live, wanted.slug), (f"it is declared: {spoken(wanted)}",)
    if twin is None or not wanted.active:
        return AddSchedule(subject, why, live, wanted)
    paused = f"it takes the place of {twin.slug}, which is paused, and stays paused"
    return AddSchedule(subject, (*why, paused), live, wanted.model_copy(update={"active": False}))


def _explains(declared: PrefectSchedule, found: PrefectSchedule, kept: str = "") -> bool:
    """Whether a schedule may be as it is without anybody's doing.

    The Prefect server empties the parameters of a schedule that is paused or resumed in its UI: nobody decided that.

    Args:
        declared: by a release or the repository.
        found: as it is.
        kept: the anchor that it must have where this one declares none; empty for any.
    """
    parameters = same(found.parameters, declared.parameters) or not found.parameters
    return parameters and _runs_as(found, declared) and (declared.anchor or kept) in ("", found.anchor)


def _as(found: PrefectSchedule, wanted: PrefectSchedule) -> bool:
    """Whether a schedule is as it should be, its pause aside."""
    return _runs_as(found, wanted) and same(found.parameters, wanted.parameters)


def _runs_as(found: PrefectSchedule, wanted: PrefectSchedule) -> bool:
    """Whether it runs when it should. Where no anchor is declared, that which it has stays."""
    return same(found.schedule, wanted.schedule) and wanted.anchor in ("", found.anchor)


def _schedule_changes(live: PrefectSchedule, wanted: PrefectSchedule, active: bool | None) -> Iterator[str]:
    if not _runs_as(live, wanted):
        before, after = _sides(live, wanted)
        yield f"{shown(before)} → {shown(after)}"
    yield from differences({"parameters": live.parameters}, {"parameters": wanted.parameters})
    if active is not None:
        yield "it becomes active here" if active else "it is no longer active here"


def _sides(one: PrefectSchedule, other: PrefectSchedule) -> tuple[Any, Any]:
    """Two schedules in so few words that tell them apart."""
    if spoken(one) != spoken(other):
        return spoken(one), spoken(other)
    if not same(one.schedule, other.schedule):
        return one.schedule, other.schedule
    if other.anchor not in ("", one.anchor):
        return _from_anchor(one), _from_anchor(other)
    return one.parameters, other.parameters


def _from_anchor(schedule: PrefectSchedule) -> str:
    return f"{spoken(schedule)} from {schedule.anchor or 'its first deploy'}"


def spoken(schedule: PrefectSchedule) -> str:
    """A schedule in a few words: `15 6 * * * UTC`, `every 300 s`."""
    when = schedule.schedule
    if "interval" in when:
        return f"every {when['interval']:.15g} s"
    rule = str(when.get("cron") or when.get("rrule")).replace("\n", " ")
    return f"{rule} {when.get('timezone') or 'UTC'}"
