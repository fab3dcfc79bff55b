"""The worker's image of this repository: pushed once from a real engine to a real registry, and found there."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from tools.clients.ecr import Ecr
from tools.clients.engine import Engine
from tools.environment.worker_image import own_image, push, to_be_pushed
from tools.errors import UserError
from tools.repository import ROOT
from tools.settings import Connection

REPOSITORY = "data-flows/worker"


@pytest.fixture
def registry(ministack: Connection) -> Iterator[str]:
    """The emulator's registry as the engine calls it; what was pushed to it is gone from the engine afterwards."""
    host = str(ministack.endpoint).removeprefix("http://").replace("127.0.0.1", "localhost")
    yield host
    client = docker.from_env()
    tags = [tag for image in client.images.list(name=f"{host}/{REPOSITORY}") for tag in image.tags]
    for tag in tags:
        if tag.startswith(host):
            client.images.remove(tag)


@pytest.mark.docker
def test_it_is_pushed_once_and_then_found_by_its_digest(ministack: Connection, registry: str) -> None:
    ecr, told = Ecr(ministack, registry), list[str]()
    before = own_image(ROOT, ecr, registry)
    assert before == f"{registry}/{to_be_pushed(before)}"

    pushed = push(ROOT, ecr, Engine(), lambda _, doing: told.append(doing))

    assert own_image(ROOT, ecr, registry) == pushed
    assert to_be_pushed(pushed) == ""
    version = to_be_pushed(before).removeprefix(f"{REPOSITORY}:")
    (image,) = [image for image in ecr.images(REPOSITORY) if image.tags == (version,)]
    assert pushed == f"{registry}/{REPOSITORY}@{image.digest}"
    assert [doing for doing in told if doing.startswith("push ")]
    has = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('prefect', 'prefect_aws'))))"
    docker.from_env().containers.run(pushed, ["python", "-c", has], remove=True, network_mode="none")

    told.clear()
    assert push(ROOT, ecr, Engine(), lambda _, doing: told.append(doing)) == pushed
    assert told == []


def test_without_an_engine_it_is_told_what_else_there_is(
    ministack: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")

    with pytest.raises(UserError) as refused:
        push(ROOT, Ecr(ministack, "registry.test"), Engine(), lambda *_: None)

    assert refused.value.message.startswith("the worker's image must be built and pushed: no Docker engine answers")
    assert refused.value.hint.endswith("; or give another one: --worker-image …@sha256:…, or none")
