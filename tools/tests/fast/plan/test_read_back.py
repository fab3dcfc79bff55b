"""A deploy asks before each write whether it still holds the lock, and reads back what it wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tools.environment.apply import Clients, apply
from tools.errors import RemoteError
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.model.service import Deployment, Schedule
from tools.plan.actions import OnDrift, ServicePlan
from tools.plan.read_back import missing
from tools.plan.results import Provenance, Result
from tools.tests import worlds
from tools.tests.fakes import FakePrefect
from tools.tests.memory import ROOT, World, service

WHO = Provenance("abc", "someone", "2026-01-01T00:00:00+00:00")
Change = dict[str, Any]
LATER = Deployment(name="daily", description="later", schedules=(Schedule(slug="daily", cron="30 6 * * *"),))


def deploy(world: World, guard: Callable[[], None], *declared: Deployment, on_drift: OnDrift = "stop") -> Result:
    """Deploys service `a`, guarded."""
    clients = Clients(world.engine, world.ecr, world.ecs, world.prefect)
    planned = world.plan([service("a", *declared)], on_drift=on_drift)
    (result,) = apply(planned, ROOT, clients, lambda: WHO, lambda *_: None, guard)
    return result


class Guard:
    """A guard that lets some writes pass; `asked` notes how many writes there were each time it was asked."""

    def __init__(self, world: World, passes: int) -> None:
        self.asked: list[int] = []
        self._world, self._passes = world, passes

    def __call__(self) -> None:
        self.asked.append(len(self._world.ecs.writes) + len(self._world.prefect.writes))
        if len(self.asked) > self._passes:
            raise RemoteError("the lock was taken")


def test_the_guard_is_asked_right_before_each_write_that_changes_what_runs() -> None:
    world = World()
    world.deploy(service("a"))
    before = len(world.ecs.writes) + len(world.prefect.writes)
    guard = Guard(world, passes=99)
    result = deploy(world, guard, LATER)
    assert result.said == ["released", "changed daily/daily", "patched daily"]
    assert guard.asked == [before, before + 1, before + 2, before + 3]  # and once more after the last


@pytest.mark.parametrize("passes", [0, 1, 2, 3])
def test_once_the_lock_is_lost_nothing_more_is_written(passes: int) -> None:
    world = World()
    world.deploy(service("a"))
    before = len(world.ecs.writes) + len(world.prefect.writes)
    result = deploy(world, Guard(world, passes), LATER)
    assert result.error is not None
    assert "the lock was taken" in result.error.message
    assert len(world.ecs.writes) + len(world.prefect.writes) == before + passes


def test_a_deploy_with_nothing_to_do_commits_nothing_and_neither_does_a_push() -> None:
    world = World()
    assert world.plan([service("a")]).commits
    assert not world.plan([service("a")], stages=("build", "push")).commits
    world.deploy(service("a"))
    assert not world.plan([service("a")]).commits
    world.missing_parameters = {"/DataFlows/Local/a/TOKEN"}
    assert not world.plan([service("a", secrets={"TOKEN": "TOKEN"})]).commits  # it has problems


class Meddled(FakePrefect):
    """Somebody else writes a description right after each patch."""

    def patch(self, live: PrefectDeployment, wanted: PrefectDeployment, fields: Iterable[str]) -> None:
        super().patch(live, wanted, fields)
        self.by_id[live.id] = self.by_id[live.id].model_copy(update={"description": "other"})


def test_what_somebody_else_wrote_at_the_same_time_is_told() -> None:
    world = World()
    world.prefect = Meddled()
    world.deploy(service("a"))
    result = deploy(world, lambda: None, LATER)
    assert isinstance(result.error, RemoteError)
    assert "somebody else wrote at the same time" in result.error.message
    assert "patch a/daily (description other → later)" in result.error.message


# PURE: what was written + what is live -> what is missing ----------------------------------------------------------


BEFORE = worlds.release(deployments=(worlds.deployment(), worlds.deployment("gone")))
AFTER = worlds.release(
    None,
    ecs_run={"memory": 1024, "task_role": "task", "execution_role": "execution"},
    deployments=(
        worlds.deployment(description="new", schedules=(worlds.schedule(cron="0 7 * * *"), worlds.schedule("more"))),
        worlds.deployment("fresh"),
    ),
)
BY_HAND = {
    "nothing": {},
    "paused deployment": {"paused": True},
    "paused schedule": {"schedules": (worlds.live_schedule(active=False),)},
    "own schedule": {"schedules": (worlds.live_schedule(), worlds.live_schedule("", "5 5 * * *"))},
    "moved schedule": {"schedules": (worlds.live_schedule(cron="0 9 * * *"),)},
    "deleted schedule": {"schedules": ()},
    "description": {"description": "mine"},
    "parameters": {"parameters": {"limit": 1}},
    "job variables": {"job_variables": {"task_definition_arn": worlds.arn(1), "cpu": 4096}},
    "concurrency limit": {"concurrency_limit": 7},
}


def written(by_hand: Change, on_drift: OnDrift) -> tuple[ServicePlan, Release, list[PrefectDeployment]]:
    """A plan that was carried out where somebody had changed something before: it, its release, what is live."""
    observed = worlds.world(BEFORE, deployments=[worlds.live(BEFORE, **by_hand), worlds.live(BEFORE, "gone")])
    item = worlds.planned(AFTER, observed, on_drift)
    after = worlds.carried_out(item, observed, AFTER)
    assert after.newest is not None
    return item, after.newest, list(after.deployments)


@pytest.mark.parametrize("on_drift", ["keep", "overwrite"])
@pytest.mark.parametrize("by_hand", BY_HAND.values(), ids=BY_HAND)
def test_nothing_is_missing_after_a_deploy_whatever_it_was_told_to_keep(by_hand: Change, on_drift: OnDrift) -> None:
    item, release, live = written(by_hand, on_drift)
    assert list(missing(item, release, live)) == []


MEDDLED = {
    "it points at the release": {"job_variables": {"task_definition_arn": worlds.arn(9)}},
    "description other → new": {"description": "other"},
    "parameters": {"parameters": {"limit": 3}},
    "0 9 * * * UTC → 0 7 * * * UTC": {
        "schedules": (worlds.live_schedule(cron="0 9 * * *"), worlds.live_schedule("more"))
    },
    "add hello/main: schedule more": {"schedules": (worlds.live_schedule(cron="0 7 * * *"),)},
}


@pytest.mark.parametrize(("told", "change"), MEDDLED.items(), ids=MEDDLED)
def test_what_differs_from_what_was_written_is_told_with_both_values(told: str, change: Change) -> None:
    item, release, live = written({}, "stop")
    live = [one.model_copy(update=change) if one.name == "main" else one for one in live]
    assert told in " ".join(missing(item, release, live))


def test_a_deployment_that_vanished_is_missing() -> None:
    item, release, live = written({}, "stop")
    said = list(missing(item, release, [one for one in live if one.name != "fresh"]))
    assert said == ["create hello/fresh (there is no such deployment yet)"]


def test_what_was_deleted_and_is_there_again_is_told() -> None:
    observed = worlds.world(worlds.release())
    item = worlds.planned(worlds.release(None, deployments=(worlds.deployment(schedules=()),)), observed)
    after = worlds.carried_out(item, observed, worlds.release())
    assert after.newest is not None
    (live,) = after.deployments
    assert list(missing(item, after.newest, [live])) == []
    back = live.model_copy(update={"schedules": (worlds.live_schedule(),)})
    assert list(missing(item, after.newest, [back])) == ["delete hello/main: schedule daily"]
