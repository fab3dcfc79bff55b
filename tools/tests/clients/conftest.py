"""Each kind of client: a fake and the real things that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tools.clients import bounds
from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.settings import Connection
from tools.tests.fakes import FakeEcr, FakeEcs, FakePrefect
from tools.tests.far import SECRETS, Clients, Far, far_clients
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


#: Bounds of the clients of one small server that a test can wait for.
SMALL: dict[str, float] = {"ANSWER_SECONDS": 10.0, "TRY_SECONDS": 3.0, "FIRST_PAUSE": 0.005, "LONGEST_PAUSE": 0.01}
SMALL |= {"LARGEST_ANSWER": 1 << 20, "READ_SECONDS": 10.0, "MOST_PAGES": 20}


@pytest.fixture(scope="module")
def far() -> Far:
    """The server, one for all tests of a module: each resets it."""
    return Far()


@pytest.fixture(scope="module")
def clients(far: Far) -> Iterator[Clients]:
    """The clients of the server. Making those of AWS is slow."""
    with pytest.MonkeyPatch.context() as patched, far_clients(far) as made:
        for name, secret in SECRETS.items():
            patched.setenv(name, secret)
        patched.setenv("AWS_ENDPOINT_URL", made.api.url.removesuffix("/api"))
        patched.delenv("AWS_PROFILE", raising=False)
        for name, value in SMALL.items():
            patched.setattr(bounds, name, value)
        yield made
