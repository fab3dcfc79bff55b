"""The worker's image of this repository: the base image, in a repository of its own, under the base's fingerprint."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tools.clients.ecr import Ecr
from tools.clients.engine import Engine
from tools.desired.fingerprint import of_base
from tools.errors import RemoteError, UserError
from tools.model import names
from tools.model.images import OnProgress, Target
from tools.repository import BASE_DIRECTORY

_REPOSITORY = names.repository(names.WORKER)
_PLATFORM = "linux/amd64"
"""What the worker's task runs on."""


def own_image(root: Path, ecr: Ecr, registry: str) -> str:
    """By digest where the registry has it, else by the tag under which it is to be pushed.

    Args:
        root: the repository.
        ecr: of the environment.
        registry: its host.
    """
    version = of_base(root, _PLATFORM).value
    digest = ecr.digest(_REPOSITORY, version)
    return f"{registry}/{_REPOSITORY}@{digest}" if digest else f"{registry}/{_REPOSITORY}:{version}"


def to_be_pushed(image: str) -> str:
    """The repository and tag of an image that is named by them, because the registry has it not; of no other."""
    return "" if "@" in image else image.partition("/")[2]


def push(root: Path, ecr: Ecr, engine: Engine, step: OnProgress) -> str:
    """Builds and pushes it; gives it by digest.

    Args:
        root: the repository.
        ecr: of the environment.
        engine: where it is built.
        step: told what is being done.

    Raises:
        UserError: there is no engine, or the base image cannot be built.
        RemoteError: the registry refused or did not answer.
    """
    version = of_base(root, _PLATFORM).value
    build(root, engine, step)
    ecr.ensure(_REPOSITORY)
    address = ecr.address(_REPOSITORY)
    if ecr.digest(_REPOSITORY, version) is None:
        tag = names.image_tag(names.WORKER, version)
        engine.push(tag, address, ecr.login(), lambda _, text: step(names.WORKER, f"push {text}"))
    digest = ecr.digest(_REPOSITORY, version)
    if digest is None:
        raise RemoteError(f"the registry does not show {_REPOSITORY}:{version} after the push", "run this again")
    return f"{address}@{digest}"


def build(root: Path, engine: Engine, step: OnProgress) -> None:
    """Has it on the engine.

    Args:
        root: the repository.
        engine: where.
        step: told what is being done.

    Raises:
        UserError: there is no engine, or the base image cannot be built.
    """
    try:
        engine.check()
    except UserError as error:
        raise UserError(
            f"the worker's image must be built and pushed: {error.message}",
            f"{error.hint}; or give another one: --worker-image …@sha256:…, or none",
        ) from error
    with tempfile.TemporaryDirectory() as home:
        context = Path(home)
        (context / "Dockerfile").write_text("FROM base\n", "utf-8")
        target = Target(names.WORKER, of_base(root, _PLATFORM).value, context, "Dockerfile", {}, _PLATFORM)
        if engine.has(target.tag):
            return
        failed = engine.build(root / BASE_DIRECTORY, [target], step)
    if failed:
        raise failed[names.WORKER]
