"""What changed from one release to the next is told in words: files by name, fields by their paths."""

from __future__ import annotations

from typing import Any

import pytest

from tools.desired.fingerprint import MAX_INPUTS
from tools.model.release import Release
from tools.plan.releases import MAX_NAMED, image_changes, release_changes
from tools.tests.worlds import deployment, release, schedule

OLD, NEW = "0" * 16, "1" * 16
INPUTS = {"base-image/Dockerfile": "a", "services/hello/flow.py": "a", "platform": "a", "dockerfile": "a"}


def image(inputs: dict[str, str], fingerprint: str = NEW) -> Release:
    """A release of an image that was made of these inputs."""
    return release(1, fingerprint=fingerprint, inputs=inputs)


def flows(count: int, content: str) -> dict[str, str]:
    """Some files of the service and what they hold."""
    return {f"services/hello/f{number}.py": content for number in range(count)}


def base(count: int, content: str) -> dict[str, str]:
    """Some files of the base image and what they hold."""
    return {f"base-image/f{number}.txt": content for number in range(count)}


IMAGES: dict[str, tuple[dict[str, str], dict[str, str], list[str]]] = {
    # inputs before, inputs now -> what is told
    "a changed file": (INPUTS, INPUTS | {"services/hello/flow.py": "b"}, ["services/hello/flow.py changed"]),
    "a new file": (INPUTS, INPUTS | {"services/hello/x.sql": "b"}, ["services/hello/x.sql added"]),
    "a file that went": (INPUTS | {"services/hello/x.sql": "b"}, INPUTS, ["services/hello/x.sql removed"]),
    "a renamed file": (
        INPUTS | {"services/hello/x.sql": "b"},
        INPUTS | {"services/hello/y.sql": "b"},
        ["services/hello/x.sql removed", "services/hello/y.sql added"],
    ),
    "the base image": (INPUTS, INPUTS | {"base-image/Dockerfile": "b"}, ["base image changed (Dockerfile)"]),
    "the base image and a file": (
        INPUTS,
        INPUTS | {"base-image/Dockerfile": "b", "base-image/requirements.lock": "b", "services/hello/flow.py": "b"},
        ["base image changed (Dockerfile, requirements.lock)", "services/hello/flow.py changed"],
    ),
    "a file of the base image that went": (
        INPUTS | {"base-image/x": "a"},
        INPUTS,
        ["base image changed (x)"],
    ),
    "a build argument": (INPUTS | {"arg WITH": "a"}, INPUTS | {"arg WITH": "b"}, ["arg WITH changed"]),
    "a new build argument": (INPUTS, INPUTS | {"arg WITH": "b"}, ["arg WITH added"]),
    "the platform": (INPUTS, INPUTS | {"platform": "b"}, ["platform changed"]),
    "as many files as are named": (
        flows(MAX_NAMED, "a"),
        flows(MAX_NAMED, "b"),
        [f"services/hello/f{number}.py changed" for number in range(MAX_NAMED)],
    ),
    "one file more than is named": (
        flows(MAX_NAMED + 1, "a"),
        flows(MAX_NAMED + 1, "b"),
        [*(f"services/hello/f{number}.py changed" for number in range(MAX_NAMED)), "and 1 more"],
    ),
    "many files": (
        {"platform": "a"},
        {"platform": "a"} | flows(9, "b"),
        [*(f"services/hello/f{number}.py added" for number in range(MAX_NAMED)), "and 4 more"],
    ),
    "many files of the base image": (
        base(7, "a"),
        base(7, "b"),
        ["base image changed (f0.txt, f1.txt, f2.txt, f3.txt, f4.txt and 2 more)"],
    ),
    "inputs that the old release does not know": ({}, INPUTS, [f"fingerprint {OLD} → {NEW}"]),
    "inputs that the new one does not know": (INPUTS, {}, [f"fingerprint {OLD} → {NEW}"]),
    "inputs that neither knows": ({}, {}, [f"fingerprint {OLD} → {NEW}"]),
    "the same inputs under another fingerprint": (INPUTS, INPUTS, [f"fingerprint {OLD} → {NEW}"]),
}


@pytest.mark.parametrize(("before", "after", "told"), IMAGES.values(), ids=IMAGES)
def test_what_changes_an_image_is_named(before: dict[str, str], after: dict[str, str], told: list[str]) -> None:
    assert list(image_changes(image(before, OLD), image(after))) == told
    # A release whose image is there already tells the same, and nothing of the fingerprint beside it.
    assert list(release_changes(image(before, OLD), image(after))) == told


def test_the_most_inputs_that_a_release_can_name_are_still_few_lines() -> None:
    before, after = flows(MAX_INPUTS, "a"), flows(MAX_INPUTS, "b")

    assert len(list(image_changes(image(before, OLD), image(after)))) == MAX_NAMED + 1


def test_where_there_was_nothing_that_is_told() -> None:
    assert list(image_changes(None, image(INPUTS))) == ["there is no image yet"]
    assert list(release_changes(None, image(INPUTS))) == ["there is no release yet"]


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    # of a release before, of the one now -> what is told
    "nothing": ({}, {}, []),
    "who, when and from which commit": ({"by": "a", "at": "x", "commit": "1"}, {"by": "b", "at": "y"}, []),
    "a size": ({"ecs_run": {"memory": 512}}, {"ecs_run": {"memory": 1024}}, ["ecs_run.memory 512 → 1024"]),
    "a variable more": ({"ecs_run": {}}, {"ecs_run": {"env": {"A": "1"}}}, ["ecs_run.env.A none → 1"]),
    "a variable less": ({"ecs_run": {"env": {"A": "1"}}}, {"ecs_run": {}}, ["ecs_run.env.A 1 → none"]),
    "a secret": (
        {"ecs_run": {}},
        {"ecs_run": {"secrets": {"A": "P"}}, "secret_paths": {"A": "/DataFlows/Dev/hello/P"}},
        ["ecs_run.secrets.A none → P", "secret_paths.A none → /DataFlows/Dev/hello/P"],
    ),
    "the command": (
        {"ecs_run": {}},
        {"ecs_run": {"command": ("a", "b")}},
        ["ecs_run.command none → ['a', 'b']"],
    ),
    "the log group": ({}, {"log_group": "/other"}, ["log_group /data-flows/Dev → /other"]),
    "a schedule": (
        {},
        {"deployments": (deployment(schedules=(schedule(cron="0 7 * * *"),)),)},
        ["deployments.main.schedules.daily.cron 0 6 * * * → 0 7 * * *"],
    ),
    "deployments, schedules and tags in another order": (
        {"deployments": (deployment("a", tags=("x", "y")), deployment("b"))},
        {"deployments": (deployment("b"), deployment("a", tags=("y", "x")))},
        [],
    ),
    "the same fingerprint built again": (
        {"image": "x@sha256:1"},
        {"image": "x@sha256:2"},
        ["another image of the same fingerprint: 1 → 2"],
    ),
}


@pytest.mark.parametrize(("before", "after", "told"), CHANGES.values(), ids=CHANGES)
def test_what_changes_a_release_is_told(before: dict[str, Any], after: dict[str, Any], told: list[str]) -> None:
    assert list(release_changes(release(1, **before), release(2, **after))) == told


def test_an_image_that_is_not_built_yet_is_told_as_new_and_its_digest_and_schema_are_not_compared() -> None:
    draft = release(None, fingerprint=NEW, image="", parameter_schema={}, ecs_run={"memory": 1024})

    assert list(release_changes(release(1, ecs_run={}), draft)) == ["the new image", "ecs_run.memory 512 → 1024"]
