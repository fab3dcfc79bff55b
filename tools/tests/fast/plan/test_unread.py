"""A release that cannot be read is told and never taken for absent, for drift or for something to delete (I19)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tools.errors import UserError
from tools.model.names import mark
from tools.model.observed import Observed, Revision
from tools.model.prefect import PrefectDeployment
from tools.model.release import AnyRelease, Release, UnreadRelease
from tools.plan.prune import KEPT_RELEASES, leftovers
from tools.plan.rollback import chosen, rollback
from tools.plan.status import status
from tools.show.history import history_json, history_text
from tools.show.status import status_json, status_table
from tools.tests.screens import screen
from tools.tests.worlds import (
    POOL,
    arn,
    carried_out,
    deployment,
    drift,
    live,
    planned,
    release,
    said,
    schedule,
    why,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = "written by a later version of the tools"
ONE = release(1, deployments=(deployment(), deployment("old")))
TWO = release(2, ecs_run={"memory": 1024})


def unread(revision: int) -> UnreadRelease:
    """A release of a later version's making."""
    return UnreadRelease(ONE.family, revision, arn(revision), LATER)


def pointing(revision: int, name: str = "main", **more: Any) -> PrefectDeployment:
    """A deployment that a later version made."""
    job_variables = {"task_definition_arn": arn(revision), "of_later": 1}
    there = live(ONE, name, job_variables=job_variables, version=str(revision), description="later's words")
    return there.model_copy(update=more)


def mixed(*found: AnyRelease, deployments: tuple[PrefectDeployment, ...]) -> Observed:
    """What an environment holds of a family that mixes them."""
    return Observed.of(found, deployments)


# plan ---------------------------------------------------------------------------------------------------------------


def test_a_deploy_beside_one_that_is_live_is_no_drift_and_goes_all_the_way() -> None:
    observed = mixed(ONE, unread(3), deployments=(pointing(3),))

    item = planned(TWO, observed)

    assert (drift(item), item.problems, item.refused) == ([], (), ())
    assert said(item) == ["release data-flows-Dev-hello", "patch hello/main"]
    assert "description later's words → none" in why(item)
    assert str(item.notes[0]) == f"release 3: {LATER}"
    after = carried_out(item, observed, TWO)
    assert (said(planned(TWO, after)), [one.version for one in after.deployments]) == ([], ["4"])


def test_without_any_that_can_be_read_nothing_is_called_the_first() -> None:
    item = planned(release(None), mixed(unread(3), deployments=(pointing(3),)))

    assert drift(item) == []
    assert "what is there cannot be read, and so not be compared" in why(item)
    assert not [reason for reason in why(item) if "no release yet" in reason or "no image yet" in reason]


def test_a_paused_schedule_of_it_stays_paused_and_its_other_schedules_stay() -> None:
    there = pointing(3)
    paused = there.schedules[0].model_copy(update={"active": False})
    theirs = there.schedules[0].model_copy(update={"id": "id-theirs", "slug": "theirs"})
    observed = mixed(ONE, unread(3), deployments=(there.model_copy(update={"schedules": (paused, theirs)}),))
    draft = release(None, deployments=(deployment(schedules=(schedule(cron="0 7 * * *"),)),))

    item = planned(draft, observed)
    after = carried_out(item, observed, draft)

    assert drift(item) == []
    (found,) = after.deployments
    assert [(one.slug, one.schedule["cron"], one.active) for one in found.schedules] == [
        ("daily", "0 7 * * *", False),
        ("theirs", "0 6 * * *", True),
    ]


def test_one_that_is_not_live_changes_nothing() -> None:
    observed = mixed(ONE, unread(2), deployments=(live(ONE), live(ONE, "old")))

    item = planned(ONE, observed)

    assert (said(item), drift(item)) == ([], [])
    assert [str(note) for note in item.notes] == [f"release 2: {LATER}"]


def test_a_deployment_of_it_that_is_not_declared_stays() -> None:
    observed = mixed(ONE, TWO, unread(3), deployments=(live(TWO), pointing(3, "old")))
    told = [str(note) for note in planned(TWO, observed).notes]
    assert told == [
        f"release 3: {LATER}",
        "deployment hello/old: the release that it points at cannot be read, and so it stays",
    ]


# status and history -------------------------------------------------------------------------------------------------


def test_status_shows_it_as_what_is_live() -> None:
    observed = mixed(ONE, unread(3), deployments=(pointing(3),))

    found = status(planned(TWO, observed), observed, {})

    assert found.release == unread(3)
    assert found.states == ("changed, not deployed",)
    (told,) = status_json("Dev", [found], None)["flows"]
    assert (told["release"], told["unreadable"], told["image"]) == (3, LATER, None)
    shown = screen(status_table([found], NOW), 200)
    assert LATER in shown


def test_history_shows_it_in_its_place() -> None:
    releases = mixed(ONE, unread(2), release(3, ecs_run={"memory": 2048}), deployments=()).all_releases

    shown = screen(history_text(releases, [arn(2)]), 200)

    assert [line.split("  ")[0] for line in shown.splitlines() if line.startswith("release")] == [
        "release 3",
        "release 2",
        "release 1",
    ]
    assert f"release 2  live\n  {LATER}" in shown
    third, second, first = history_json(releases, [arn(2)])
    assert third["changes"] == ["what it changed is not known: the release before it cannot be read"]
    assert (second["release"], second["live"], second["unreadable"]) == (2, True, LATER)
    assert (first["unreadable"], first["changes"]) == (None, [])


# rollback -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["2", ""])
def test_nobody_goes_back_to_it_unawares(to: str) -> None:
    three = release(3, ecs_run={"memory": 2048})
    observed = mixed(ONE, unread(2), three, deployments=(live(three),))
    with pytest.raises(UserError, match=f"hello cannot go back to release 2: {LATER}") as caught:
        chosen("hello", "Dev", to, observed)
    assert "TO=" in caught.value.hint
    assert chosen("hello", "Dev", "1", observed) == ONE


def test_from_it_a_rollback_goes_to_the_one_before_and_deletes_nothing_of_it() -> None:
    theirs = pointing(3, "old").model_copy(update={"name": "theirs", "id": "id-theirs"})
    observed = mixed(ONE, TWO, unread(3), deployments=(pointing(3), theirs))

    target = chosen("hello", "Dev", "", observed)
    (item,) = rollback(target, observed, POOL, "stop").services

    assert target == TWO
    assert (said(item), drift(item)) == (["patch hello/main"], [])
    assert [note.subject for note in item.notes] == ["release 3", "deployment hello/theirs"]
    after = carried_out(item, observed, TWO)
    assert [one.name for one in after.deployments] == ["main", "theirs"]


# prune --------------------------------------------------------------------------------------------------------------


def revision(found: AnyRelease) -> Revision:
    """As ECS has it."""
    return Revision(found.arn, (found.image,) if isinstance(found, Release) else ("later/x@sha256:1",), found)


def test_prune_deletes_neither_it_nor_what_points_at_it() -> None:
    history: list[AnyRelease] = [
        unread(number) if number % 2 else release(number) for number in range(1, 2 * KEPT_RELEASES + 4)
    ]
    theirs = pointing(3, "old", tags=(mark("Dev"),))
    undeclared = live(release(20)).model_copy(update={"name": "left", "id": "id-left"})

    found = leftovers("Dev", {"hello": ["main"]}, [theirs, undeclared], [*map(revision, history)], [], NOW)

    assert [item.revision for item in found.releases] == [2]
    assert found.deployments == ()  # `left` is not declared by release 20: somebody duplicated it


def test_prune_deletes_a_deployment_of_a_release_that_can_be_read_beside_it() -> None:
    gone = live(ONE, "old")
    found = leftovers("Dev", {"hello": ["main"]}, [gone, pointing(3)], [revision(ONE), revision(unread(3))], [], NOW)
    assert found.deployments == (gone,)
