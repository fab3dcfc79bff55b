"""What Prefect holds is brought to what is declared; what an operator did by hand is kept or told, never lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tools.model.names import mark
from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.plan.actions import ChangeSchedule, Patch
from tools.plan.live import points_at
from tools.tests.worlds import (
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

ONE = release(1)
TWO_SCHEDULES = (schedule("daily"), schedule("weekly", "0 7 * * 1"))


def deployed(of: Release = ONE, /, **by_hand: Any) -> Observed:
    """A world with one deployment as a deploy left it, but for what was changed by hand since."""
    return world(of, deployments=[live(of, **by_hand)])


def declared(**changes: Any) -> Release:
    """What the repository declares: one deployment with changes, in the release's other words."""
    return release(None, deployments=(deployment(**changes),))


def after(draft: Release, observed: Observed, on_drift: Any = "stop") -> PrefectDeployment:
    """The deployment after a deploy; the deploy leaves nothing to do."""
    done = carried_out(planned(draft, observed, on_drift), observed, draft)
    assert said(planned(draft, done, on_drift)) == []
    return done.deployments[0]


# Nothing to do, one thing to do ---------------------------------------------------------------------------------------


def test_what_is_as_declared_is_left_alone() -> None:
    item = planned(ONE, deployed())

    assert (said(item), drift(item), (*item.problems, *item.refused)) == ([], [], ())
    assert item.reused


def test_a_deployment_that_is_not_there_is_created_with_its_schedules() -> None:
    item = planned(ONE, world(ONE, deployments=[]))

    assert said(item) == ["create hello/main"]
    assert why(item) == ["there is no such deployment yet"]


def test_a_deployment_that_is_no_longer_declared_is_left_alone() -> None:
    two = release(1, deployments=(deployment("main"), deployment("old")))
    item = planned(release(None), world(two))

    assert said(item) == ["release data-flows-Dev-hello", "patch hello/main"]


CHANGES: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "a description": ({"description": "new"}, [], "description none → new"),
    "a tag": ({"tags": ("lake",)}, [], "tags ('data-flows:Dev',) → ('data-flows:Dev', 'lake')"),
    "a parameter": ({"parameters": {"table": "x"}}, [], "parameters none → {'table': 'x'}"),
    "a concurrency limit": ({"concurrency_limit": 2}, [], "concurrency limit none → 2"),
    "a schedule's cron": (
        {"schedules": (schedule(cron="30 6 * * *"),)},
        ["change hello/main: schedule daily"],
        "0 6 * * * UTC → 30 6 * * * UTC",
    ),
    "a schedule's time zone": (
        {"schedules": (schedule(timezone="Asia/Tokyo"),)},
        ["change hello/main: schedule daily"],
        "0 6 * * * UTC → 0 6 * * * Asia/Tokyo",
    ),
    "a cron that becomes an interval": (
        {"schedules": (schedule(cron=None, interval=300),)},
        ["change hello/main: schedule daily"],
        "0 6 * * * UTC → every 300 s",
    ),
    "a cron that becomes a rule": (
        {"schedules": (schedule(cron=None, rrule="DTSTART:20260101T000000\nRRULE:FREQ=DAILY"),)},
        ["change hello/main: schedule daily"],
        "0 6 * * * UTC → DTSTART:20260101T000000 RRULE:FREQ=DAILY UTC",
    ),
    "a schedule's parameters": (
        {"schedules": (schedule(parameters={"table": "x"}),)},
        ["change hello/main: schedule daily"],
        "parameters.table none → x",
    ),
    "a new schedule": (
        {"schedules": TWO_SCHEDULES},
        ["add hello/main: schedule weekly"],
        "it is declared: 0 7 * * 1 UTC",
    ),
    "a schedule that goes": ({"schedules": ()}, ["delete hello/main: schedule daily"], "it is no longer declared"),
}


@pytest.mark.parametrize(("changes", "actions", "reason"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_repository_is_written(changes: dict[str, Any], actions: list[str], reason: str) -> None:
    draft = declared(**changes)
    item = planned(draft, deployed())

    assert said(item) == ["release data-flows-Dev-hello", *actions, "patch hello/main"]
    assert reason in why(item)
    assert drift(item) == []
    found = after(draft, deployed())
    assert points_at(found) == arn(2)
    fresh = live(release(2, deployments=draft.deployments))
    assert found.model_copy(update={"schedules": ()}) == fresh.model_copy(update={"schedules": ()})
    assert {item.slug: item for item in found.schedules} == {item.slug: item for item in fresh.schedules}


def test_every_field_that_differs_is_named_and_only_those_are_written() -> None:
    item = planned(declared(description="new", parameters={"limit": 1}), deployed())
    patch = item.actions[-1]

    assert isinstance(patch, Patch)
    assert patch.fields == ("description", "version", "parameters", "job_variables")
    assert patch.why == ("description none → new", "parameters none → {'limit': 1}", "it points at the release")


def test_true_in_the_place_of_1_is_a_change() -> None:
    one = release(1, deployments=(deployment(parameters={"limit": 1}),))

    assert "parameters {'limit': 1} → {'limit': True}" in why(
        planned(declared(parameters={"limit": True}), deployed(one))
    )


def test_a_deployment_points_at_its_release_only_after_its_schedules_are_written() -> None:
    item = planned(declared(schedules=(schedule("other"), schedule(cron="0 9 * * *"))), deployed())

    assert said(item)[-1] == "patch hello/main"


# The operator's -------------------------------------------------------------------------------------------------------

EXTRA = live_schedule("", "0 12 * * *", active=True)
INACTIVE_HERE = release(1, deployments=(deployment(active_in=("Prod",)),))
OPERATORS: dict[str, tuple[Release, dict[str, Any], Callable[[PrefectDeployment], bool]]] = {
    "a paused schedule": (
        ONE,
        {"schedules": (live_schedule(active=False),)},
        lambda found: not by_slug(found)["daily"].active,
    ),
    "a schedule made active where it starts inactive": (
        INACTIVE_HERE,
        {"schedules": (live_schedule(active=True),)},
        lambda found: by_slug(found)["daily"].active,
    ),
    "a paused deployment": (ONE, {"paused": True}, lambda found: found.paused),
    "a concurrency limit": (ONE, {"concurrency_limit": 7}, lambda found: found.concurrency_limit == 7),
    "a concurrency limit in the place of the declared one": (
        release(1, deployments=(deployment(concurrency_limit=2),)),
        {"concurrency_limit": 7},
        lambda found: found.concurrency_limit == 7,
    ),
    "a concurrency limit that was removed": (
        release(1, deployments=(deployment(concurrency_limit=2),)),
        {"concurrency_limit": None},
        lambda found: found.concurrency_limit is None,
    ),
    "a schedule made in the UI": (
        ONE,
        {"schedules": (live_schedule(), EXTRA)},
        lambda found: EXTRA in found.schedules,
    ),
    "a schedule made through the API, with a slug": (
        ONE,
        {"schedules": (live_schedule(), live_schedule("mine"))},
        lambda found: "mine" in by_slug(found),
    ),
    "all of it": (
        ONE,
        {"paused": True, "concurrency_limit": 7, "schedules": (EXTRA, live_schedule(active=False))},
        lambda found: (
            found.paused
            and found.concurrency_limit == 7
            and EXTRA in found.schedules
            and not by_slug(found)["daily"].active
        ),
    ),
}
REDEPLOYS: dict[str, dict[str, Any]] = {
    "nothing new": {},
    "a new description": {"description": "new"},
    "a new cron": {"schedules": (schedule(cron="30 6 * * *"),)},
    "a schedule more": {"schedules": TWO_SCHEDULES},
    "a new concurrency limit": {"concurrency_limit": 4},
}


def by_slug(deployment: PrefectDeployment) -> dict[str, PrefectSchedule]:
    """A deployment's schedules by their slugs."""
    return {item.slug: item for item in deployment.schedules}


@pytest.mark.parametrize("on_drift", ["stop", "overwrite", "keep"])
@pytest.mark.parametrize("redeploy", REDEPLOYS.values(), ids=REDEPLOYS)
@pytest.mark.parametrize(("one", "by_hand", "kept"), OPERATORS.values(), ids=OPERATORS)
def test_what_is_the_operators_stays(
    one: Release,
    by_hand: dict[str, Any],
    kept: Callable[[PrefectDeployment], bool],
    redeploy: dict[str, Any],
    on_drift: str,
) -> None:
    observed = deployed(one, **by_hand)
    changed = one.deployments[0].model_copy(update=redeploy)
    draft = one.model_copy(update={"deployments": (changed,)})

    item = planned(draft, observed, "stop")

    assert (drift(item), (*item.problems, *item.refused)) == ([], ())
    assert kept(observed.deployments[0])
    assert kept(after(draft, observed, on_drift))


def test_a_declared_concurrency_limit_that_nobody_touched_follows_the_repository() -> None:
    one = release(1, deployments=(deployment(concurrency_limit=2),))

    assert after(declared(concurrency_limit=5), deployed(one)).concurrency_limit == 5
    assert after(declared(concurrency_limit=None), deployed(one)).concurrency_limit is None


# Changed by hand ------------------------------------------------------------------------------------------------------

SPOT = release(1, ecs_run={"capacity": "FARGATE_SPOT"})
BY_HAND: dict[str, tuple[Release, dict[str, Any], str]] = {
    "the description": (ONE, {"description": "mine"}, "description"),
    "a tag more": (ONE, {"tags": ("data-flows:Dev", "mine")}, "tags"),
    "our mark removed": (ONE, {"tags": ()}, "tags"),
    "a parameter": (ONE, {"parameters": {"table": "mine"}}, "parameters"),
    "the entrypoint": (ONE, {"entrypoint": "mine.py:hello"}, "entrypoint"),
    "the path": (ONE, {"path": "/mine"}, "path"),
    "the work pool": (ONE, {"work_pool": "mine"}, "work pool"),
    "the version": (ONE, {"version": "mine"}, "version"),
    "the parameter schema": (ONE, {"parameter_schema": {"type": "object"}}, "parameter schema"),
    "a job variable more": (ONE, {"job_variables": {"task_definition_arn": arn(1), "cpu": "4096"}}, "job variables"),
    "a job variable otherwise": (
        SPOT,
        {"job_variables": {"task_definition_arn": arn(1), "launch_type": "EC2"}},
        "job variables",
    ),
    "a job variable less": (SPOT, {"job_variables": {"task_definition_arn": arn(1)}}, "job variables"),
    "a schedule's cron": (ONE, {"schedules": (live_schedule(cron="0 9 * * *"),)}, "schedule daily"),
    "a schedule's cron, and paused": (
        ONE,
        {"schedules": (live_schedule(cron="0 9 * * *", active=False),)},
        "schedule daily",
    ),
    "a schedule's parameters": (ONE, {"schedules": (live_schedule(parameters={"table": "x"}),)}, "schedule daily"),
    "a schedule's time zone": (
        ONE,
        {"schedules": (live_schedule(schedule={"cron": "0 6 * * *", "timezone": "Asia/Tokyo"}),)},
        "schedule daily",
    ),
    "how a schedule joins days": (
        ONE,
        {"schedules": (live_schedule(schedule={"cron": "0 6 * * *", "timezone": "UTC", "day_or": False}),)},
        "schedule daily",
    ),
    "a schedule deleted": (ONE, {"schedules": ()}, "schedule daily"),
}


@pytest.mark.parametrize(("one", "by_hand", "what"), BY_HAND.values(), ids=BY_HAND)
def test_a_change_by_hand_stops_the_deploy_and_is_told(one: Release, by_hand: dict[str, Any], what: str) -> None:
    item = planned(one, deployed(one, **by_hand))

    assert drift(item) == [f"hello/main: {what}"]
    (problem,) = item.refused
    assert problem.startswith(f"hello/main: {what} was changed by hand: it is ")
    assert problem.endswith("; say --overwrite or --keep")


@pytest.mark.parametrize(("one", "by_hand", "what"), BY_HAND.values(), ids=BY_HAND)
def test_a_change_by_hand_is_overwritten_on_demand_with_its_reason(
    one: Release, by_hand: dict[str, Any], what: str
) -> None:
    observed = deployed(one, **by_hand)
    item = planned(one, observed, "overwrite")

    assert drift(item) == [f"hello/main: {what}"]
    assert (*item.problems, *item.refused) == ()
    assert all(action.why for action in item.actions)
    found = after(one, observed, "overwrite")
    paused = any(not item.active for item in observed.deployments[0].schedules)
    expected = live(one, schedules=(live_schedule(active=not paused),))
    assert found == expected


@pytest.mark.parametrize(("one", "by_hand", "what"), BY_HAND.values(), ids=BY_HAND)
def test_a_change_by_hand_is_kept_on_demand(one: Release, by_hand: dict[str, Any], what: str) -> None:
    observed = deployed(one, **by_hand)
    item = planned(one, observed, "keep")

    assert said(item) == []
    assert drift(item) == [f"hello/main: {what}"]
    assert (*item.problems, *item.refused) == ()


@pytest.mark.parametrize(("one", "by_hand", "what"), BY_HAND.values(), ids=BY_HAND)
def test_a_change_by_hand_is_kept_through_a_new_release(one: Release, by_hand: dict[str, Any], what: str) -> None:
    observed = deployed(one, **by_hand)
    draft = one.model_copy(update={"log_group": "/other"})

    found = after(draft, observed, "keep")

    before = observed.deployments[0]
    moved = {"version": "2"} if what != "version" else {}
    variables = {**before.job_variables, "task_definition_arn": arn(2)}
    assert found == before.model_copy(update={"job_variables": variables, **moved})


WITH_PARAMETERS = release(1, deployments=(deployment(schedules=(schedule(parameters={"table": "x"}),)),))


@pytest.mark.parametrize("on_drift", ["stop", "overwrite", "keep"])
@pytest.mark.parametrize("cron", ["0 6 * * *", "30 6 * * *"], ids=["nothing new", "a new cron"])
def test_parameters_that_prefect_drops_when_a_schedule_is_paused_are_restored(cron: str, on_drift: str) -> None:
    observed = deployed(WITH_PARAMETERS, schedules=(live_schedule(active=False),))
    draft = declared(schedules=(schedule(cron=cron, parameters={"table": "x"}),))
    item = planned(draft, observed)

    assert (drift(item), (*item.problems, *item.refused)) == ([], ())
    assert "parameters.table none → x" in why(item)
    assert after(draft, observed, on_drift).schedules == (
        live_schedule(cron=cron, active=False, parameters={"table": "x"}),
    )


def test_values_are_told_on_both_sides() -> None:
    by_hand: dict[str, Any] = {"description": "mine", "schedules": (live_schedule(cron="0 9 * * *"),)}

    assert planned(ONE, deployed(**by_hand)).refused == (
        "hello/main: description was changed by hand: it is mine, declared is none; say --overwrite or --keep",
        "hello/main: schedule daily was changed by hand: it is 0 9 * * * UTC, declared is 0 6 * * * UTC; "
        "say --overwrite or --keep",
    )


SIDES: dict[str, tuple[dict[str, Any], str]] = {
    "its time": ({"cron": "0 9 * * *"}, "it is 0 9 * * * UTC, declared is 0 6 * * * UTC"),
    "only its parameters": ({"parameters": {"table": "x"}}, "it is {'table': 'x'}, declared is none"),
    "only how it joins days": (
        {"schedule": {"cron": "0 6 * * *", "timezone": "UTC", "day_or": False}},
        "it is {'cron': '0 6 * * *', 'timezone': 'UTC', 'day_or': False}, "
        "declared is {'cron': '0 6 * * *', 'timezone': 'UTC'}",
    ),
}


@pytest.mark.parametrize(("by_hand", "told"), SIDES.values(), ids=SIDES)
def test_the_two_values_of_a_schedule_tell_them_apart(by_hand: dict[str, Any], told: str) -> None:
    (refused,) = planned(ONE, deployed(schedules=(live_schedule(**by_hand),))).refused

    assert told in refused


def test_a_long_interval_is_told_to_the_second() -> None:
    one = release(1, deployments=(deployment(schedules=(schedule(cron=None, interval=1209600),)),))

    assert "every 1209600 s → every 1209601 s" in why(
        planned(declared(schedules=(schedule(cron=None, interval=1209601),)), deployed(one))
    )


EARLY, LATE = "2026-01-01T06:00:00", "2026-01-01T18:00:00"
ANCHORS: dict[str, tuple[str | None, str | None, str, list[str], list[str]]] = {
    # declared by the release, declared now, what Prefect has -> what is done, what drifts
    "declared nowhere": (None, None, LATE, [], []),
    "as declared": (EARLY, EARLY, EARLY, [], []),
    "declared for the first time": (None, EARLY, LATE, ["change hello/main: schedule daily"], []),
    "another one": (EARLY, LATE, EARLY, ["change hello/main: schedule daily"], []),
    "no longer declared: it stays": (EARLY, None, EARLY, [], []),
    "moved by hand": (EARLY, EARLY, LATE, ["change hello/main: schedule daily"], ["hello/main: schedule daily"]),
    "moved by hand to what is declared now": (EARLY, LATE, LATE, [], []),
    "moved by hand and no longer declared: it stays": (EARLY, None, LATE, [], []),
}


@pytest.mark.parametrize(("before", "now", "found", "done", "drifting"), ANCHORS.values(), ids=ANCHORS)
def test_an_anchor_is_as_declared_and_stays_where_none_is(
    before: str | None, now: str | None, found: str, done: list[str], drifting: list[str]
) -> None:
    def of(anchor: str | None, revision: int | None) -> Release:
        every = schedule(cron=None, interval=86400, anchor=anchor)
        return release(revision, deployments=(deployment(schedules=(every,)),))

    there = live_schedule(schedule={"interval": 86400.0, "timezone": "UTC"}, anchor=found)
    observed = world(of(before, 1), deployments=[live(of(before, 1), schedules=(there,))])
    item = planned(of(now, None), observed)

    assert [word for word in said(item) if "schedule" in word] == done
    assert drift(item) == drifting
    if done:
        assert f"every 86400 s from {found} → every 86400 s from {now}" in why(item)


def test_a_change_by_hand_that_the_repository_has_taken_over_is_none() -> None:
    by_hand: dict[str, Any] = {"description": "mine", "schedules": (live_schedule(cron="0 9 * * *"),)}
    draft = declared(description="mine", schedules=(schedule(cron="0 9 * * *"),))

    item = planned(draft, deployed(**by_hand))

    assert (drift(item), (*item.problems, *item.refused)) == ([], ())
    assert said(item) == ["release data-flows-Dev-hello", "patch hello/main"]


def test_a_change_of_both_sides_is_told() -> None:
    by_hand: dict[str, Any] = {"description": "mine", "schedules": ()}
    draft = declared(description="theirs", schedules=(schedule(cron="0 9 * * *"),))

    assert drift(planned(draft, deployed(**by_hand))) == ["hello/main: description", "hello/main: schedule daily"]


def test_a_schedule_made_by_hand_whose_slug_is_declared_later_is_told() -> None:
    by_hand: dict[str, Any] = {"schedules": (live_schedule(), live_schedule("weekly", "0 12 * * *"))}

    assert drift(planned(declared(schedules=TWO_SCHEDULES), deployed(**by_hand))) == ["hello/main: schedule weekly"]


def test_a_deployment_made_by_hand_under_a_declared_name_is_told() -> None:
    by_hand = PrefectDeployment(id="x", flow="hello", name="main", entrypoint="flow.py:hello", work_pool="mine")

    assert drift(planned(ONE, world(ONE, deployments=[by_hand]))) == [
        "hello/main: tags",
        "hello/main: path",
        "hello/main: work pool",
        "hello/main: parameter schema",
    ]


@pytest.mark.parametrize(
    "pointed_at", ["arn:aws:ecs:eu-west-1:123456789012:task-definition/gone:1", "", None], ids=["gone", "empty", "null"]
)
def test_a_deployment_whose_release_is_unknown_is_pointed_at_the_right_one(pointed_at: str | None) -> None:
    item = planned(ONE, deployed(job_variables={"task_definition_arn": pointed_at}, version="9"))

    assert (said(item), drift(item)) == (["patch hello/main"], [])
    assert why(item) == ["it points at the release"]


def test_without_a_release_to_compare_with_every_difference_may_be_by_hand() -> None:
    observed = deployed(job_variables={}, description="x", schedules=(live_schedule(cron="0 9 * * *"),))

    assert drift(planned(ONE, observed)) == ["hello/main: description", "hello/main: schedule daily"]


# Slugs ----------------------------------------------------------------------------------------------------------------

PAUSED: dict[str, Any] = {"schedules": (live_schedule(active=False),)}
RENAMES: dict[str, tuple[dict[str, Any], tuple[Any, ...], dict[str, bool]]] = {
    "renamed": ({}, (schedule("morning"),), {"morning": True}),
    "renamed while paused": (PAUSED, (schedule("morning"),), {"morning": False}),
    "renamed and moved while paused": (PAUSED, (schedule("morning", "15 6 * * *"),), {"morning": False}),
    "renamed beside a new one, while paused": (
        PAUSED,
        (schedule("morning"), schedule("evening", "0 18 * * *")),
        {"morning": False, "evening": True},
    ),
    "replaced by two others, while paused": (
        PAUSED,
        (schedule("noon", "0 12 * * *"), schedule("evening", "0 18 * * *")),
        {"noon": True, "evening": True},
    ),
    "a new one beside it, while paused": (PAUSED, TWO_SCHEDULES, {"daily": False, "weekly": True}),
}


@pytest.mark.parametrize(("by_hand", "schedules", "active"), RENAMES.values(), ids=RENAMES)
def test_a_schedule_that_gets_another_slug_keeps_its_pause(
    by_hand: dict[str, Any], schedules: tuple[Any, ...], active: dict[str, bool]
) -> None:
    found = after(declared(schedules=schedules), deployed(**by_hand))

    assert {item.slug: item.active for item in found.schedules} == active


def test_the_pause_that_goes_on_is_told() -> None:
    item = planned(declared(schedules=(schedule("morning"),)), deployed(**PAUSED))

    assert "it takes the place of daily, which is paused, and stays paused" in why(item)


def test_the_new_schedule_is_there_before_the_old_one_goes() -> None:
    item = planned(declared(schedules=(schedule("morning"),)), deployed())

    assert said(item)[1:3] == ["add hello/main: schedule morning", "delete hello/main: schedule daily"]


LEAVING: dict[str, tuple[dict[str, Any], list[str], bool]] = {
    "as it was": ({}, [], True),
    "paused": (PAUSED, [], True),
    "edited by hand": ({"schedules": (live_schedule(cron="0 9 * * *"),)}, ["hello/main: schedule daily"], False),
    "deleted by hand": ({"schedules": ()}, [], True),
}


@pytest.mark.parametrize(("by_hand", "told", "kept_goes"), LEAVING.values(), ids=LEAVING)
def test_a_slug_that_leaves_the_file_is_deleted_unless_it_was_edited_by_hand(
    by_hand: dict[str, Any], told: list[str], kept_goes: bool
) -> None:
    draft, observed = declared(schedules=()), deployed(**by_hand)

    assert drift(planned(draft, observed)) == told
    assert after(draft, observed, "overwrite").schedules == ()
    assert (after(draft, observed, "keep").schedules == ()) is kept_goes


# Where schedules are active -------------------------------------------------------------------------------------------

HERE, ELSEWHERE = (schedule(),), ("Prod",)
ACTIVE: dict[str, tuple[Any, Any, bool, str | None, bool]] = {
    # active_in before, active_in now, active live -> reason, active after
    "becomes active": (ELSEWHERE, None, False, "it becomes active here", True),
    "becomes inactive": (None, ELSEWHERE, True, "it is no longer active here", False),
    "paused by hand, becomes inactive": (None, ELSEWHERE, False, None, False),
    "made active by hand, becomes active": (ELSEWHERE, None, True, None, True),
    "stays inactive": (ELSEWHERE, ELSEWHERE, False, None, False),
    "another environment more": (("Dev",), ("Dev", "Prod"), True, None, True),
    "paused by hand, another environment more": (("Dev",), ("Dev", "Prod"), False, None, False),
}


@pytest.mark.parametrize(("before", "now", "is_active", "reason", "stays"), ACTIVE.values(), ids=ACTIVE)
def test_a_schedule_follows_active_in_unless_an_operator_decided(
    before: Any, now: Any, is_active: bool, reason: str | None, stays: bool
) -> None:
    one = release(1, deployments=(deployment(active_in=before),))
    observed = deployed(one, schedules=(live_schedule(active=is_active),))
    item = planned(declared(active_in=now), observed)

    changes = [action for action in item.actions if isinstance(action, ChangeSchedule)]
    assert [action.why for action in changes] == ([(reason,)] if reason else [])
    assert after(declared(active_in=now), observed).schedules[0].active is stays


# Releases that deployments point at -----------------------------------------------------------------------------------

TWO = release(2, deployments=(deployment("main", description="two"), deployment("other")))
ONE_OF_TWO = release(1, deployments=(deployment("main", description="one"), deployment("other")))


def test_a_deployment_that_points_at_an_older_release_is_brought_up() -> None:
    observed = world(ONE_OF_TWO, TWO, deployments=[live(ONE_OF_TWO), live(ONE_OF_TWO, "other")])
    item = planned(TWO, observed)

    assert said(item) == ["patch hello/main", "patch hello/other"]
    assert why(item) == ["description one → two", "it points at the release", "it points at the release"]
    assert (drift(item), item.reused) == ([], True)


def test_a_half_registered_service_is_brought_up() -> None:
    observed = world(ONE_OF_TWO, TWO, deployments=[live(TWO), live(ONE_OF_TWO, "other")])
    item = planned(TWO, observed)

    assert (said(item), drift(item)) == (["patch hello/other"], [])


def test_a_release_that_nothing_points_at_any_more_is_used_again() -> None:
    rolled_back = world(ONE_OF_TWO, TWO, deployments=[live(ONE_OF_TWO), live(ONE_OF_TWO, "other")])

    assert said(planned(ONE_OF_TWO, rolled_back)) == []
    again = planned(TWO, rolled_back)
    assert (again.release.revision, again.reused) == (2, True)


def test_a_deployment_of_another_environment_on_the_same_api_refuses_the_service() -> None:
    observed = deployed(tags=(mark("Prod"), "x"))

    assert (
        "the deployment hello/main is of another environment (data-flows:Prod) on the same Prefect API"
        in planned(ONE, observed).problems
    )
    assert planned(ONE, observed, "overwrite").problems
    assert planned(ONE, observed, "keep").problems


def test_a_deployment_of_another_environment_under_another_name_refuses_the_service_too() -> None:
    theirs = live(ONE).model_copy(update={"tags": (mark("Prod"),), "name": "theirs", "id": "x"})
    observed = replace(deployed(), deployments=(live(ONE), theirs))

    (problem,) = planned(ONE, observed).problems
    assert problem.startswith("the deployment hello/theirs is of another environment")


# Another name ---------------------------------------------------------------------------------------------------------

RENAMED = release(None, deployments=(deployment("other"),))


@pytest.mark.parametrize(
    "paused", [{"paused": True}, {"schedules": (live_schedule(active=False),)}], ids=["the deployment", "its schedule"]
)
def test_a_deployment_that_gets_another_name_stays_paused(paused: dict[str, Any]) -> None:
    observed = deployed(ONE, **paused)
    item = planned(RENAMED, observed)
    done = carried_out(item, observed, RENAMED)
    (made,) = (found for found in done.deployments if found.name == "other")

    assert "it takes the place of main, which is paused, and stays paused: daily" in why(item)
    assert [found.active for found in made.schedules] == [False]
    assert said(planned(RENAMED, done)) == []


def test_a_deployment_that_gets_another_name_runs_where_the_former_did() -> None:
    observed = deployed(ONE)
    done = carried_out(planned(RENAMED, observed), observed, RENAMED)

    assert [found.active for item in done.deployments if item.name == "other" for found in item.schedules] == [True]


PAIR = release(1, deployments=(deployment("a"), deployment("b")))
MINE = live(ONE, paused=True, id="id-mine", tags=()).model_copy(update={"name": "mine"})
NOBODYS: dict[str, tuple[Release, Release, list[PrefectDeployment]]] = {
    "somebody's own is paused": (
        ONE,
        release(None, deployments=(deployment(), deployment("new"))),
        [live(ONE), MINE],
    ),
    "two go": (
        PAIR,
        release(None, deployments=(deployment("new"),)),
        [live(PAIR, "a", paused=True), live(PAIR, "b", paused=True)],
    ),
}


@pytest.mark.parametrize(("before", "draft", "deployments"), NOBODYS.values(), ids=NOBODYS)
def test_a_new_deployment_that_takes_nobody_s_place_is_active(
    before: Release, draft: Release, deployments: list[PrefectDeployment]
) -> None:
    observed = world(before, deployments=deployments)
    done = carried_out(planned(draft, observed, "overwrite"), observed, draft)

    assert [found.active for item in done.deployments if item.name == "new" for found in item.schedules] == [True]
