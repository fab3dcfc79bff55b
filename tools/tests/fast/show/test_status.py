"""The status says of each flow what is live, whether it is in step, and when it runs and ran."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tools.model.observed import Observed, Unseen
from tools.model.release import Release
from tools.model.runs import Run, Runs
from tools.plan.status import Status, status, undeclared
from tools.show.ago import ago
from tools.show.status import status_json, status_table
from tools.tests.screens import screen
from tools.tests.worlds import deployment, live, live_schedule, planned, release, world

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WHO: dict[str, Any] = {"by": "ada", "at": "2026-11-25T11:00:00+00:00", "commit": "abc"}
ONE = release(1, ecs_run={}, **WHO)
BIGGER = release(2, ecs_run={"memory": 1024}, **WHO)
BOTH = release(1, deployments=(deployment(), deployment("other")))
NEW_BOTH = release(2, deployments=BOTH.deployments, log_group="/other")


def stands(draft: Release, observed: Observed, runs: dict[str, Runs] | None = None) -> Status:
    """How a flow stands."""
    return status(planned(draft, observed), observed, runs or {})


def by_hand(**changes: Any) -> Observed:
    """A world whose deployment was changed by hand."""
    return world(ONE, deployments=[live(ONE, **changes)])


STATES: dict[str, tuple[Release, Observed, tuple[str, ...], int | None]] = {
    # what is declared, what is there -> the states, the live release
    "in step": (ONE, world(ONE), ("in step",), 1),
    "in step and paused": (ONE, by_hand(paused=True), ("in step",), 1),
    "never deployed": (ONE, world(), ("not deployed",), None),
    "changed in the repository": (BIGGER, world(ONE), ("changed, not deployed",), 1),
    "rolled back": (BIGGER, world(ONE, BIGGER, deployments=[live(ONE)]), ("behind release 2",), 1),
    "released, and stopped before it was registered": (
        BIGGER,
        world(ONE, BIGGER, deployments=[]),
        ("deployed in part",),
        2,
    ),
    "registered in part": (
        NEW_BOTH,
        world(BOTH, NEW_BOTH, deployments=[live(NEW_BOTH), live(BOTH, "other")]),
        ("deployed in part",),
        2,
    ),
    "a deployment is missing": (BOTH, world(BOTH, deployments=[live(BOTH)]), ("deployed in part",), 1),
    "changed by hand": (ONE, by_hand(description="mine"), ("drift (1)",), 1),
    "changed by hand, and in the repository": (
        BIGGER,
        by_hand(description="mine", parameters={"table": "x"}),
        ("changed, not deployed", "drift (2)"),
        1,
    ),
    "a secret is missing": (ONE, world(ONE, missing_secrets=("/a",)), ("cannot be deployed",), 1),
    "its image is gone": (
        ONE,
        world(ONE, gone=frozenset({ONE.arn}), image="registry.test/data-flows/hello@sha256:other"),
        ("image gone", "changed, not deployed"),
        1,
    ),
    "somebody's own deployment on a newer release": (
        BIGGER,
        world(
            ONE,
            BIGGER,
            deployments=[live(ONE), live(BIGGER).model_copy(update={"id": "x", "name": "mine", "tags": ()})],
        ),
        ("behind release 2",),
        1,
    ),
}


@pytest.mark.parametrize(("draft", "observed", "states", "revision"), STATES.values(), ids=STATES)
def test_how_a_flow_stands(draft: Release, observed: Observed, states: tuple[str, ...], revision: int | None) -> None:
    found = stands(draft, observed)

    assert found.states == states
    assert (found.release.revision if found.release else None) == revision


def test_flows_that_left_the_repository_are_told_by_their_deployments() -> None:
    gone = [live(BOTH), live(BOTH, "other"), live(release(1, service="other"))]
    found = undeclared(gone, {})

    assert [(item.name, [one.name for one in item.deployments], item.states) for item in found] == [
        ("hello", ["main", "other"], ("no longer declared",)),
        ("other", ["main"], ("no longer declared",)),
    ]
    assert undeclared([], {}) == []


# On a terminal --------------------------------------------------------------------------------------------------------

RUNS = {
    "id-main": Runs(
        Run("Scheduled", NOW + timedelta(hours=18)),
        Run("Completed", NOW - timedelta(minutes=5)),
    )
}


def row(found: Status, width: int = 200) -> str:
    """The first row of a table of one flow."""
    return screen(status_table([found], NOW), width).splitlines()[1]


def test_a_row_says_all_of_a_flow() -> None:
    assert screen(status_table([stands(ONE, world(ONE), RUNS)], NOW), 200).splitlines() == [
        "flow   release  image     deployed        deployment  schedules      next run  last run             state",
        "hello  1        00000000  1 h ago by ada  main        0 6 * * * UTC  in 18 h   Completed 5 min ago  in step",
        "                          abc",
    ]


CELLS: dict[str, tuple[Status, list[str]]] = {
    "a flow that was never deployed": (stands(ONE, world()), ["hello", "-", "none", "not deployed"]),
    "a paused deployment": (stands(ONE, by_hand(paused=True)), ["main (paused)"]),
    "a paused schedule": (
        stands(ONE, by_hand(schedules=(live_schedule(active=False),))),
        ["main", "0 6 * * * UTC paused"],
    ),
    "no schedule": (stands(ONE, by_hand(schedules=())), ["main", "none", "-", "-"]),
    "a run that failed": (
        stands(ONE, world(ONE), {"id-main": Runs(None, Run("Crashed", NOW - timedelta(days=2)))}),
        ["Crashed 2 d ago"],
    ),
    "a run that is due for long": (
        stands(ONE, world(ONE), {"id-main": Runs(Run("Late", NOW - timedelta(minutes=7)), None)}),
        ["Late 7 min ago"],
    ),
}


@pytest.mark.parametrize(("found", "told"), CELLS.values(), ids=CELLS)
def test_a_row_tells(found: Status, told: list[str]) -> None:
    shown = row(found)

    assert [text for text in told if text not in shown] == []


def test_each_deployment_has_a_row_and_markup_in_a_name_is_shown() -> None:
    there = [live(ONE), live(ONE).model_copy(update={"name": "[red]x[/]"})]
    lines = screen(status_table([stands(ONE, world(ONE, deployments=there))], NOW), 200).splitlines()

    assert sum("0 6 * * * UTC" in line for line in lines) == 2
    assert any("[red]x[/]" in line for line in lines)


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut_off(width: int) -> None:
    item = stands(BIGGER, by_hand(description="mine"), RUNS)
    shown = screen(status_table([item], NOW), width)

    assert max(map(len, shown.splitlines())) <= width
    assert sorted("".join(shown.split())) == sorted("".join(screen(status_table([item], NOW), 300).split()))


AGO: dict[str, tuple[timedelta, str]] = {
    "now": (timedelta(0), "0 s ago"),
    "seconds": (timedelta(seconds=59.9), "59 s ago"),
    "minutes": (timedelta(seconds=60), "1 min ago"),
    "hours": (timedelta(minutes=60), "1 h ago"),
    "days": (timedelta(hours=47), "1 d ago"),
    "a month": (timedelta(days=30), "30 d ago"),
    "longer": (timedelta(days=31), "2026-10-25"),
    "to come": (-timedelta(minutes=61), "in 1 h"),
    "far to come": (-timedelta(days=31), "2026-12-26"),
}


@pytest.mark.parametrize(("before", "told"), AGO.values(), ids=AGO)
def test_times_are_told_from_now(before: timedelta, told: str) -> None:
    assert ago(NOW - before, NOW) == told


# For machines ---------------------------------------------------------------------------------------------------------


def test_machines_are_told_all_of_it() -> None:
    observed = by_hand(schedules=(live_schedule(active=False),))
    told = status_json("Dev", [stands(ONE, observed, RUNS)], Unseen(3, NOW))

    assert json.loads(json.dumps(told)) == told
    assert told == {
        "environment": "Dev",
        "flows": [
            {
                "name": "hello",
                "state": ["in step"],
                "release": 1,
                "unreadable": None,
                "fingerprint": ONE.fingerprint,
                "image": ONE.image,
                "commit": "abc",
                "by": "ada",
                "at": WHO["at"],
                "deployments": [
                    {
                        "name": "main",
                        "paused": False,
                        "schedules": [{"slug": "daily", "schedule": "0 6 * * * UTC", "active": False}],
                        "next_run": "2026-11-26T06:00:00+00:00",
                        "last_run": {"state": "Completed", "at": "2026-11-25T11:55:00+00:00"},
                    }
                ],
            }
        ],
        "unseen": {"flows": 3, "oldest": "2026-11-25T12:00:00+00:00"},
    }


def test_a_flow_that_was_never_deployed_is_null_for_machines() -> None:
    (told,) = status_json("Dev", [stands(ONE, world())], None)["flows"]

    assert (told["release"], told["image"], told["deployments"]) == (None, None, [])
