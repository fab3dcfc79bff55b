"""PURE: what is + what should be -> Plan. No clock, no I/O. Every action says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

from tools.desired.draft import Desired
from tools.model.differences import same, shown
from tools.model.names import mark, marks
from tools.model.observed import Observed, State
from tools.model.release import Release
from tools.plan.actions import ALL, Action, Build, Drift, Import, MakeRelease, OnDrift, Plan, Push, ServicePlan, Stage
from tools.plan.live import live_releases
from tools.plan.notes import notes, role
from tools.plan.parameters import parameter_problems
from tools.plan.registrations import deployment_actions
from tools.plan.releases import image_changes, newest_first, release_changes


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
        missing = f"the image {item.release.tag} is not in the registry"
        problems = (*problems, f"{missing}; push it first: make push-flow NAME={item.name}")
    return replace(item, actions=kept, problems=problems)


def _planned(item: Desired, observed: Observed, on_drift: OnDrift) -> ServicePlan:
    draft, known = _completed(item.draft, observed)
    actions: list[Action] = []
    tag = draft.tag
    before = max(live_releases(observed), key=attrgetter("revision"), default=observed.newest)
    if not draft.image:
        actions += [
            Build(tag, _reasons(before, draft, observed, image_changes), item.service),
            Push(tag, ("the registry has no such image",)),
        ]
    if not known:
        actions.append(Import(tag, ("its parameter schema is unknown",)))
    same = _same(draft, observed) if known else None
    if same is None:
        actions.append(MakeRelease(draft.family, _reasons(before, draft, observed, release_changes)))
    release = same or draft
    register, drift = deployment_actions(release, item.work_pool, observed, known, keep=on_drift == "keep")
    return ServicePlan(
        work_pool=item.work_pool,
        release=release,
        reused=same is not None,
        actions=(*actions, *register),
        drift=drift,
        keep=on_drift == "keep",
        problems=(
            *_problems(item, observed, release if known and (same is None or register) else None),
            *(observed.role.problems if same is None else ()),
        ),
        refused=refusals(drift, on_drift),
        notes=(*notes(release, observed, item.work_pool), *(role(observed) if same is None else ())),
    )


def _reasons(
    before: Release | None,
    draft: Release,
    observed: Observed,
    changes: Callable[[Release | None, Release], Iterator[str]],
) -> tuple[str, ...]:
    if before is None and observed.unread:
        return ("what is there cannot be read, and so not be compared",)
    return tuple(changes(before, draft))


def refusals(drift: Iterable[Drift], on_drift: OnDrift) -> tuple[str, ...]:
    """Why a service with drift is left alone, unless it was said what to do with it."""
    return tuple(_refused(found) for found in drift) if on_drift == "stop" else ()


def _refused(found: Drift) -> str:
    return (
        f"{found.subject} was changed by hand: it is {shown(found.live)}, declared is {shown(found.declared)}; "
        "say --overwrite or --keep"
    )


def _completed(draft: Release, observed: Observed) -> tuple[Release, bool]:
    """The draft with the image that the registry has and the schema that is known of it, and whether one is."""
    draft = draft.model_copy(update={"image": observed.image})
    imported = (draft.image_digest, draft.platform, draft.entrypoint)
    for release in newest_first(observed.releases.values()) if draft.image else ():
        if (release.image_digest, release.platform, release.entrypoint) == imported:
            return draft.model_copy(update={"parameter_schema": release.parameter_schema}), True
    return draft, False


def _same(draft: Release, observed: Observed) -> Release | None:
    """A release that is registered and says just what the draft says: one that is live, before any that is newer."""
    wanted = draft.content()
    for release in (*newest_first(live_releases(observed)), *newest_first(observed.releases.values())):
        if same(release.content(), wanted):
            return release
    return None


def _problems(item: Desired, observed: Observed, written: Release | None) -> Iterator[str]:
    """Why a service cannot be deployed. Of parameters only those that will be written are looked at."""
    for path in observed.missing_secrets:
        yield f"the secret's parameter {path} does not exist"
    ours = mark(item.draft.environment)
    for live in observed.deployments:
        foreign = [tag for tag in live.tags if marks(tag) and tag != ours]
        if foreign:
            yield f"the deployment {live.full_name} is of another environment ({foreign[0]}) on the same Prefect API"
    if written:
        yield from parameter_problems(written)
