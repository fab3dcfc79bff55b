"""Brings an environment to where a deploy of very many flows finds nothing to do, without building an image for each.

Takes the usual way through the tooling's own plan, apply and clients, so that releases and deployments are those of a
deploy; but all services share one image: none is built, pushed or imported. A deploy does not look for an image that a
release names already, so one with nothing to do asks and does the same as if there were an image for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.environment.apply import Clients, apply
from tools.environment.connect import Environment
from tools.environment.deploy import make_plan
from tools.environment.provenance import provenance
from tools.errors import ToolsError
from tools.model.images import FlowDescription, Login, OnProgress, Target
from tools.model.release import Release
from tools.plan.actions import ALL


@dataclass(frozen=True)
class OneImage:
    """An engine and a registry that have the same image under every name."""

    registry: str
    of_all: str
    """The image's digest."""
    parameter_schema: dict[str, Any]

    def has(self, _: str) -> bool:
        """The engine has every image."""
        return True

    def build(self, base: Path, targets: Sequence[Target], step: OnProgress) -> dict[str, ToolsError]:
        """Nothing is to be built: the engine has every image."""
        return {}

    def push(self, tag: str, address: str, login: Login, step: OnProgress) -> None:
        """Nothing is to be pushed: the registry has every image too."""

    def pull(self, reference: str, login: Login) -> None:
        """Nothing is to be pulled."""

    def describe_flow(self, reference: str, release: Release) -> FlowDescription:
        """A flow that is called as its service."""
        return FlowDescription(release.service, self.parameter_schema)

    def warm_up(self) -> None:
        """There is no client to make."""

    def digest(self, repository: str, tag: str) -> str | None:
        """The registry has every image."""
        return self.of_all

    def ensure(self, repository: str) -> None:
        """Every repository is there."""

    def address(self, repository: str) -> str:
        """Where a repository would be."""
        return f"{self.registry}/{repository}"

    def login(self) -> Login:
        """For a registry that is never asked."""
        return Login("nobody", "")


def seed(root: Path, services: Sequence[str], environment: Environment, image: OneImage) -> None:
    """Releases and registers services as if their images were there; those that are registered stay.

    Args:
        root: the repository.
        services: their names.
        environment: where.
        image: the one for all.

    Raises:
        ToolsError: one of them could not be released or registered.
    """
    planned = make_plan(root, services, environment, ALL, "stop")
    clients = Clients(image, image, environment.ecs, environment.prefect)
    for result in apply(planned, root, clients, lambda: provenance(root), lambda *_: None):
        if result.error:
            raise result.error
