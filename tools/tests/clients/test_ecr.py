"""ECR as the stages rely on it, proven alike on the fake and on two emulators."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tools.clients.aws import session
from tools.clients.ecr import Ecr
from tools.settings import Connection
from tools.tests.fakes import FakeEcr
from tools.tests.samples import unique
from tools.tests.servers import EMULATORS

Put = Callable[[str, str], str]
TAG = "0123456789abcdef"


def test_an_image_of_a_repository_that_is_missing_has_no_digest(ecr: FakeEcr | Ecr) -> None:
    assert ecr.digest(unique("data-flows/none"), "0123456789abcdef") is None


def test_a_repository_is_made_once_and_is_empty_at_first(ecr: FakeEcr | Ecr) -> None:
    repository = unique("data-flows/fresh")
    ecr.ensure(repository)
    ecr.ensure(repository)
    assert ecr.digest(repository, "0123456789abcdef") is None
    assert ecr.address(repository) == f"registry.test/{repository}"


def test_a_login_has_a_user_and_a_password_that_repr_does_not_show(ecr: FakeEcr | Ecr) -> None:
    login = ecr.login()
    assert login.username == "AWS"
    assert login.password
    assert login.password not in repr(login)


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_repository_gets_immutable_tags_and_is_scanned(emulator: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    repository = unique("data-flows/settings")
    Ecr(connection, None).ensure(repository)
    client = session(connection).client("ecr", endpoint_url=connection.endpoint)
    (found,) = client.describe_repositories(repositoryNames=[repository])["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"]["scanOnPush"] is True


@pytest.mark.parametrize("emulator", EMULATORS)
def test_without_a_setting_the_registry_is_the_one_that_ecr_names(
    emulator: str, request: pytest.FixtureRequest
) -> None:
    registry = Ecr(request.getfixturevalue(emulator), None)
    repository = unique("data-flows/address")
    registry.ensure(repository)
    assert registry.address(repository).endswith(f".amazonaws.com/{repository}")


def test_repositories_are_listed_by_the_beginning_of_their_names(stocked: tuple[FakeEcr | Ecr, Put]) -> None:
    registry, _ = stocked
    prefix = unique("data-flows/listed")
    for name in (f"{prefix}-b", f"{prefix}-a", f"other/{prefix}"):
        registry.ensure(name)

    assert registry.list_repositories(prefix) == [f"{prefix}-a", f"{prefix}-b"]


def test_an_image_is_known_by_its_digest(stocked: tuple[FakeEcr | Ecr, Put]) -> None:
    registry, put = stocked
    repository = unique("data-flows/held")
    assert not registry.holds(repository, f"sha256:{'0' * 64}")
    registry.ensure(repository)
    digest = put(repository, TAG)

    assert registry.digest(repository, TAG) == digest
    assert registry.holds(repository, digest)
    assert not registry.holds(repository, f"sha256:{'0' * 64}")


def test_images_are_listed_with_their_tags_and_when_they_were_pushed(stocked: tuple[FakeEcr | Ecr, Put]) -> None:
    registry, put = stocked
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


def test_a_removed_image_is_gone_and_the_others_stay(stocked: tuple[FakeEcr | Ecr, Put]) -> None:
    registry, put = stocked
    repository = unique("data-flows/removed")
    registry.ensure(repository)
    gone, left = put(repository, "0" * 16), put(repository, "1" * 16)
    image = next(item for item in registry.images(repository) if item.digest == gone)
    registry.remove(image)
    registry.remove(image)  # gone already is done

    assert [item.digest for item in registry.images(repository)] == [left]
    assert (registry.holds(repository, gone), registry.digest(repository, "0" * 16)) == (False, None)
    assert registry.holds(repository, left)
