"""A history tells each release with what it changed, newest first."""

from __future__ import annotations

import json
from typing import Any

from tools.show.history import changes, history_json, history_text
from tools.tests.screens import screen
from tools.tests.worlds import arn, deployment, release

AT = "2026-11-25T12:00:00+00:00"


def made(number: int, **more: Any) -> Any:
    """A release with its provenance."""
    return release(number, **{"by": "ada", "at": AT, "commit": f"c{number}", "ecs_run": {}, **more})


ONE = made(1)
TWO = made(2, ecs_run={"memory": 1024}, deployments=(deployment("main"), deployment("other")))
FOUR = made(
    4, by="[bold]bob[/]", commit="", fingerprint="1" * 16, deployments=TWO.deployments, ecs_run={"memory": 1024}
)


def test_each_release_is_compared_with_the_one_before_it_that_is_left() -> None:
    told = {release.revision: changed for release, changed in changes([FOUR, TWO, ONE])}

    assert told == {
        4: [f"fingerprint {'0' * 16} → {'1' * 16}"],
        2: [told[2][0], "ecs_run.memory 512 → 1024"],
        1: [],
    }
    assert told[2][0].startswith("deployments.other none → {'name': 'other'")


def test_a_history_on_a_terminal() -> None:
    assert screen(history_text([FOUR, TWO, ONE], [arn(2)]), 200).splitlines() == [
        "release 4  2026-11-25 12:00:00 UTC  by [bold]bob[/]  commit ?  image 1111111111111111",
        f"  fingerprint {'0' * 16} → {'1' * 16}",
        "release 2  live  2026-11-25 12:00:00 UTC  by ada  commit c2  image 0000000000000000",
        "  deployments.other none → {'name': 'other', 'description': '', 'tags': [], 'parameters': {}, …",
        "  ecs_run.memory 512 → 1024",
        "release 1  2026-11-25 12:00:00 UTC  by ada  commit c1  image 0000000000000000",
        "  the first that is kept",
    ]


def test_a_release_that_changed_nothing_says_so() -> None:
    assert "  nothing changed" in screen(history_text([made(2), ONE], []), 80).splitlines()


def test_a_history_for_machines() -> None:
    told = history_json([TWO, ONE], [arn(2)])

    assert json.loads(json.dumps(told)) == told
    assert told[1] == {
        "release": 1,
        "live": False,
        "unreadable": None,
        "at": AT,
        "by": "ada",
        "commit": "c1",
        "fingerprint": "0" * 16,
        "image": ONE.image,
        "task_definition_arn": arn(1),
        "deployments": ["main"],
        "changes": [],
    }
    assert (told[0]["live"], told[0]["deployments"]) == (True, ["main", "other"])
    assert told[0]["changes"][1:] == ["ecs_run.memory 512 → 1024"]


def test_no_release_is_an_empty_history() -> None:
    assert (list(changes([])), history_json([], [])) == ([], [])
