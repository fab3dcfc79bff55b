"""PURE: the Prefect deployments of a service as they are + as they should be -> actions and drift.

Each field is compared three ways: what is live, what the release that the deployment points at declared, and what is
wanted now. A live value that neither of the others explains was made by hand: it is drift. Schedules are written before
the deployment points at their release, so a stopped deploy leaves some that the newest release explains. Pauses, a
concurrency limit changed by hand and schedules made by hand are the operator's and stay; a schedule that gets another
slug keeps its pause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from tools.actions import Action, AddSchedule, ChangeSchedule, Create, Drift, Patch, RemoveSchedule
from tools.desired import registrations
from tools.differences import differences, same, shown
from tools.model import LiveSchedule, Registration, Release
from tools.observe import Observed

#: Fields of a Registration that the repository decides, as they are called in messages.
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


def registration_actions(
    release: Release, work_pool: str, observed: Observed, schema_known: bool, *, keep: bool
) -> tuple[tuple[Action, ...], tuple[Drift, ...]]:
    live = {item.name: item for item in observed.deployments}
    newest = registrations(observed.newest, work_pool) if observed.newest else {}
    actions: list[Action] = []
    drift: list[Drift] = []
    for name, wanted in registrations(release, work_pool).items():
        if name not in live:
            actions.append(Create(wanted.full_name, ("there is no such deployment yet",), name))
            continue
        base = _base(live[name], observed, work_pool)
        patch, found = _patch(live[name], base, wanted, schema_known, keep=keep)
        schedules, odd = _schedules(live[name], base, newest.get(name), wanted, keep=keep)
        # The patch points the deployment at the new release, so it comes last: stopped before it, a second deploy still
        # finds the old release and with it what the schedules were.
        actions += [*schedules, *patch]
        drift += [*found, *odd]
    return tuple(actions), tuple(drift)


def _base(live: Registration, observed: Observed, work_pool: str) -> Registration | None:
    """The deployment as the release that it points at declared it."""
    release = observed.releases.get(str(live.job_variables.get("task_definition_arn")))
    return registrations(release, work_pool).get(live.name) if release else None


def _patch(
    live: Registration, base: Registration | None, wanted: Registration, schema_known: bool, *, keep: bool
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
    if _arn(live) != _arn(wanted):
        why.append("it points at the release")
    kept = tuple(_settings(live).items()) if keep and _by_hand("job_variables", live, base, wanted) else None
    if kept is not None and _arn(live) == _arn(wanted):
        fields = [field for field in fields if field != "job_variables"]
    return ([Patch(live.full_name, tuple(why), live, tuple(fields), kept)] if fields else []), drift


def _by_hand(field: str, live: Registration, base: Registration | None, wanted: Registration) -> bool:
    """Whether a field's live value is explained neither by the release that it points at nor by the repository."""
    if field == "version" and base is None:
        return False  # it follows the release, and that is unknown
    value = _settings if field == "job_variables" else attrgetter(field)
    return not any(same(value(live), value(known)) for known in (wanted, base) if known)


def _said(field: str, value: Any) -> Any:
    """A wanted value in a message: the number of a release that is not registered yet is unknown."""
    return "the release's number" if field == "version" and not value else value


def _arn(registration: Registration) -> Any:
    return registration.job_variables.get("task_definition_arn")


def _settings(registration: Registration) -> dict[str, Any]:
    return {name: value for name, value in registration.job_variables.items() if name != "task_definition_arn"}


def _schedules(
    live: Registration, base: Registration | None, newest: Registration | None, wanted: Registration, *, keep: bool
) -> tuple[list[Action], list[Drift]]:
    there = {item.slug: item for item in live.schedules if item.slug}
    known = [_by_slug(registration) for registration in (base, newest) if registration]
    removed, drift = _removals(live, there, known, wanted, keep=keep)
    pauses = [action.live for action in removed if _paused_by_hand(action.live, _by_slug(base))]
    adding = [schedule for schedule in wanted.schedules if schedule.slug not in there]
    actions: list[Action] = []
    for schedule in wanted.schedules:
        subject = f"{live.full_name}: schedule {schedule.slug}"
        found = there.get(schedule.slug)
        odd = _moved_by_hand(found, [schedules.get(schedule.slug) for schedules in known], schedule)
        if odd:
            drift.append(Drift(subject, spoken(found) if found else None, spoken(schedule)))
        if odd and keep:
            continue
        if found is None:
            twin = _twin(schedule, pauses, alone=len(adding) == len(removed) == 1)
            actions.append(_addition(subject, live, schedule, twin))
            continue
        was = _by_slug(base).get(schedule.slug)
        active = schedule.active if was and was.active != schedule.active and found.active == was.active else None
        if not same(_timing(found), _timing(schedule)) or active is not None:
            why = tuple(_schedule_changes(found, schedule, active))
            actions.append(ChangeSchedule(subject, why, live, found, schedule, active))
    return [*actions, *removed], drift


def _by_slug(registration: Registration | None) -> dict[str, LiveSchedule]:
    return {item.slug: item for item in registration.schedules} if registration else {}


def _removals(
    live: Registration,
    there: Mapping[str, LiveSchedule],
    known: Sequence[Mapping[str, LiveSchedule]],
    wanted: Registration,
    *,
    keep: bool,
) -> tuple[list[RemoveSchedule], list[Drift]]:
    """The schedules that a release declared and the repository does not."""
    actions, drift = [], []
    declared = {slug for schedules in known for slug in schedules}
    for slug in sorted((declared & set(there)) - set(_by_slug(wanted))):
        subject, found = f"{live.full_name}: schedule {slug}", there[slug]
        odd = _moved_by_hand(found, [schedules.get(slug) for schedules in known], None)
        if odd:
            drift.append(Drift(subject, spoken(found), None))
        if not (odd and keep):
            actions.append(RemoveSchedule(subject, ("it is no longer declared",), live, found))
    return actions, drift


def _moved_by_hand(
    found: LiveSchedule | None, declared: Sequence[LiveSchedule | None], wanted: LiveSchedule | None
) -> bool:
    """Whether somebody changed or deleted a schedule.

    Args:
        found: as it is.
        declared: what each release that may have written it says about it.
        wanted: as it should be.
    """
    if found is None:
        return bool(declared) and None not in declared
    return not any(same(_timing(found), _timing(item)) for item in (*declared, wanted) if item)


def _paused_by_hand(found: LiveSchedule, declared: Mapping[str, LiveSchedule]) -> bool:
    return not found.active and found.slug in declared and declared[found.slug].active


def _twin(schedule: LiveSchedule, pauses: Sequence[LiveSchedule], *, alone: bool) -> LiveSchedule | None:
    """The paused schedule whose place a new one takes: of the same timing, or the only one that goes."""
    return next((gone for gone in pauses if alone or same(_timing(gone), _timing(schedule))), None)


def _addition(subject: str, live: Registration, wanted: LiveSchedule, twin: LiveSchedule | None) -> AddSchedule:
    why = (f"it is declared: {spoken(wanted)}",)
    if twin is None or not wanted.active:
        return AddSchedule(subject, why, live, wanted)
    paused = f"it takes the place of {twin.slug}, which is paused, and stays paused"
    return AddSchedule(subject, (*why, paused), live, wanted.model_copy(update={"active": False}))


def _timing(schedule: LiveSchedule) -> tuple[dict[str, Any], dict[str, Any]]:
    return schedule.schedule, schedule.parameters


def _schedule_changes(live: LiveSchedule, wanted: LiveSchedule, active: bool | None) -> Iterator[str]:
    if live.schedule != wanted.schedule:
        yield f"{spoken(live)} → {spoken(wanted)}"
    yield from differences({"parameters": live.parameters}, {"parameters": wanted.parameters})
    if active is not None:
        yield "it becomes active here" if active else "it is no longer active here"


def spoken(schedule: LiveSchedule) -> str:
    """A schedule in a few words: `15 6 * * * UTC`, `every 300 s`."""
    when = schedule.schedule
    if "interval" in when:
        return f"every {when['interval']:g} s"
    rule = str(when.get("cron") or when.get("rrule")).replace("\n", " ")
    return f"{rule} {when.get('timezone') or 'UTC'}"
