"""What history, rollback, prune and status rely on, proven alike on the fakes and on the real things."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tools.clients.aws import session
from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_runs import runs
from tools.errors import RemoteError
from tools.model.images import Image
from tools.model.prefect import PrefectSchedule
from tools.settings import Connection
from tools.tests.conftest import free_port
from tools.tests.fakes import FakeEcr, FakeEcs, FakePrefect
from tools.tests.test_contracts import EMULATORS, draft, make_pool, prefect_deployment, unique

TAG = "0123456789abcdef"


@pytest.fixture(params=["fake", *EMULATORS])
def ecs(request: pytest.FixtureRequest) -> FakeEcs | Ecs:
    """Each kind of ECS."""
    return FakeEcs() if request.param == "fake" else Ecs(request.getfixturevalue(request.param))


@pytest.fixture(params=["fake", "real"])
def prefect(request: pytest.FixtureRequest) -> FakePrefect | PrefectApi:
    """Each kind of Prefect API."""
    if request.param == "fake":
        return FakePrefect()
    make_pool(request.getfixturevalue("prefect_api_url"))
    return PrefectApi(request.getfixturevalue("prefect_api_url"))


Put = Callable[[str, str], str]


@pytest.fixture(params=["fake", *EMULATORS])
def ecr(request: pytest.FixtureRequest) -> tuple[FakeEcr | Ecr, Put]:
    """Each kind of ECR, and how an image gets into one of its repositories: under a tag; gives its digest."""
    if request.param == "fake":
        fake = FakeEcr()

        def remember(repository: str, tag: str) -> str:
            fake.repositories[repository][tag] = f"sha256:{tag}"
            return fake.repositories[repository][tag]

        return fake, remember
    connection: Connection = request.getfixturevalue(request.param)
    return Ecr(connection, "registry.test"), lambda repository, tag: put_image(connection, repository, tag)


def put_image(connection: Connection, repository: str, tag: str) -> str:
    """Puts the manifest of an image that is its own into a repository; gives its digest."""
    client = session(connection).client("ecr", endpoint_url=connection.endpoint)
    manifest = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": '
    manifest += f'{{"digest": "sha256:{tag * 4}", "size": 2}}, "layers": []}}'
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    answer = client.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag, imageDigest=digest)
    return answer["image"]["imageId"]["imageDigest"]


# ECS ------------------------------------------------------------------------------------------------------------------


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
def test_a_revision_of_a_later_versions_making_is_no_release_but_its_images_are_known(
    emulator: str, request: pytest.FixtureRequest
) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    family = unique("data-flows-Local-later")
    client = session(connection).client("ecs", endpoint_url=connection.endpoint)
    labels = {"data-flows.release": '{"service": "later", "unheard_of": 1}'}
    client.register_task_definition(
        family=family,
        containerDefinitions=[
            {"name": "flow", "image": "x@sha256:1", "memory": 128, "essential": True, "dockerLabels": labels},
            {"name": "more", "image": "y:2", "memory": 128},
        ],
    )
    ecs = Ecs(connection)
    (found,) = ecs.revisions(family)

    assert (found.images, found.release) == (("x@sha256:1", "y:2"), None)
    assert ecs.releases(family) == []
    assert ecs.families(family) == [family]


# ECR ------------------------------------------------------------------------------------------------------------------


def test_repositories_are_listed_by_the_beginning_of_their_names(ecr: tuple[FakeEcr | Ecr, Put]) -> None:
    registry, _ = ecr
    prefix = unique("data-flows/listed")
    for name in (f"{prefix}-b", f"{prefix}-a", f"other/{prefix}"):
        registry.ensure(name)

    assert registry.list_repositories(prefix) == [f"{prefix}-a", f"{prefix}-b"]


def test_an_image_is_known_by_its_digest(ecr: tuple[FakeEcr | Ecr, Put]) -> None:
    registry, put = ecr
    repository = unique("data-flows/held")
    assert not registry.holds(repository, f"sha256:{'0' * 64}")
    registry.ensure(repository)
    digest = put(repository, TAG)

    assert registry.digest(repository, TAG) == digest
    assert registry.holds(repository, digest)
    assert not registry.holds(repository, f"sha256:{'0' * 64}")


def test_images_are_listed_with_their_tags_and_when_they_were_pushed(ecr: tuple[FakeEcr | Ecr, Put]) -> None:
    registry, put = ecr
    repository = unique("data-flows/images")
    registry.ensure(repository)
    assert registry.images(repository) == []
    tags = [f"{number:016x}" for number in range(3)]
    digests = [put(repository, tag) for tag in tags]

    found = sorted(registry.images(repository), key=lambda image: image.tags)
    assert [(item.repository, item.digest, item.tags) for item in found] == [
        (repository, digest, (tag,)) for digest, tag in zip(digests, tags, strict=True)
    ]
    now = datetime.now(UTC)
    assert all(item.pushed_at.tzinfo and item.pushed_at <= now + timedelta(minutes=1) for item in found)


def test_a_removed_image_is_gone_and_the_others_stay(ecr: tuple[FakeEcr | Ecr, Put]) -> None:
    registry, put = ecr
    repository = unique("data-flows/removed")
    registry.ensure(repository)
    gone, left = put(repository, "0" * 16), put(repository, "1" * 16)
    image = next(item for item in registry.images(repository) if item.digest == gone)
    registry.remove(image)
    registry.remove(image)  # gone already is done

    assert [item.digest for item in registry.images(repository)] == [left]
    assert (registry.holds(repository, gone), registry.digest(repository, "0" * 16)) == (False, None)
    assert registry.holds(repository, left)


# Prefect --------------------------------------------------------------------------------------------------------------


def test_deployments_are_found_by_a_tag_whatever_their_flow(prefect: FakePrefect | PrefectApi) -> None:
    tag, one, other = unique("data-flows:Tag"), unique("one"), unique("other")
    first = prefect.create(prefect_deployment(one, tags=(tag, "x")))
    second = prefect.create(prefect_deployment(other, tags=(tag,)))
    prefect.create(prefect_deployment(one, name="without", tags=("x",)))

    assert prefect.tagged(tag) == sorted([first, second], key=lambda item: item.full_name)
    assert prefect.tagged(f"{tag}x") == []


def test_every_deployment_is_given_whole(prefect: FakePrefect | PrefectApi) -> None:
    made = [prefect.create(prefect_deployment(unique("every"), tags=())) for _ in range(2)]
    found = {item.id: item for item in prefect.every_deployment()}

    assert [found.get(item.id) for item in made] == made


def test_a_removed_deployment_is_gone_with_its_schedules(prefect: FakePrefect | PrefectApi) -> None:
    flow = unique("remove")
    gone, left = prefect.create(prefect_deployment(flow)), prefect.create(prefect_deployment(flow, name="left"))
    prefect.remove(gone.id)
    prefect.remove(gone.id)  # gone already is done

    assert prefect.deployments([flow]) == [left]
    again = prefect.create(prefect_deployment(flow))
    assert again.id != gone.id
    assert {item.id for item in again.schedules}.isdisjoint(item.id for item in gone.schedules)


# Runs: a real server only ---------------------------------------------------------------------------------------------


@pytest.fixture(name="api")
def _api(prefect_api_url: str) -> PrefectApi:
    make_pool(prefect_api_url)
    return PrefectApi(prefect_api_url)


def started(api: PrefectApi, deployment: str, *states: str) -> dict[str, Any]:
    """A run of a deployment that went through these states."""
    run = api.call("POST", f"/deployments/{deployment}/create_flow_run", {})
    for state in states:
        body = {"state": {"type": state, "name": state.capitalize()}, "force": True}
        api.call("POST", f"/flow_runs/{run['id']}/set_state", body)
    found: dict[str, Any] = api.call("GET", f"/flow_runs/{run['id']}")
    return found


def test_a_deployment_without_runs_has_neither_a_next_nor_a_last_one(api: PrefectApi) -> None:
    made = api.create(prefect_deployment(unique("quiet"), schedules=()))

    found = runs(api, [made.id])
    assert (found[made.id].next, found[made.id].last) == (None, None)
    assert runs(api, []) == {}


def test_the_last_run_is_the_one_that_started_last_whatever_became_of_it(api: PrefectApi) -> None:
    made = api.create(prefect_deployment(unique("ran"), schedules=()))
    started(api, made.id, "RUNNING", "COMPLETED")
    failed = started(api, made.id, "RUNNING", "FAILED")

    found = runs(api, [made.id])[made.id]
    assert found.next is None
    assert found.last is not None
    assert (found.last.state, found.last.at) == ("Failed", datetime.fromisoformat(failed["start_time"]))


def test_a_run_that_goes_on_is_the_last_and_one_that_waits_is_the_next(api: PrefectApi) -> None:
    made = api.create(prefect_deployment(unique("goes-on"), schedules=()))
    started(api, made.id, "RUNNING")
    waiting = started(api, made.id)

    found = runs(api, [made.id])[made.id]
    assert found.last is not None
    assert found.next is not None
    assert (found.last.state, found.next.state) == ("Running", "Scheduled")
    assert found.next.at == datetime.fromisoformat(waiting["expected_start_time"])


def test_the_next_run_of_a_schedule_is_the_earliest_and_each_deployment_has_its_own(api: PrefectApi) -> None:
    yearly = PrefectSchedule(slug="yearly", schedule={"cron": "0 0 1 1 *", "timezone": "UTC"})
    hourly = PrefectSchedule(slug="hourly", schedule={"cron": "0 * * * *", "timezone": "UTC"})
    one = api.create(prefect_deployment(unique("hourly"), schedules=(yearly, hourly)))
    other = api.create(prefect_deployment(unique("quiet"), schedules=()))
    until = time.monotonic() + 30
    while not (found := runs(api, [one.id, other.id]))[one.id].next:
        assert time.monotonic() < until, "the server has not scheduled anything"
        time.sleep(0.5)

    due = found[one.id].next
    assert due is not None
    assert due.at - datetime.now(UTC) <= timedelta(hours=1)
    assert (due.state, found[other.id].next) == ("Scheduled", None)


# Faults ---------------------------------------------------------------------------------------------------------------

NOBODY = f"http://127.0.0.1:{free_port()}"
IMAGE = Image("data-flows/x", f"sha256:{'0' * 64}", (TAG,), datetime(2026, 1, 1, tzinfo=UTC), 1)
CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "families": (lambda: Ecs(Connection("us-east-1", NOBODY)).families("x"), "listing the task definitions"),
    "revisions": (lambda: Ecs(Connection("us-east-1", NOBODY)).revisions("x"), "listing the revisions"),
    "deregister": (lambda: Ecs(Connection("us-east-1", NOBODY)).deregister("x"), "deregistering"),
    "holds": (lambda: Ecr(Connection("us-east-1", NOBODY), None).holds("data-flows/x", "sha256:1"), "looking for"),
    "repositories": (lambda: Ecr(Connection("us-east-1", NOBODY), None).list_repositories("x"), "listing the repo"),
    "images": (lambda: Ecr(Connection("us-east-1", NOBODY), None).images("data-flows/x"), "listing the images"),
    "remove an image": (lambda: Ecr(Connection("us-east-1", NOBODY), None).remove(IMAGE), "deleting data-flows/x"),
    "tagged": (lambda: PrefectApi(f"{NOBODY}/api").tagged("x"), "nothing answers"),
    "every deployment": (lambda: PrefectApi(f"{NOBODY}/api").every_deployment(), "nothing answers"),
    "remove": (lambda: PrefectApi(f"{NOBODY}/api").remove("x"), "nothing answers"),
    "runs": (lambda: runs(PrefectApi(f"{NOBODY}/api"), ["x"]), "nothing answers"),
}


@pytest.mark.parametrize(("call", "said"), CALLS.values(), ids=CALLS)
def test_a_system_that_does_not_answer_is_one_clear_error(call: Callable[[], object], said: str) -> None:
    with pytest.raises(RemoteError, match=said) as caught:
        call()
    assert caught.value.hint


def test_the_api_itself_says_that_a_removed_deployment_is_gone(api: PrefectApi) -> None:
    made = api.create(prefect_deployment(unique("really")))
    api.remove(made.id)

    assert requests.get(f"{api.url}/deployments/{made.id}", timeout=10).status_code == 404
