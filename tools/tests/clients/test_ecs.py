"""ECS as the stages rely on it, proven alike on the fake and on two emulators."""

from __future__ import annotations

import pytest

from tools.clients.aws import session
from tools.clients.ecs import Ecs
from tools.model.release import UnreadRelease
from tools.settings import Connection
from tools.tests.fakes import FakeEcs
from tools.tests.samples import draft, unique
from tools.tests.servers import EMULATORS


def test_a_family_that_was_never_released_has_no_release(ecs: FakeEcs | Ecs) -> None:
    assert ecs.release(draft(unique("never")).family) is None


def test_a_registered_release_reads_back_whole(ecs: FakeEcs | Ecs) -> None:
    wanted = draft(unique("whole"))
    registered = ecs.make_release(wanted)
    assert registered.revision == 1
    assert registered.arn.endswith(f"{wanted.family}:1")
    assert ecs.release(wanted.family) == registered == ecs.release(registered.arn)
    assert registered.model_dump() == wanted.model_dump()


def test_the_family_names_the_newest_release_and_the_arn_an_older_one(ecs: FakeEcs | Ecs) -> None:
    name = unique("history")
    first = ecs.make_release(draft(name))
    second = ecs.make_release(draft(name, fingerprint="f" * 16))
    assert ecs.release(second.family) == second
    assert ecs.release(first.arn) == first
    assert second.revision == 2


@pytest.mark.parametrize("reference", ["arn:y:4", "", "a b", "../x", "arn:aws:ecs:x:1:task-definition/y:1", "x:1:2"])
def test_what_is_no_reference_to_a_task_definition_is_none(ecs: FakeEcs | Ecs, reference: str) -> None:
    assert ecs.release(reference) is None


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_task_definition_of_somebody_else_is_no_release(emulator: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    family = unique("data-flows-Local-foreign")
    client = session(connection).client("ecs", endpoint_url=connection.endpoint)
    client.register_task_definition(
        family=family, containerDefinitions=[{"name": "x", "image": "x", "memory": 128, "essential": True}]
    )
    assert Ecs(connection).release(family) is None


def test_the_releases_of_a_family_are_given_newest_first_and_none_of_others(ecs: FakeEcs | Ecs) -> None:
    name = unique("many")
    made = [ecs.make_release(draft(name, fingerprint=f"{number:016x}")) for number in range(12)]
    ecs.make_release(draft(f"{name}-too"))

    assert ecs.releases(made[0].family) == made[::-1]
    assert [(item.arn, item.images, item.release) for item in ecs.revisions(made[0].family)] == [
        (item.arn, (item.image,), item) for item in made[::-1]
    ]
    assert ecs.families(made[0].family) == [made[0].family, f"{made[0].family}-too"]


def test_a_family_that_was_never_released_has_no_releases(ecs: FakeEcs | Ecs) -> None:
    name = draft(unique("never")).family

    assert (ecs.releases(name), ecs.families(name)) == ([], [])


def test_a_deregistered_release_is_gone_and_its_number_is_not_given_again(ecs: FakeEcs | Ecs) -> None:
    name = unique("gone")
    one, two, three = (ecs.make_release(draft(name, fingerprint=f"{number:016x}")) for number in range(3))
    ecs.deregister(one.arn)

    assert ecs.releases(one.family) == [three, two]
    assert ecs.release(one.arn) is None
    assert ecs.release(one.family) == three
    ecs.deregister(three.arn)
    # Both emulators then find no newest revision, where ECS finds the one before; prune never takes the newest.
    assert ecs.releases(one.family) == [two]
    assert ecs.make_release(draft(name)).revision == 4


def test_a_family_whose_releases_are_all_deregistered_is_listed_no_more(
    ecs: FakeEcs | Ecs, request: pytest.FixtureRequest
) -> None:
    only = ecs.make_release(draft(unique("only")))
    ecs.deregister(only.arn)

    assert (ecs.releases(only.family), ecs.release(only.family)) == ([], None)
    if "moto" not in str(request.node.callspec.params.values()):  # it lists what is gone
        assert ecs.families(only.family) == []


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_revision_of_a_later_versions_making_is_told_as_such_and_its_images_are_known(
    emulator: str, request: pytest.FixtureRequest
) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    family = unique("data-flows-Local-later")
    client = session(connection).client("ecs", endpoint_url=connection.endpoint)
    labels = {"data-flows.release": '{"version": 99, "unheard_of": 1}'}
    client.register_task_definition(
        family=family,
        containerDefinitions=[
            {"name": "flow", "image": "x@sha256:1", "memory": 128, "essential": True, "dockerLabels": labels},
            {"name": "more", "image": "y:2", "memory": 128},
        ],
    )
    ecs = Ecs(connection)
    (found,) = ecs.revisions(family)
    later = UnreadRelease(family, 1, found.arn, "written by a later version of the tools")

    assert (found.images, found.release) == (("x@sha256:1", "y:2"), later)
    assert ecs.releases(family) == [later]
    assert (ecs.release(family), ecs.release(found.arn)) == (later, later)
    assert ecs.families(family) == [family]


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_revision_that_is_deregistered_is_no_longer_active(emulator: str, request: pytest.FixtureRequest) -> None:
    ecs = Ecs(request.getfixturevalue(emulator))
    one, two = (ecs.make_release(draft(unique("active"))), ecs.make_release(draft(unique("other"))))
    assert ecs.active(one.family) == [one.arn]
    ecs.deregister(one.arn)

    assert (ecs.active(one.family), ecs.active(two.family)) == ([], [two.arn])


@pytest.mark.parametrize("emulator", EMULATORS)
def test_how_many_tasks_of_a_service_run_is_told(emulator: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    client, cluster = session(connection).client("ecs", endpoint_url=connection.endpoint), unique("cluster")
    ecs, release = Ecs(connection), Ecs(connection).make_release(draft(unique("service")))
    assert ecs.running(cluster, "worker") is None
    client.create_cluster(clusterName=cluster)
    assert ecs.running(cluster, "worker") is None
    client.create_service(cluster=cluster, serviceName="worker", taskDefinition=release.arn, desiredCount=2)

    found = ecs.running(cluster, "worker")
    assert found
    assert (found.wanted, found.running) in ((2, 0), (2, 2))
