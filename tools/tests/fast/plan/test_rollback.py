"""A rollback gives exactly an earlier release's deployments; what an operator did stays or is told, never lost."""

from __future__ import annotations

from typing import Any

import pytest

from tools.errors import UserError
from tools.model.observed import Observed, RoleObserved
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.plan.actions import OnDrift, ServicePlan
from tools.plan.live import live_release, points_at
from tools.plan.rollback import chosen, rollback
from tools.tests.worlds import (
    POOL,
    arn,
    carried_out,
    deployment,
    drift,
    live,
    live_schedule,
    planned,
    release,
    said,
    schedule,
    why,
    world,
)

ONE = release(1, fingerprint="1" * 16, ecs_run={"memory": 512})
TWO = release(
    2,
    fingerprint="2" * 16,
    ecs_run={"memory": 1024, "capacity": "FARGATE_SPOT"},
    entrypoint="flow.py:other",
    parameter_schema={"type": "object", "properties": {"limit": {"type": "integer"}}},
    deployments=(
        deployment(
            description="two",
            tags=("lake",),
            parameters={"limit": 2},
            concurrency_limit=2,
            schedules=(schedule(cron="0 7 * * *", parameters={"limit": 3}), schedule("weekly", "0 8 * * 1")),
        ),
        deployment("hourly", schedules=(schedule("hourly", "0 * * * *"),)),
    ),
)
THREE = release(3, fingerprint="3" * 16)


def by_hand(of: Release, name: str = "copy", **more: Any) -> PrefectDeployment:
    """A deployment that somebody made from the first one of a release."""
    made = live(of)
    schedules = tuple(item.model_copy(update={"id": f"id-{name}-{item.slug}"}) for item in made.schedules)
    changes = {"id": f"id-{name}", "name": name, "tags": (), "schedules": schedules}
    return made.model_copy(update={**changes, **more})


def back(observed: Observed, to: str = "", on_drift: OnDrift = "stop") -> ServicePlan:
    """The plan of a rollback."""
    (item,) = rollback(chosen("hello", "Dev", to, observed), observed, POOL, on_drift).services
    return item


def after(observed: Observed, to: str = "", on_drift: OnDrift = "stop") -> Observed:
    """The world after a rollback; doing it again writes nothing."""
    item = back(observed, to, on_drift)
    assert item.refused == ()
    done = carried_out(item, observed, item.release)
    assert said(back(done, str(item.release.revision), on_drift)) == []
    return done


def unordered(deployments: tuple[PrefectDeployment, ...]) -> list[PrefectDeployment]:
    """Deployments to compare: the order of schedules is nobody's."""
    found = [
        item.model_copy(update={"schedules": tuple(sorted(item.schedules, key=lambda one: one.slug))})
        for item in deployments
    ]
    return sorted(found, key=lambda item: item.name)


# Which release --------------------------------------------------------------------------------------------------------

TWO_ON_TWO = [live(TWO), live(TWO, "hourly")]
CHOSEN: dict[str, tuple[Observed, str, int]] = {
    "the one before the live one": (world(ONE, TWO, THREE), "", 2),
    "where a release between is gone": (world(ONE, THREE), "", 1),
    "after a rollback, the one before that": (world(ONE, TWO, THREE, deployments=TWO_ON_TWO), "", 1),
    "after a release that no deployment points at yet": (world(ONE, TWO, THREE, deployments=TWO_ON_TWO), "", 1),
    "half deployed: before the newer one": (
        world(ONE, TWO, deployments=[live(TWO), live(ONE).model_copy(update={"name": "hourly"})]),
        "",
        1,
    ),
    "a deployment made by hand on a later release counts not": (
        world(ONE, TWO, THREE, deployments=[*TWO_ON_TWO, by_hand(THREE)]),
        "",
        1,
    ),
    "nor does one that copies our mark": (
        world(ONE, TWO, THREE, deployments=[*TWO_ON_TWO, by_hand(THREE, tags=("data-flows:Dev",))]),
        "",
        1,
    ),
    "unless there is no other": (world(ONE, TWO, THREE, deployments=[by_hand(TWO)]), "", 1),
    "its number": (world(ONE, TWO, THREE), "1", 1),
    "family and number": (world(ONE, TWO, THREE), "data-flows-Dev-hello:1", 1),
    "its ARN": (world(ONE, TWO, THREE), arn(1), 1),
    "the live one itself": (world(ONE, TWO), "2", 2),
    "forward again": (world(ONE, TWO, deployments=[live(ONE)]), "2", 2),
}


@pytest.mark.parametrize(("observed", "to", "revision"), CHOSEN.values(), ids=CHOSEN)
def test_the_release_to_go_back_to(observed: Observed, to: str, revision: int) -> None:
    assert chosen("hello", "Dev", to, observed).revision == revision


UNKNOWN = {
    "a number that there is not": "9",
    "zero": "0",
    "a leading zero": "01",
    "less than zero": "-1",
    "a fraction": "1.0",
    "a word": "previous",
    "spaces": " 1",
    "digits of another script": "\u0661",
    "a very long number": "1" * 5000,
    "another family": "data-flows-Prod-hello:1",
    "another account": arn(1).replace("000000000000", "123456789012"),
    "a shell's words": "1; rm -rf ~",
    "a line break": "1\n",
}


@pytest.mark.parametrize("to", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_release_is_an_error_that_says_which_there_are(to: str) -> None:
    with pytest.raises(UserError, match=r"hello has no release .* in Dev; there are: 3, 2, 1") as caught:
        chosen("hello", "Dev", to, world(ONE, TWO, THREE))
    assert "history hello --environment Dev" in caught.value.hint


def test_a_service_that_was_never_deployed_is_told_so() -> None:
    with pytest.raises(UserError, match="hello has no release in Dev: it was never deployed there") as caught:
        chosen("hello", "Dev", "", world())
    assert caught.value.hint == "make deploy-flow NAME=hello ENVIRONMENT=Dev"


def test_before_the_first_release_there_is_none() -> None:
    with pytest.raises(UserError, match="hello has no release before 1 in Dev; there are: 2, 1"):
        chosen("hello", "Dev", "", world(ONE, TWO, deployments=[live(ONE)]))


def test_where_no_deployment_points_at_a_release_it_is_to_be_named() -> None:
    nothing_live = world(ONE, TWO, deployments=[live(ONE, job_variables={"task_definition_arn": arn(9)})])

    with pytest.raises(UserError, match="no deployment of hello in Dev points at a release; there are: 2, 1") as caught:
        chosen("hello", "Dev", "", nothing_live)
    assert "TO=" in caught.value.hint
    assert chosen("hello", "Dev", "1", nothing_live).revision == 1


def test_nothing_is_live_where_nothing_was_deployed() -> None:
    assert live_release(world()) is None
    assert live_release(world(ONE, deployments=[])) is None


# What is done ---------------------------------------------------------------------------------------------------------


def test_a_rollback_is_exactly_the_release_s_deployments() -> None:
    item = back(world(ONE, TWO))

    assert said(item) == [
        "change hello/main: schedule daily",
        "delete hello/main: schedule weekly",
        "patch hello/main",
        "delete hello/hourly",
    ]
    assert all(action.why for action in item.actions)
    assert {action.stage for action in item.actions} == {"register"}
    assert unordered(after(world(ONE, TWO)).deployments) == [live(ONE)]


def test_a_rollback_to_a_release_with_more_brings_it_all_back() -> None:
    observed = world(ONE, TWO, THREE)

    assert said(back(observed)) == [
        "change hello/main: schedule daily",
        "add hello/main: schedule weekly",
        "patch hello/main",
        "create hello/hourly",
    ]
    assert unordered(after(observed).deployments) == unordered((live(TWO), live(TWO, "hourly")))


def test_a_second_rollback_goes_one_further_and_a_third_finds_nothing_before() -> None:
    first = after(world(ONE, TWO, THREE))
    second = after(first)

    assert [points_at(item) for item in (*first.deployments, *second.deployments)] == [arn(2), arn(2), arn(1)]
    with pytest.raises(UserError, match="no release before 1"):
        back(second)


def test_a_rollback_to_what_is_live_writes_nothing() -> None:
    assert said(back(world(ONE, TWO), "2")) == []


def test_a_half_deployed_service_is_brought_back_whole() -> None:
    half = world(ONE, TWO, deployments=[live(ONE, schedules=(live_schedule(), live_schedule("weekly", "0 8 * * 1")))])

    assert said(back(half, "1")) == ["delete hello/main: schedule weekly"]
    assert unordered(after(half, "1").deployments) == [live(ONE)]


def test_after_a_rollback_a_deploy_is_told_as_ahead_and_goes_forward_again() -> None:
    rolled_back = after(world(ONE, TWO))
    item = planned(TWO, rolled_back)

    assert [*map(str, item.notes)] == [
        "the environment is behind: release 1 is live, the repository declares release 2"
    ]
    assert (item.reused, item.release.revision, item.refused) == (True, 2, ())
    forward = carried_out(item, rolled_back, TWO)
    assert unordered(forward.deployments) == unordered((live(TWO), live(TWO, "hourly")))


# The operator's -------------------------------------------------------------------------------------------------------


def main(**changes: Any) -> Observed:
    """A world whose deployment `main` was changed by hand, between two releases of it alone."""
    return world(ONE, THREE, deployments=[live(THREE, **changes)])


STAYS: dict[str, dict[str, Any]] = {
    "a paused deployment": {"paused": True},
    "a paused schedule": {"schedules": (live_schedule(active=False),)},
    "a schedule made in the UI": {"schedules": (live_schedule(), live_schedule("", "0 12 * * *"))},
    "a concurrency limit": {"concurrency_limit": 9},
    "all of it": {
        "paused": True,
        "concurrency_limit": 9,
        "schedules": (live_schedule(active=False), live_schedule("", "0 12 * * *")),
    },
}


@pytest.mark.parametrize("on_drift", ["stop", "overwrite", "keep"])
@pytest.mark.parametrize("changes", STAYS.values(), ids=STAYS)
def test_what_is_the_operators_stays(changes: dict[str, Any], on_drift: OnDrift) -> None:
    observed = main(**changes)

    assert drift(back(observed)) == []
    assert after(observed, "", on_drift).deployments == (live(ONE, **changes),)


def test_a_paused_schedule_stays_paused_where_its_time_goes_back() -> None:
    paused = (
        live_schedule(cron="0 7 * * *", parameters={"limit": 3}, active=False),
        live_schedule("weekly", "0 8 * * 1"),
    )
    observed = world(ONE, TWO, deployments=[live(TWO, schedules=paused)])

    assert after(observed).deployments == (live(ONE, schedules=(live_schedule(active=False),)),)


def test_a_deployment_made_by_hand_stays_whatever_it_points_at() -> None:
    theirs = [by_hand(TWO), by_hand(TWO, "duplicate", tags=("data-flows:Dev",))]
    observed = world(ONE, TWO, deployments=[*TWO_ON_TWO, *theirs])

    assert unordered(after(observed).deployments) == unordered((live(ONE), *theirs))


BY_HAND: dict[str, tuple[dict[str, Any], str]] = {
    "the description": ({"description": "mine"}, "description"),
    "a parameter": ({"parameters": {"table": "mine"}}, "parameters"),
    "a schedule's cron": ({"schedules": (live_schedule(cron="0 9 * * *"),)}, "schedule daily"),
    "a schedule deleted": ({"schedules": ()}, "schedule daily"),
    "a job variable": ({"job_variables": {"task_definition_arn": arn(3), "cpu": "4096"}}, "job variables"),
}


@pytest.mark.parametrize(("changes", "what"), BY_HAND.values(), ids=BY_HAND)
def test_a_change_by_hand_refuses_the_rollback_and_is_told(changes: dict[str, Any], what: str) -> None:
    item = back(main(**changes))

    (refused,) = item.refused
    assert refused.startswith(f"hello/main: {what} was changed by hand: it is ")
    assert refused.endswith("; say --overwrite or --keep")
    assert not item.commits


@pytest.mark.parametrize(("changes", "what"), BY_HAND.values(), ids=BY_HAND)
def test_a_change_by_hand_is_overwritten_on_demand(changes: dict[str, Any], what: str) -> None:
    assert after(main(**changes), "", "overwrite").deployments == (live(ONE),)


@pytest.mark.parametrize(("changes", "what"), BY_HAND.values(), ids=BY_HAND)
def test_a_change_by_hand_is_kept_on_demand_on_the_old_release(changes: dict[str, Any], what: str) -> None:
    (found,) = after(main(**changes), "", "keep").deployments

    variables = {**live(THREE, **changes).job_variables, "task_definition_arn": arn(1)}
    assert found == live(ONE, **{**changes, "job_variables": variables})


# A deployment that would be deleted -----------------------------------------------------------------------------------

HOURLY = live_schedule("hourly", "0 * * * *")
LOST: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a description": ({"description": "mine"}, ["hello/hourly: description"]),
    "a schedule's cron": (
        {"schedules": (live_schedule("hourly", "30 * * * *"),)},
        ["hello/hourly: schedule hourly"],
    ),
    "a schedule made in the UI": (
        {"schedules": (HOURLY, live_schedule("", "0 12 * * *"))},
        ["hello/hourly: schedule"],
    ),
    "a schedule made through the API": (
        {"schedules": (HOURLY, live_schedule("mine", "0 12 * * *"))},
        ["hello/hourly: schedule mine"],
    ),
    "a pause of the deployment": ({"paused": True}, ["hello/hourly"]),
    "a pause of a schedule": (
        {"schedules": (live_schedule("hourly", "0 * * * *", active=False),)},
        ["hello/hourly: schedule hourly"],
    ),
}


def with_hourly(**changes: Any) -> Observed:
    """A world with a deployment that release 1 does not declare."""
    return world(ONE, TWO, deployments=[live(TWO), live(TWO, "hourly", **changes)])


@pytest.mark.parametrize(("changes", "told"), LOST.values(), ids=LOST)
def test_what_would_be_lost_with_a_deployment_refuses_the_rollback(changes: dict[str, Any], told: list[str]) -> None:
    item = back(with_hourly(**changes))

    assert drift(item) == told
    assert len(item.refused) == 1


@pytest.mark.parametrize(("changes", "told"), LOST.values(), ids=LOST)
def test_it_goes_or_stays_on_demand(changes: dict[str, Any], told: list[str]) -> None:
    observed = with_hourly(**changes)

    assert unordered(after(observed, "", "overwrite").deployments) == [live(ONE)]
    assert unordered(after(observed, "", "keep").deployments) == unordered((live(ONE), live(TWO, "hourly", **changes)))


def test_schedules_that_start_paused_here_are_no_pause_of_an_operator() -> None:
    quiet = TWO.model_copy(update={"deployments": (deployment(), deployment("hourly", active_in=("Prod",)))})
    item = back(world(ONE, quiet))

    assert (drift(item), item.refused) == ([], ())
    assert said(item) == ["patch hello/main", "delete hello/hourly"]
    assert "release 1 does not declare it" in why(item)


def test_where_the_release_of_a_later_deployment_is_unknown_it_is_deleted_by_its_mark() -> None:
    unknown = live(TWO, "hourly", job_variables={"task_definition_arn": arn(9)})
    observed = world(ONE, TWO, deployments=[live(TWO), unknown])

    assert unordered(after(observed).deployments) == [live(ONE)]


# Stopped anywhere -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", range(5))
@pytest.mark.parametrize("to", ["1", "2"])
def test_stopped_anywhere_and_run_again_a_rollback_arrives_at_the_same_end(to: str, steps: int) -> None:
    observed = world(ONE, TWO, THREE, deployments=TWO_ON_TWO if to == "1" else None)
    at_once = after(observed, to)

    item = back(observed, to)
    stopped = carried_out(item, observed, item.release, steps)

    assert drift(back(stopped, to)) == []
    assert unordered(after(stopped, to).deployments) == unordered(at_once.deployments)


@pytest.mark.parametrize("steps", range(5))
def test_after_a_stopped_rollback_a_deploy_goes_forward_again_or_tells_what_is_gone(steps: int) -> None:
    observed = world(ONE, TWO)
    item = back(observed)
    stopped = carried_out(item, observed, item.release, steps)

    # Nothing says that it was not an operator who deleted the schedule.
    assert drift(planned(TWO, stopped)) == (["hello/main: schedule weekly"] if steps == 2 else [])
    again = planned(TWO, stopped, "overwrite")
    assert unordered(carried_out(again, stopped, TWO).deployments) == unordered(observed.deployments)


def test_a_deployment_that_only_an_earlier_release_declared_is_no_business_of_a_rollback() -> None:
    first = release(22, deployments=(deployment(), deployment("b")))
    second, third = release(23), release(24, ecs_run={"memory": 1024})
    left = live(first, "b", schedules=(live_schedule("daily", "0 9 * * *", active=False),), paused=True)
    observed = world(first, second, third, deployments=[live(third), left])

    item = back(observed)

    assert (item.release, drift(item), item.refused) == (second, [], ())
    assert said(item) == ["patch hello/main"]
    assert [str(note) for note in item.notes] == [
        "deployment hello/b: no longer declared; until `prune` deletes it, its schedules go on"
    ]
    assert unordered(carried_out(item, observed, second).deployments) == unordered((live(second), left))


def test_what_the_role_lacks_of_an_earlier_release_is_told_and_keeps_nothing() -> None:
    observed = world(ONE, TWO, role=RoleObserved(note="the role x lacks y"))
    (item,) = rollback(ONE, observed, POOL, "stop").services

    assert "the role x lacks y" in [str(note) for note in item.notes]
    assert (item.problems, item.refused) == ((), ())
    assert item.actions
