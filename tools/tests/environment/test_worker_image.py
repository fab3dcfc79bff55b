"""The worker's image of this repository: built on a real engine, pushed once to a real registry, and found there."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import docker
import pytest

from tools.clients.ecr import Ecr
from tools.clients.engine import Engine
from tools.desired.fingerprint import of_base
from tools.environment.worker_image import build, own_image, push, to_be_pushed
from tools.errors import UserError
from tools.repository import ROOT
from tools.settings import Connection
from tools.tests.repositories import make_base
from tools.tests.samples import unique

REPOSITORY = "data-flows/worker"


@pytest.mark.docker
def test_it_is_the_base_image_with_prefect_and_its_worker_for_ecs() -> None:
    client, tag = docker.from_env(), f"{REPOSITORY}:{of_base(ROOT).value}"
    stood = Engine().has(tag)
    if stood:
        client.images.remove(tag)

    build(ROOT, Engine(), lambda *_: None)

    has = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('prefect', 'prefect_aws'))))"
    client.containers.run(tag, ["python", "-c", has], remove=True, network_mode="none")
    if not stood:
        client.images.remove(tag)


@pytest.mark.docker
def test_it_is_pushed_once_and_then_found_by_its_digest(ministack: Connection, tmp_path: Path) -> None:
    """A small one, which is on the engine already."""
    make_base(tmp_path, {"of": unique("test")})
    registry = str(ministack.endpoint).removeprefix("http://").replace("127.0.0.1", "localhost")
    version, ecr, client, told = of_base(tmp_path).value, Ecr(ministack, registry), docker.from_env(), list[str]()
    tag = f"{REPOSITORY}:{version}"
    client.api.import_image_from_data(small_tar(), repository=REPOSITORY, tag=version)
    assert to_be_pushed(own_image(tmp_path, ecr, registry)) == tag

    pushed = push(tmp_path, ecr, Engine(), lambda _, doing: told.append(doing))

    (image,) = [image for image in ecr.images(REPOSITORY) if image.tags == (version,)]
    assert pushed == own_image(tmp_path, ecr, registry) == f"{registry}/{REPOSITORY}@{image.digest}"
    assert to_be_pushed(pushed) == ""
    before = len(told)
    assert push(tmp_path, ecr, Engine(), lambda _, doing: told.append(doing)) == pushed
    assert len(told) == before
    for reference in (tag, f"{registry}/{tag}"):
        client.images.remove(reference)


def small_tar() -> bytes:
    """A layer of one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    return packed.getvalue()


def test_without_an_engine_it_is_told_what_else_there_is(
    ministack: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")

    with pytest.raises(UserError) as refused:
        push(ROOT, Ecr(ministack, "registry.test"), Engine(), lambda *_: None)

    assert refused.value.message.startswith("the worker's image must be built and pushed: no Docker engine answers")
    assert refused.value.hint.endswith("; or give another one: --worker-image …@sha256:…, or none")
