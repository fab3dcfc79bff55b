"""PURE: what is + what should be -> Plan. No clock, no I/O.

Every action says why. A difference that the last release does not explain was made by hand: it is drift, and the plan
shows both values. What belongs to the operator (pauses, a changed concurrency limit, schedules made by hand) is never
written over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from tools.desired import Desired, mark, registrations
from tools.model import MARK, LiveSchedule, Registration, Release, Service
from tools.observe import Observed, State

Stage = Literal["build", "push", "gate", "release", "register"]
#: What to do with drift: refuse the service, write the repository's values over it, or leave it.
OnDrift = Literal["stop", "overwrite", "keep"]
ALL: tuple[Stage, ...] = ("build", "push", "gate", "release", "register")

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


@dataclass(frozen=True)
class Action:
    """A step of a plan. `subject` is what it acts on, `why` each reason for it."""

    stage: ClassVar[Stage]
    verb: ClassVar[str]
    subject: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class Build(Action):
    """Build the image."""

    stage = "build"
    verb = "build"


@dataclass(frozen=True)
class Push(Action):
    """Push the image."""

    stage = "push"
    verb = "push"


@dataclass(frozen=True)
class Gate(Action):
    """Import the flow in its image."""

    stage = "gate"
    verb = "import"


@dataclass(frozen=True)
class Register(Action):
    """Register a revision of the task definition."""

    stage = "release"
    verb = "release"


@dataclass(frozen=True)
class Create(Action):
    """Create a deployment with its schedules."""

    stage = "register"
    verb = "create"
    name: str


@dataclass(frozen=True)
class Patch(Action):
    """Write some fields of a deployment."""

    stage = "register"
    verb = "patch"
    live: Registration
    fields: tuple[str, ...]
    kept: tuple[tuple[str, Any], ...] = ()
    """Job variables that were changed by hand and are to stay."""


@dataclass(frozen=True)
class AddSchedule(Action):
    """Add a schedule to a deployment that exists."""

    stage = "register"
    verb = "add"
    live: Registration
    wanted: LiveSchedule


@dataclass(frozen=True)
class ChangeSchedule(Action):
    """Change a schedule in place. `active` None keeps it as it is."""

    stage = "register"
    verb = "change"
    deployment: Registration
    live: LiveSchedule
    wanted: LiveSchedule
    active: bool | None


@dataclass(frozen=True)
class RemoveSchedule(Action):
    """Delete a schedule whose slug left the file."""

    stage = "register"
    verb = "delete"
    deployment: Registration
    live: LiveSchedule


@dataclass(frozen=True)
class Drift:
    """What was changed by hand: the live value is explained neither by the release nor by the repository."""

    subject: str
    live: Any
    declared: Any


@dataclass(frozen=True)
class ServicePlan:
    """What must be done for one service.

    `release` is the draft to register, or, where `reused`, one that is registered already.
    """

    service: Service
    work_pool: str
    release: Release
    reused: bool
    actions: tuple[Action, ...] = ()
    drift: tuple[Drift, ...] = ()
    problems: tuple[str, ...] = ()

    def has(self, kind: type[Action]) -> bool:
        """Whether an action of this kind is planned."""
        return any(isinstance(action, kind) for action in self.actions)


@dataclass(frozen=True)
class Plan:
    """What must be done to bring an environment to what the repository declares."""

    environment: str
    services: tuple[ServicePlan, ...]

    @property
    def changes(self) -> int:
        """How many actions there are."""
        return sum(len(item.actions) for item in self.services)


def plan(
    environment: str,
    desired: Sequence[Desired],
    state: State,
    stages: Sequence[Stage] = ALL,
    on_drift: OnDrift = "stop",
) -> Plan:
    """What must be done.

    Args:
        environment: its name.
        desired: what the repository declares.
        state: what the environment holds of it.
        stages: the stages to plan; all of a deploy where absent.
        on_drift: what to do with what was changed by hand.
    """
    planned = (_planned(item, state[item.service.name], on_drift) for item in desired)
    return Plan(environment, tuple(_restricted(item, stages) for item in planned))


def _restricted(item: ServicePlan, stages: Sequence[Stage]) -> ServicePlan:
    kept = tuple(action for action in item.actions if action.stage in stages)
    problems = item.problems
    if "release" in stages and "push" not in stages and item.has(Push):
        missing = f"the image {item.service.repository}:{item.release.fingerprint} is not in the registry"
        problems = (*problems, f"{missing}; push it first: make push-flow NAME={item.service.name}")
    return replace(item, actions=kept, problems=problems)


def _planned(item: Desired, observed: Observed, on_drift: OnDrift) -> ServicePlan:
    draft, known = _completed(item.draft, observed)
    actions: list[Action] = []
    tag = f"{item.service.repository}:{draft.fingerprint}"
    before = observed.newest
    if not draft.image:
        why = ("there is no image yet",) if before is None else (f"fingerprint {before.fingerprint} → {draft.fingerprint}",)
        actions += [Build(tag, why), Push(tag, ("the registry has no such image",))]
    if not known:
        actions.append(Gate(tag, ("its parameter schema is unknown",)))
    same = _same(draft, observed) if known else None
    if same is None:
        actions.append(Register(draft.family, tuple(_release_changes(before, draft))))
    release = same or draft
    register, drift = _registration_actions(release, item.work_pool, observed, known, keep=on_drift == "keep")
    return ServicePlan(
        service=item.service,
        work_pool=item.work_pool,
        release=release,
        reused=same is not None,
        actions=(*actions, *register),
        drift=drift,
        problems=(
            *_problems(item, observed, draft if known else None),
            *(_refused(found) for found in drift if on_drift == "stop"),
        ),
    )


def _refused(found: Drift) -> str:
    return (
        f"{found.subject} was changed by hand: it is {shown(found.live)}, the repository says {shown(found.declared)}; "
        "deploy with --overwrite or --keep"
    )


def _completed(draft: Release, observed: Observed) -> tuple[Release, bool]:
    """The draft with the image and the schema that are known already, and whether the schema is."""
    newest_first = sorted(observed.releases.values(), key=lambda release: release.revision or 0, reverse=True)
    for release in newest_first:
        if (release.fingerprint, release.platform) == (draft.fingerprint, draft.platform):
            draft = draft.model_copy(update={"image": release.image})
            if release.entrypoint == draft.entrypoint:
                return draft.model_copy(update={"parameter_schema": release.parameter_schema}), True
    return (draft if draft.image else draft.model_copy(update={"image": observed.image})), False


def _same(draft: Release, observed: Observed) -> Release | None:
    """A release that is registered and says just what the draft says."""
    wanted = draft.content()
    for release in sorted(observed.releases.values(), key=lambda found: found.revision or 0, reverse=True):
        if release.content() == wanted:
            return release
    return None


def _release_changes(before: Release | None, draft: Release) -> Iterator[str]:
    if before is None:
        yield "there is no release yet"
        return
    old, new = before.content(), draft.content()
    if not draft.image:
        new["image"] = old["image"]  # it follows from the fingerprint, which is named
    if not draft.parameter_schema:
        new["parameter_schema"] = old["parameter_schema"]
    yield from differences(old, new)


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Each difference of two JSON objects, as `key.key before → after`."""
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from differences(before, after, f"{prefix}{key}.")
        elif _named(before) and _named(after):
            yield from differences(_by_name(before), _by_name(after), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key} {shown(before)} → {shown(after)}"


def _named(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, dict) and ("name" in item or "slug" in item)
                                                   for item in value)


def _by_name(value: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {str(item.get("name") or item.get("slug")): item for item in value}


def shown(value: Any) -> str:
    """A value in a message: short, and plain where it is text."""
    text = value if isinstance(value, str) and value else "none" if value in (None, "", [], {}, ()) else repr(value)
    return text if len(text) <= 70 else text[:67] + "…"


def _problems(item: Desired, observed: Observed, known: Release | None) -> Iterator[str]:
    for path in observed.missing_secrets:
        yield f"the secret's parameter {path} does not exist"
    ours = mark(item.draft.environment)
    for live in observed.deployments:
        foreign = [tag for tag in live.tags if tag.startswith(f"{MARK}:") and tag != ours]
        if foreign:
            yield f"the deployment {live.full_name} is of another environment ({foreign[0]}) on the same Prefect API"
    if known:
        yield from parameter_problems(known)


def parameter_problems(release: Release) -> Iterator[str]:
    """Parameters of deployments that the flow does not have, and those that a scheduled run would lack."""
    properties = release.parameter_schema.get("properties", {})
    required = set(release.parameter_schema.get("required", []))
    for deployment in release.deployments:
        sets = [(f"deployment {deployment.name}", deployment.parameters)]
        sets += [(f"schedule {deployment.name}/{schedule.slug}", {**deployment.parameters, **schedule.parameters})
                 for schedule in deployment.schedules]
        for where, parameters in sets:
            for name in sorted(set(parameters) - set(properties)):
                yield f"{where}: the flow has no parameter '{name}'; it has {', '.join(properties) or 'none'}"
            for name in sorted(required - set(parameters)) if where.startswith("schedule") else ():
                yield f"{where}: the flow's parameter '{name}' has no default, and no value here"


def _registration_actions(
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
