"""PURE: the Prefect deployments of a service as they are + as they should be -> actions and drift.

Each field is compared three ways: what is live, what the release that the deployment points at declared, and what is
wanted now. A live value that neither of the others explains was made by hand: it is drift. Schedules are written before
the deployment points at their release, so a stopped deploy leaves some that another known release explains. Pauses, a
concurrency limit changed by hand and schedules made by hand are the operator's and stay; a schedule that gets another
slug keeps its pause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from tools.actions import Action, AddSchedule, ChangeSchedule, Create, Drift, Patch, RemoveSchedule
from tools.desired import prefect_deployments
from tools.model.differences import differences, same, shown
from tools.model.names import mark
from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release

#: Fields of a PrefectDeployment that the repository decides, as they are called in messages.
FIELDS: Mapping[str, str] = {
    "description": "description",
    "version": "version",
    "tags": "tags",
    "parameters": "parameters",
    "entrypoint": "entrypoint",
    "path": "path",
    "work_pool": "work pool",
    "job_variables": "job variables",
    "parameter_schema": "parameter schema",
}
#: Fields that follow from a release and are no news beside it.
_OF_RELEASE = frozenset({"version", "job_variables"})


def deployment_actions(
    release: Release, work_pool: str, observed: Observed, schema_known: bool, *, keep: bool
) -> tuple[tuple[Action, ...], tuple[Drift, ...]]:
    live = {item.name: item for item in observed.deployments}
    actions: list[Action] = []
    drift: list[Drift] = []
    made = prefect_deployments(release, work_pool)
    former = _former(release, observed) if len(set(made) - set(live)) == 1 else None
    for name, wanted in made.items():
        if name not in live:
            actions.append(_creation(wanted, former))
            continue
        base = _base(live[name], observed, work_pool)
        patch, found = _patch(live[name], base, wanted, schema_known, keep=keep)
        schedules, odd = _schedules(live[name], _before(name, base, observed, work_pool), wanted, keep=keep)
        # The patch points the deployment at the new release, so it comes last: stopped before it, a second deploy still
        # finds the old release and with it what the schedules were.
        actions += [*schedules, *patch]
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


def _base(live: PrefectDeployment, observed: Observed, work_pool: str) -> PrefectDeployment | None:
    """The deployment as the release that it points at declared it."""
    release = observed.releases.get(points_at(live))
    return prefect_deployments(release, work_pool).get(live.name) if release else None


def _patch(
    live: PrefectDeployment,
    base: PrefectDeployment | None,
    wanted: PrefectDeployment,
    schema_known: bool,
    *,
    keep: bool,
) -> tuple[list[Action], list[Drift]]:
    fields, why, drift = [], [], []
    for field, called in FIELDS.items():
        before, after = getattr(live, field), getattr(wanted, field)
        odd = _by_hand(field, live, base, wanted)
        if odd:
            drift.append(Drift(f"{live.full_name}: {called}", before, _said(field, after)))
        if field == "parameter_schema" and not schema_known:
            fields.append(field)
            why.append("the parameter schema of the new image")
        elif not same(before, after) and not (odd and keep and field != "job_variables"):
            fields.append(field)
            if field not in _OF_RELEASE or odd:
                why.append(f"{called} {shown(before)} → {shown(_said(field, after))}")
    if base and base.concurrency_limit != wanted.concurrency_limit and live.concurrency_limit == base.concurrency_limit:
        fields.append("concurrency_limit")
        why.append(f"concurrency limit {shown(base.concurrency_limit)} → {shown(wanted.concurrency_limit)}")
    if points_at(live) != points_at(wanted):
        why.append("it points at the release")
    kept = tuple(_settings(live).items()) if keep and _by_hand("job_variables", live, base, wanted) else None
    if kept is not None and points_at(live) == points_at(wanted):
        fields = [field for field in fields if field != "job_variables"]
    return ([Patch(live.full_name, tuple(why), live, tuple(fields), kept)] if fields else []), drift


def _by_hand(field: str, live: PrefectDeployment, base: PrefectDeployment | None, wanted: PrefectDeployment) -> bool:
    """Whether a field's live value is explained neither by the release that it points at nor by the repository."""
    if field == "version" and base is None:
        return False  # it follows the release, and that is unknown
    value = _settings if field == "job_variables" else attrgetter(field)
    return not any(same(value(live), value(known)) for known in (wanted, base) if known)


def _said(field: str, value: Any) -> Any:
    """A wanted value in a message: the number of a release that is not registered yet is unknown."""
    return "the release's number" if field == "version" and not value else value


def points_at(deployment: PrefectDeployment) -> str:
    """The ARN of the release that a deployment points at; empty where it points at none."""
    return str(deployment.job_variables.get("task_definition_arn") or "")


def live_releases(observed: Observed) -> list[Release]:
    """The releases that deployments point at which they declare.

    Somebody may have made a deployment that points at an old one: by that no release is live.
    """
    pointed_at = ((item.name, observed.releases.get(points_at(item))) for item in observed.deployments)
    return [release for name, release in pointed_at if release and release.declares(name)]


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


def _settings(deployment: PrefectDeployment) -> dict[str, Any]:
    return {name: value for name, value in deployment.job_variables.items() if name != "task_definition_arn"}


@dataclass(frozen=True)
class _Before:
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
        declared = (schedules.get(slug) for schedules in self.known)
        return not any(_explains(item, found) for item in (*declared, wanted) if item)

    def paused_by_hand(self, found: PrefectSchedule) -> bool:
        """Whether somebody paused a schedule that was declared active."""
        return not found.active and found.slug in self.base and self.base[found.slug].active


def _before(name: str, base: PrefectDeployment | None, observed: Observed, work_pool: str) -> _Before:
    def declared(release: Release) -> dict[str, PrefectSchedule]:
        return _by_slug(prefect_deployments(release, work_pool).get(name))

    newest = declared(observed.newest) if observed.newest else _by_slug(base)
    return _Before(_by_slug(base), newest, [declared(release) for release in observed.releases.values()])


def _by_slug(deployment: PrefectDeployment | None) -> dict[str, PrefectSchedule]:
    return {item.slug: item for item in deployment.schedules if item.slug} if deployment else {}


def _schedules(
    live: PrefectDeployment, before: _Before, wanted: PrefectDeployment, *, keep: bool
) -> tuple[list[Action], list[Drift]]:
    there = _by_slug(live)
    removed, drift = _removals(live, before, wanted, keep=keep)
    pauses = [action.live for action in removed if before.paused_by_hand(action.live)]
    alone = len(removed) == len(set(_by_slug(wanted)) - set(there)) == 1
    actions: list[Action] = []
    for schedule in wanted.schedules:
        subject = f"{live.full_name}: schedule {schedule.slug}"
        found = there.get(schedule.slug)
        odd = before.moved_by_hand(schedule.slug, found, schedule)
        if odd:
            drift.append(Drift(subject, *(_sides(found, schedule) if found else (None, spoken(schedule)))))
        if odd and keep:
            continue
        if found is None:
            actions.append(_addition(subject, live, schedule, _twin(schedule, pauses, alone=alone)))
            continue
        was = before.base.get(schedule.slug)
        active = schedule.active if was and was.active != schedule.active and found.active == was.active else None
        if not same(_timing(found), _timing(schedule)) or active is not None:
            why = tuple(_schedule_changes(found, schedule, active))
            actions.append(ChangeSchedule(subject, why, live, found, schedule, active))
    return [*actions, *removed], drift


def _removals(
    live: PrefectDeployment, before: _Before, wanted: PrefectDeployment, *, keep: bool
) -> tuple[list[RemoveSchedule], list[Drift]]:
    """The schedules that a release declared and the repository does not."""
    actions, drift = [], []
    there = _by_slug(live)
    declared = {slug for schedules in before.known for slug in schedules}
    for slug in sorted((declared & set(there)) - set(_by_slug(wanted))):
        subject = f"{live.full_name}: schedule {slug}"
        odd = before.moved_by_hand(slug, there[slug], None)
        if odd:
            drift.append(Drift(subject, spoken(there[slug]), None))
        if not (odd and keep):
            actions.append(RemoveSchedule(subject, ("it is no longer declared",), live, there[slug]))
    return actions, drift


def _twin(schedule: PrefectSchedule, pauses: Sequence[PrefectSchedule], *, alone: bool) -> PrefectSchedule | None:
    """The paused schedule whose place a new one takes: of the same timing, or the only one that goes."""
    return next((gone for gone in pauses if alone or same(_timing(gone), _timing(schedule))), None)


def _addition(
    subject: str, live: PrefectDeployment, wanted: PrefectSchedule, twin: PrefectSchedule | None
) -> AddSchedule:
    why = (f"it is declared: {spoken(wanted)}",)
    if twin is None or not wanted.active:
        return AddSchedule(subject, why, live, wanted)
    paused = f"it takes the place of {twin.slug}, which is paused, and stays paused"
    return AddSchedule(subject, (*why, paused), live, wanted.model_copy(update={"active": False}))


def _explains(declared: PrefectSchedule, found: PrefectSchedule) -> bool:
    """Whether a schedule may be as it is without anybody's doing.

    The Prefect server empties the parameters of a schedule that is paused or resumed in its UI: nobody decided that.
    """
    parameters = same(found.parameters, declared.parameters) or not found.parameters
    return parameters and same(found.schedule, declared.schedule)


def _timing(schedule: PrefectSchedule) -> tuple[dict[str, Any], dict[str, Any]]:
    return schedule.schedule, schedule.parameters


def _schedule_changes(live: PrefectSchedule, wanted: PrefectSchedule, active: bool | None) -> Iterator[str]:
    if live.schedule != wanted.schedule:
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
    return one.parameters, other.parameters


def spoken(schedule: PrefectSchedule) -> str:
    """A schedule in a few words: `15 6 * * * UTC`, `every 300 s`."""
    when = schedule.schedule
    if "interval" in when:
        return f"every {when['interval']:.15g} s"
    rule = str(when.get("cron") or when.get("rrule")).replace("\n", " ")
    return f"{rule} {when.get('timezone') or 'UTC'}"
