"""PURE: the Prefect deployments of a service as they are + as they should be -> actions and drift.

Each field is compared three ways: what is live, what the release that the deployment points at declared, and what is
wanted now. A live value that neither of the others explains was made by hand: it is drift. Pauses, a concurrency limit
changed by hand and schedules made by hand are the operator's and stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.actions import Action, AddSchedule, ChangeSchedule, Create, Drift, Patch, RemoveSchedule
from tools.desired import registrations
from tools.differences import differences, shown
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
    actions: list[Action] = []
    drift: list[Drift] = []
    for name, wanted in registrations(release, work_pool).items():
        if name not in live:
            actions.append(Create(wanted.full_name, ("there is no such deployment yet",), name))
            continue
        base = _base(live[name], observed, work_pool)
        patch, found = _patch(live[name], base, wanted, schema_known, keep=keep)
        schedules, odd = _schedules(live[name], base, wanted, keep=keep)
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
            drift.append(Drift(f"{live.full_name}: {called}", before, after))
        if field == "parameter_schema" and not schema_known:
            fields.append(field)
            why.append("the parameter schema of the new image")
        elif before != after and not (odd and keep and field != "job_variables"):
            fields.append(field)
            if field not in _OF_RELEASE or odd:
                why.append(f"{called} {shown(before)} → {shown(after)}")
    if base and base.concurrency_limit != wanted.concurrency_limit and live.concurrency_limit == base.concurrency_limit:
        fields.append("concurrency_limit")
        why.append(f"concurrency limit {shown(base.concurrency_limit)} → {shown(wanted.concurrency_limit)}")
    if _arn(live) != _arn(wanted):
        why.append("it points at the release")
    kept = tuple(_settings(live).items()) if keep and _by_hand("job_variables", live, base, wanted) else ()
    if kept and _arn(live) == _arn(wanted):
        fields = [field for field in fields if field != "job_variables"]
    return ([Patch(live.full_name, tuple(why), live, tuple(fields), kept)] if fields else []), drift


def _by_hand(field: str, live: Registration, base: Registration | None, wanted: Registration) -> bool:
    """Whether a field's live value is explained neither by the release that it points at nor by the repository."""
    if field == "version":
        return False  # it follows the release; two deployments of one service may stand at two of them
    if field == "job_variables":
        return _settings(live) not in (_settings(wanted), _settings(base) if base else None)
    return getattr(live, field) not in (getattr(wanted, field), getattr(base, field) if base else None)


def _arn(registration: Registration) -> Any:
    return registration.job_variables.get("task_definition_arn")


def _settings(registration: Registration) -> dict[str, Any]:
    return {name: value for name, value in registration.job_variables.items() if name != "task_definition_arn"}


def _schedules(
    live: Registration, base: Registration | None, wanted: Registration, *, keep: bool
) -> tuple[list[Action], list[Drift]]:
    there = {item.slug: item for item in live.schedules if item.slug}
    declared = {item.slug: item for item in base.schedules} if base else {}
    actions: list[Action] = []
    drift: list[Drift] = []
    for schedule in wanted.schedules:
        subject = f"{live.full_name}: schedule {schedule.slug}"
        found, was = there.get(schedule.slug), declared.get(schedule.slug)
        odd = _moved_by_hand(found, was, schedule)
        if odd:
            drift.append(Drift(subject, spoken(found) if found else None, spoken(schedule)))
        if odd and keep:
            continue
        if found is None:
            actions.append(AddSchedule(subject, (f"it is declared: {spoken(schedule)}",), live, schedule))
            continue
        active = schedule.active if was and was.active != schedule.active and found.active == was.active else None
        if _timing(found) != _timing(schedule) or active is not None:
            why = tuple(_schedule_changes(found, schedule, active))
            actions.append(ChangeSchedule(subject, why, live, found, schedule, active))
    wanted_slugs = {item.slug for item in wanted.schedules}
    for slug in sorted(set(there) & set(declared) - wanted_slugs):
        subject = f"{live.full_name}: schedule {slug}"
        actions.append(RemoveSchedule(subject, ("it is no longer declared",), live, there[slug]))
    return actions, drift


def _moved_by_hand(found: LiveSchedule | None, was: LiveSchedule | None, wanted: LiveSchedule) -> bool:
    """Whether somebody changed or deleted a schedule that the last release declared."""
    if was is None:
        return False
    if found is None:
        return _timing(was) == _timing(wanted)
    return _timing(found) not in (_timing(was), _timing(wanted))


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
    return f"{when.get('cron') or when.get('rrule')} {when.get('timezone') or 'UTC'}"
