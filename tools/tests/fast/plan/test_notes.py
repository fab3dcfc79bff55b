"""What a deploy leaves as it is and is good to know is told, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from tools.model.names import mark
from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.plan.notes import notes
from tools.tests.worlds import POOL, arn, deployment, live, live_schedule, planned, release, world

ONE = release(1)
LIMITED = release(1, deployments=(deployment(concurrency_limit=2),))
ELSEWHERE = release(1, deployments=(deployment(active_in=("Prod",)),))
TWO_DEPLOYMENTS = release(1, deployments=(deployment(), deployment("old")))

BY_HAND: dict[str, tuple[Release, dict[str, Any], list[str]]] = {
    "nothing": (ONE, {}, []),
    "a paused deployment": (ONE, {"paused": True}, ["deployment hello/main: is paused, and stays so"]),
    "a paused schedule": (
        ONE,
        {"schedules": (live_schedule(active=False),)},
        ["deployment hello/main: schedule daily is paused by hand, and stays so"],
    ),
    "a schedule made active": (
        ELSEWHERE,
        {"schedules": (live_schedule(active=True),)},
        ["deployment hello/main: schedule daily is active by hand, and stays so"],
    ),
    "a schedule that starts paused here": (ELSEWHERE, {}, []),
    "a schedule made in the UI": (
        ONE,
        {"schedules": (live_schedule(), live_schedule("", "0 12 * * *"))},
        ["deployment hello/main: a schedule (0 12 * * * UTC) was made by hand, and stays"],
    ),
    "a schedule made through the API": (
        ONE,
        {"schedules": (live_schedule(), live_schedule("mine", schedule={"interval": 60.0}))},
        ["deployment hello/main: schedule mine (every 60 s) was made by hand, and stays"],
    ),
    "a concurrency limit": (
        ONE,
        {"concurrency_limit": 7},
        ["deployment hello/main: its concurrency limit was set by hand (7), and stays"],
    ),
    "a concurrency limit that was removed": (
        LIMITED,
        {"concurrency_limit": None},
        ["deployment hello/main: its concurrency limit was set by hand (none), and stays"],
    ),
    "a declared concurrency limit": (LIMITED, {}, []),
}


@pytest.mark.parametrize(("one", "by_hand", "told"), BY_HAND.values(), ids=BY_HAND)
def test_what_is_the_operators_is_told(one: Release, by_hand: dict[str, Any], told: list[str]) -> None:
    observed = world(one, deployments=[live(one, **by_hand)])

    assert list(map(str, notes(one, observed, POOL))) == told
    assert list(map(str, planned(one, observed).notes)) == told


def other(**changes: Any) -> PrefectDeployment:
    """A deployment that the repository does not declare."""
    return live(ONE).model_copy(update={"id": "id-other", "name": "other", **changes})


TWO = release(2, ecs_run={"memory": 1024})
LEFT = "deployment hello/old: no longer declared; until `prune` deletes it, its schedules go on"
BY_SOMEBODY = "deployment hello/other: was made by hand, and stays"
UNDECLARED: dict[str, tuple[PrefectDeployment, str]] = {
    "that an older release declares": (live(TWO_DEPLOYMENTS, "old"), LEFT),
    "whose release is gone": (live(TWO_DEPLOYMENTS, "old", job_variables={"task_definition_arn": arn(9)}), LEFT),
    "without our mark": (other(tags=()), BY_SOMEBODY),
    "with another environment's mark": (other(tags=(mark("Prod"),)), BY_SOMEBODY),
    "with our mark, which the UI's Duplicate has copied": (other(), BY_SOMEBODY),
}


@pytest.mark.parametrize(("there", "told"), UNDECLARED.values(), ids=UNDECLARED)
def test_a_deployment_that_is_not_declared_is_told(there: PrefectDeployment, told: str) -> None:
    observed = world(TWO_DEPLOYMENTS, TWO, deployments=[live(TWO), there])

    assert list(map(str, notes(TWO, observed, POOL))) == [told]


BEHIND: dict[str, tuple[Observed, Release, list[str]]] = {
    "after a rollback": (
        world(ONE, TWO, deployments=[live(ONE)]),
        TWO,
        ["the environment is behind: release 1 is live, the repository declares release 2"],
    ),
    "in step": (world(ONE, TWO), TWO, []),
    "the repository went back": (world(ONE, TWO), ONE, []),
    "a release that is not registered yet": (world(ONE), release(None, ecs_run={"memory": 2048}), []),
    "never deployed": (world(), release(None), []),
}


@pytest.mark.parametrize(("observed", "wanted", "told"), BEHIND.values(), ids=BEHIND)
def test_an_environment_that_is_behind_is_told(observed: Observed, wanted: Release, told: list[str]) -> None:
    assert list(map(str, notes(wanted, observed, POOL))) == told


def test_of_two_deployments_one_that_is_behind_is_told() -> None:
    newer = TWO_DEPLOYMENTS.model_copy(update={"revision": 2, "arn": arn(2), "log_group": "/other"})
    observed = world(TWO_DEPLOYMENTS, newer, deployments=[live(newer), live(TWO_DEPLOYMENTS, "old")])

    (told,) = notes(newer, observed, POOL)
    assert str(told) == "the environment is behind: release 1 is live, the repository declares release 2"
