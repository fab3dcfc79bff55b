"""What an environment was found to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.model.prefect import PrefectDeployment
from tools.model.release import Release


@dataclass(frozen=True)
class Observed:
    """What an environment holds of one service."""

    newest: Release | None = None
    """The newest revision of its family."""
    releases: Mapping[str, Release] = field(default_factory=dict)
    """By ARN: those that its deployments point at, and the newest; more where it was looked closer."""
    deployments: tuple[PrefectDeployment, ...] = ()
    image: str = ""
    """The image of the desired fingerprint in the registry, by digest; looked for only where no release has it."""
    missing_secrets: tuple[str, ...] = ()


#: Observed of each service, by its name.
State = Mapping[str, Observed]


@dataclass(frozen=True)
class Revision:
    """A revision of a task definition, whoever made it."""

    arn: str
    images: tuple[str, ...]
    """What its containers refer to."""
    release: Release | None
    """None where it is none of ours, or of a later version's making."""
