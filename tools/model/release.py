"""A release: one revision of a service's ECS task definition, with all that a rollback needs."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from pydantic import Field

from tools.model import names
from tools.model.permissions import allowed
from tools.model.rules import Frozen
from tools.model.service import Deployment, ECSRun, Schedule


class Release(Frozen):
    """One revision of a service's ECS task definition, with all that a rollback needs.

    `image` refers to the registry by digest. `ecs_run` is that of its environment, with its roles; `platform_env`
    is what the environment adds to its env, `secret_paths` where its secrets lie in full. A release that is not
    registered yet has no `revision` and no `arn`; one whose image is not pushed yet has no `image` either.
    """

    service: str
    owner: str = ""
    """Who is asked, and whose the costs are."""
    environment: str
    fingerprint: str
    image: str = ""
    entrypoint: str
    platform: str
    ecs_run: ECSRun
    platform_env: dict[str, str] = Field(default_factory=dict)
    secret_paths: dict[str, str] = Field(default_factory=dict)
    log_group: str
    deployments: tuple[Deployment, ...] = ()
    parameter_schema: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict)
    """A short hash of each input of the fingerprint: files by their paths."""
    commit: str = ""
    by: str = ""
    at: str = ""
    revision: int | None = Field(default=None, exclude=True)
    arn: str = Field(default="", exclude=True)
    unknown: dict[str, Any] = Field(default_factory=dict, exclude=True)
    """What its record has that this version has no field for, by its path: a later version wrote it."""

    @property
    def repository(self) -> str:
        """The ECR repository's name."""
        return names.repository(self.service)

    @property
    def image_digest(self) -> str:
        """What tells its image from others, whatever they are called: `sha256:…`; empty where it has none."""
        return self.image.rpartition("@")[2]

    @property
    def family(self) -> str:
        """The task definition's family."""
        return names.family(self.environment, self.service)

    @property
    def tag(self) -> str:
        """Its image's name on the engine."""
        return names.image_tag(self.service, self.fingerprint)

    def declares(self, name: str) -> bool:
        """Whether it has a deployment of this name."""
        return any(deployment.name == name for deployment in self.deployments)

    def schedules_of(self, name: str) -> tuple[Schedule, ...]:
        """What it declares of the schedules of a deployment."""
        return next((item.schedules for item in self.deployments if item.name == name), ())

    def content(self) -> dict[str, Any]:
        """What makes two releases the same: everything but who registered it, when and from which commit, and what
        the fingerprint is made of.

        The order of deployments, schedules and tags says nothing, nor does that of permissions.
        """
        values = self.model_dump(mode="json", exclude={"commit", "by", "at", "inputs"})
        values["ecs_run"]["permissions"] = allowed(self.ecs_run.permissions)
        values["deployments"].sort(key=itemgetter("name"))
        for deployment in values["deployments"]:
            deployment["schedules"].sort(key=itemgetter("slug"))
            deployment["tags"].sort()
        return {**values, "unknown": self.unknown} if self.unknown else values


@dataclass(frozen=True)
class UnreadRelease:
    """A revision that holds a release which this version of the tools cannot read."""

    family: str
    revision: int
    arn: str
    why: str

    def __str__(self) -> str:
        """`release 7: written by a later version of the tools`."""
        return f"release {self.revision}: {self.why}"


AnyRelease = Release | UnreadRelease
