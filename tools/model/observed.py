"""What an environment was found to hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tools.model.prefect import PrefectDeployment
from tools.model.release import AnyRelease, Release, UnreadRelease


@dataclass(frozen=True)
class RoleObserved:
    """The role of a service's tasks, beside what the service declares that it may do."""

    problems: tuple[str, ...] = ()
    """Why nothing is released that relies on it: it is not there, it lacks something, AWS knows no such permission."""
    note: str = ""
    """What of it is good to know, and keeps nothing from being done."""


@dataclass(frozen=True)
class Observed:
    """What an environment holds of one service."""

    newest: Release | None = None
    """The newest release of its family that can be read."""
    releases: Mapping[str, Release] = field(default_factory=dict)
    """By ARN: those that its deployments point at, and the newest; more where it was looked closer."""
    unread: Mapping[str, UnreadRelease] = field(default_factory=dict)
    """By ARN: those among them that this version cannot read."""
    deployments: tuple[PrefectDeployment, ...] = ()
    image: str = ""
    """The image of the desired fingerprint in the registry, by digest; empty where it has none."""
    gone: frozenset[str] = frozenset()
    """The ARNs of releases that deployments point at and whose image the registry no longer has."""
    missing_secrets: tuple[str, ...] = ()
    role: RoleObserved = RoleObserved()
    """Looked at where a release is to be made, or gone back to."""

    @classmethod
    def of(cls, found: Iterable[AnyRelease], deployments: Iterable[PrefectDeployment]) -> Observed:
        """What is made of a service's releases, read or not, and of its deployments."""
        found = list(found)
        releases = {item.arn: item for item in found if isinstance(item, Release)}
        return cls(
            newest=max(releases.values(), key=lambda item: item.revision or 0, default=None),
            releases=releases,
            unread={item.arn: item for item in found if isinstance(item, UnreadRelease)},
            deployments=tuple(deployments),
        )

    @property
    def all_releases(self) -> list[AnyRelease]:
        """Those that are known, read or not, newest first."""
        everything: list[AnyRelease] = [*self.releases.values(), *self.unread.values()]
        return sorted(everything, key=lambda item: item.revision or 0, reverse=True)


#: Observed of each service, by its name.
State = Mapping[str, Observed]


@dataclass(frozen=True)
class Unseen:
    """Flows in step whose releases and images were not looked at now: what was read of them before is taken."""

    flows: int
    oldest: datetime
    """When the one of them was looked at whose last look is longest ago."""


@dataclass(frozen=True)
class Running:
    """How an ECS service stands."""

    wanted: int
    running: int
    said: tuple[str, ...] = ()
    """The last that ECS told of it."""


@dataclass(frozen=True)
class Revision:
    """A revision of a task definition, whoever made it."""

    arn: str
    images: tuple[str, ...]
    """What its containers refer to."""
    release: AnyRelease | None
    """None where it is none of ours."""
