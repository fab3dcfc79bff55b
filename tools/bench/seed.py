"""Brings an environment to where a deploy of very many flows finds nothing to do, without building an image for each.

Takes the usual way through the tooling's own plan, apply and clients, so that releases and deployments are those of a
deploy; but the images of all services are one: it is pushed by its manifest only, and none is built or imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tools.clients.aws import session
from tools.environment.apply import Clients, apply
from tools.environment.connect import Environment
from tools.environment.deploy import keep_written, make_plan
from tools.environment.provenance import provenance
from tools.errors import ToolsError
from tools.model.images import FlowDescription, Login, OnProgress, Target
from tools.model.release import Release
from tools.plan.actions import ALL
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_ecr.client import ECRClient


@dataclass(frozen=True)
class OneImage:
    """An engine that has the same image under every name."""

    aws: Connection
    example: Release
    """Whose image it is."""

    @cached_property
    def _ecr(self) -> ECRClient:
        return session(self.aws).client("ecr", endpoint_url=self.aws.endpoint)

    @cached_property
    def _manifest(self) -> tuple[str, str]:
        """The image's, and its kind."""
        (found,) = self._ecr.batch_get_image(
            repositoryName=self.example.repository, imageIds=[{"imageDigest": self.example.image_digest}]
        )["images"]
        return found["imageManifest"], found["imageManifestMediaType"]

    def has(self, _: str) -> bool:
        """The engine has every image."""
        return True

    def build(self, base: Path, targets: Sequence[Target], step: OnProgress) -> dict[str, ToolsError]:
        """Nothing is to be built: the engine has every image."""
        return {}

    def push(self, tag: str, address: str, login: Login, step: OnProgress) -> None:
        """Puts the image's manifest into a repository."""
        repository, version = tag.rsplit(":", 1)
        manifest, kind = self._manifest
        self._ecr.put_image(
            repositoryName=repository,
            imageManifest=manifest,
            imageManifestMediaType=kind,
            imageTag=version,
            imageDigest=self.example.image_digest,
        )

    def pull(self, reference: str, login: Login) -> None:
        """Nothing is to be pulled."""

    def describe_flow(self, reference: str, release: Release) -> FlowDescription:
        """A flow that is called as its service."""
        return FlowDescription(release.service, self.example.parameter_schema)


def seed(root: Path, services: Sequence[str], environment: Environment, image: OneImage) -> None:
    """Releases and registers services as if each had an image of its own; those that are registered stay.

    Args:
        root: the repository.
        services: their names.
        environment: where.
        image: the one for all.

    Raises:
        ToolsError: one of them could not be released or registered.
    """
    planned = make_plan(root, services, environment, ALL, "stop")
    clients = Clients(image, environment.ecr, environment.ecs, environment.prefect)
    results = apply(planned, root, clients, lambda: provenance(root), lambda *_: None)
    keep_written(results, environment)
    for result in results:
        if result.error:
            raise result.error
