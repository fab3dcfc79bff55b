"""Prune names what nothing needs any more: what is live, kept, young, shared or somebody's own stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tools.model.images import Image
from tools.model.names import mark
from tools.model.observed import Revision
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.plan.prune import KEPT_RELEASES, Leftovers, leftovers
from tools.show.leftovers import leftovers_json, leftovers_text
from tools.tests.screens import screen
from tools.tests.worlds import arn, deployment, live, release

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DECLARED = {"hello": ["main"]}
MANY = KEPT_RELEASES + 3


def fingerprint(number: int) -> str:
    """The tag of the image of a release."""
    return f"{number:016x}"


def number(count: int, environment: str = "Dev", **more: Any) -> Release:
    """A release with an image of its own."""
    image = f"registry.test/data-flows/hello@sha256:{fingerprint(count)}"
    found = release(count, environment=environment, fingerprint=fingerprint(count), image=image, **more)
    return found.model_copy(update={"arn": arn(count, found.service, environment)})


def revision(of: Release) -> Revision:
    """A release as ECS lists it."""
    return Revision(of.arn, (of.image,), of)


def image(count: int, **more: Any) -> Image:
    """The image of a release, pushed long ago."""
    values: dict[str, Any] = {
        "repository": "data-flows/hello",
        "digest": f"sha256:{fingerprint(count)}",
        "tags": (fingerprint(count),),
        "pushed_at": NOW - timedelta(days=30),
        "size": 5_000_000,
    }
    return Image(**{**values, **more})


HISTORY = [number(count) for count in range(1, MANY + 1)]
IMAGES = [image(count) for count in range(1, MANY + 1)]
NEWEST = live(HISTORY[-1])


def found(
    *deployments: PrefectDeployment,
    declared: dict[str, list[str]] | None = None,
    releases: list[Release] | None = None,
    revisions: list[Revision] | None = None,
    images: list[Image] | None = None,
) -> Leftovers:
    """What a prune of Dev would delete, in a world of many releases with an image each."""
    listed = [revision(item) for item in (HISTORY if releases is None else releases)] + (revisions or [])
    return leftovers(
        "Dev",
        DECLARED if declared is None else declared,
        deployments,
        listed,
        IMAGES if images is None else images,
        NOW,
    )


def numbers(what: Leftovers) -> tuple[list[int], list[int]]:
    """The numbers of its releases and of its images."""
    return sorted(item.revision or 0 for item in what.releases), sorted(
        int(item.digest[7:], 16) for item in what.images
    )


# Releases and images --------------------------------------------------------------------------------------------------


def test_the_last_ten_releases_and_their_images_stay() -> None:
    assert numbers(found(NEWEST)) == ([1, 2, 3], [1, 2, 3])


def test_as_many_releases_as_are_kept_are_all_kept() -> None:
    some = HISTORY[:KEPT_RELEASES]

    assert len(found(live(some[-1]), releases=some, images=IMAGES[:KEPT_RELEASES])) == 0


def by_hand(of: Release, **more: Any) -> PrefectDeployment:
    """A deployment that somebody made, which points at a release."""
    return live(of).model_copy(update={"id": "id-mine", "flow": "mine", "name": "mine", "tags": (), **more})


LIVE: dict[str, PrefectDeployment] = {
    "by the service's deployment, after a rollback": live(HISTORY[1]),
    "by one made by hand": by_hand(HISTORY[1]),
    "by a duplicate, which copies the mark": by_hand(HISTORY[1], flow="hello", tags=(mark("Dev"),)),
    "by family and number": by_hand(HISTORY[1], job_variables={"task_definition_arn": "data-flows-Dev-hello:2"}),
    "by one that is paused": live(HISTORY[1], paused=True),
}


@pytest.mark.parametrize("pointing", LIVE.values(), ids=LIVE)
def test_a_release_that_a_deployment_points_at_stays_with_its_image(pointing: PrefectDeployment) -> None:
    assert numbers(found(NEWEST, pointing)) == ([1, 3], [1, 3])


def test_an_image_that_a_deployment_made_by_hand_names_stays() -> None:
    by_digest = by_hand(HISTORY[0], job_variables={"image": HISTORY[0].image})
    by_tag = by_hand(HISTORY[1], job_variables={"image": f"registry.test/data-flows/hello:{fingerprint(2)}"})

    assert numbers(found(NEWEST, by_digest, by_tag)) == ([1, 2, 3], [3])


def test_what_only_a_deployment_needs_that_goes_itself_goes_too() -> None:
    gone = live(HISTORY[1]).model_copy(update={"id": "id-old", "name": "old"})
    declaring = [
        item.model_copy(update={"deployments": (deployment(), deployment("old"))}) if item.revision == 2 else item
        for item in HISTORY
    ]
    what = found(NEWEST, gone, releases=declaring)

    assert [item.name for item in what.deployments] == ["old"]
    assert numbers(what) == ([1, 2, 3], [1, 2, 3])


def test_releases_of_another_environment_stay_and_keep_their_images() -> None:
    theirs = [number(count, "Prod") for count in range(1, MANY + 1)]
    shared = [item.model_copy(update={"image": HISTORY[0].image}) for item in theirs[:1]]

    assert numbers(found(NEWEST, releases=[*HISTORY, *theirs], images=IMAGES)) == ([1, 2, 3], [])
    assert numbers(found(NEWEST, releases=[*HISTORY, *shared], images=IMAGES)) == ([1, 2, 3], [2, 3])


def test_the_worker_s_image_stays_while_a_worker_runs_it_and_goes_when_none_does() -> None:
    now, before = (image(count, repository="data-flows/worker") for count in (101, 100))
    worker = Revision(
        "arn:aws:ecs:us-east-1:0:task-definition/data-flows-Dev-_worker:2",
        (f"registry.test/data-flows/worker@{now.digest}",),
        None,
    )

    assert found(NEWEST, revisions=[worker], images=[now, before]).images == (before,)


def test_an_image_stays_that_a_revision_refers_to_which_this_version_cannot_read() -> None:
    theirs = Revision(arn(7, environment="Prod"), ("sidecar:1", HISTORY[0].image), None)

    assert numbers(found(NEWEST, revisions=[theirs])) == ([1, 2, 3], [2, 3])


def test_a_revision_that_is_no_release_is_never_named_and_counts_for_nothing() -> None:
    theirs = [Revision(arn(count), (), None) for count in range(50, 50 + MANY)]

    assert numbers(found(NEWEST, revisions=theirs)) == ([1, 2, 3], [1, 2, 3])


def test_each_family_keeps_ten_of_its_own() -> None:
    other = [
        number(count, service="other").model_copy(update={"arn": arn(count, "other")}) for count in range(1, MANY + 1)
    ]
    what = found(NEWEST, releases=[*HISTORY, *other], images=[])

    assert numbers(what)[0] == [1, 1, 2, 2, 3, 3]


def test_releases_of_a_service_that_left_the_repository_are_kept_like_others() -> None:
    assert numbers(found(declared={})) == ([1, 2, 3], [1, 2, 3])


AGES = {"just now": timedelta(0), "in the future": timedelta(days=-1), "a day ago": timedelta(days=1)}


@pytest.mark.parametrize("age", AGES.values(), ids=AGES)
def test_a_young_image_stays(age: timedelta) -> None:
    assert numbers(found(NEWEST, images=[image(99, pushed_at=NOW - age)]))[1] == []


def test_an_image_older_than_a_day_goes_whether_or_not_it_was_ever_released() -> None:
    old = image(99, pushed_at=NOW - timedelta(days=1, seconds=1))

    assert found(NEWEST, images=[old]).images == (old,)


NOT_OURS: dict[str, tuple[str, ...]] = {
    "untagged": (),
    "another tag": ("latest",),
    "another tag beside ours": (fingerprint(99), "latest"),
    "a fingerprint that is too long": (fingerprint(99) + "0",),
    "capitals": ("ABCDEFABCDEFABCD",),
}


@pytest.mark.parametrize("tags", NOT_OURS.values(), ids=NOT_OURS)
def test_an_image_that_is_not_under_a_fingerprint_alone_stays(tags: tuple[str, ...]) -> None:
    assert found(NEWEST, images=[image(99, tags=tags)]).images == ()


def test_the_same_digest_under_two_fingerprints_goes_only_where_neither_is_needed() -> None:
    unneeded = image(99, tags=(fingerprint(98), fingerprint(99)))
    needed = image(MANY, tags=(fingerprint(99), fingerprint(MANY)))

    assert found(NEWEST, images=[unneeded, needed]).images == (unneeded,)


# Deployments ----------------------------------------------------------------------------------------------------------

OLD = number(1, deployments=(deployment("old"),))
DEPLOYMENTS: dict[str, tuple[PrefectDeployment, dict[str, list[str]], bool]] = {
    # the deployment, what is declared -> whether it goes
    "that is declared": (live(OLD, "old"), {"hello": ["old"]}, False),
    "that left the file": (live(OLD, "old"), {"hello": ["main"]}, True),
    "whose service left": (live(OLD, "old"), {"other": ["old"]}, True),
    "where nothing is declared": (live(OLD, "old"), {}, True),
    "whose release is gone": (live(OLD, "old", job_variables={"task_definition_arn": arn(99)}), {}, True),
    "that points at nothing": (live(OLD, "old", job_variables={}), {}, True),
    "of another environment": (live(OLD, "old", tags=(mark("Prod"),)), {}, False),
    "of an environment whose name begins alike": (live(OLD, "old", tags=(mark("Dev2"),)), {}, False),
    "without any mark": (live(OLD, "old", tags=()), {}, False),
    "with a tag like the mark": (live(OLD, "old", tags=("Dev", "data-flows")), {}, False),
    "that was duplicated in the UI": (live(OLD, "old").model_copy(update={"name": "old-copy"}), {}, False),
}


@pytest.mark.parametrize(("there", "declared", "goes"), DEPLOYMENTS.values(), ids=DEPLOYMENTS)
def test_a_deployment(there: PrefectDeployment, declared: dict[str, list[str]], goes: bool) -> None:
    assert (found(there, declared=declared, releases=[OLD]).deployments == (there,)) is goes


# What is said of it ---------------------------------------------------------------------------------------------------

SOME = Leftovers((live(OLD, "old"),), (number(1),), (image(1),))


def test_what_would_be_deleted_is_said_with_its_reason_and_what_to_do() -> None:
    assert screen(leftovers_text(SOME, "Dev", removed=False), 160).splitlines() == [
        "delete  deployment  hello/old                          no longer declared",
        "delete  release     data-flows-Dev-hello:1             older than the last 10, and not live",
        "delete  image       data-flows/hello:0000000000000001  no kept release refers to it (5 MB, of 2026-10-26)",
        "",
        "Dev: 1 deployment, 1 release, 1 image (5 MB); nothing was deleted yet: make prune YES=1",
    ]


def test_what_was_deleted_is_said_so() -> None:
    said = screen(leftovers_text(SOME, "Dev", removed=True), 160)

    assert said.startswith("deleted  deployment")
    assert said.splitlines()[-1] == "Dev: 1 deployment, 1 release, 1 image (5 MB) deleted"


@pytest.mark.parametrize("removed", [True, False])
def test_nothing_to_delete_is_said_so(removed: bool) -> None:
    said = screen(leftovers_text(Leftovers((), (), ()), "Dev", removed=removed), 80)

    assert said.splitlines() == ["Nothing to prune in Dev: all that is there is declared or kept."]


def test_machines_are_told_all_of_it() -> None:
    assert leftovers_json(SOME, removed=False) == {
        "deleted": False,
        "deployments": ["hello/old"],
        "releases": [arn(1)],
        "images": ["data-flows/hello@sha256:0000000000000001"],
    }
