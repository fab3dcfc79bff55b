"""Each kind of client: a fake and the real things that it stands for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.settings import Connection
from tools.tests.fakes import FakeEcr, FakeEcs, FakePrefect
from tools.tests.servers import EMULATORS, make_pool, put_image

Put = Callable[[str, str], str]


@pytest.fixture(params=["fake", *EMULATORS])
def ecs(request: pytest.FixtureRequest) -> FakeEcs | Ecs:
    """Each kind of ECS."""
    return FakeEcs() if request.param == "fake" else Ecs(request.getfixturevalue(request.param))


@pytest.fixture(params=["fake", *EMULATORS])
def ecr(request: pytest.FixtureRequest) -> FakeEcr | Ecr:
    """Each kind of ECR."""
    return FakeEcr() if request.param == "fake" else Ecr(request.getfixturevalue(request.param), "registry.test")


@pytest.fixture(params=["fake", *EMULATORS])
def stocked(request: pytest.FixtureRequest) -> tuple[FakeEcr | Ecr, Put]:
    """Each kind of ECR, and how an image gets into one of its repositories: under a tag; gives its digest."""
    if request.param == "fake":
        fake = FakeEcr()

        def remember(repository: str, tag: str) -> str:
            fake.repositories[repository][tag] = f"sha256:{tag}"
            return fake.repositories[repository][tag]

        return fake, remember
    connection: Connection = request.getfixturevalue(request.param)
    return Ecr(connection, "registry.test"), lambda repository, tag: put_image(connection, repository, tag)


@pytest.fixture(params=["fake", "real"])
def prefect(request: pytest.FixtureRequest) -> FakePrefect | PrefectApi:
    """Each kind of Prefect API."""
    if request.param == "fake":
        return FakePrefect()
    api = PrefectApi(request.getfixturevalue("prefect_api_url"))
    make_pool(request.getfixturevalue("prefect_api_url"))
    return api
