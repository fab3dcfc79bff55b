"""Images: what is to be built, what a registry has, what importing a flow in one gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.model.names import image_tag

#: Told (subject, what is being done) while builds, pushes and the like go on.
OnProgress = Callable[[str, str], None]


@dataclass(frozen=True)
class Target:
    """An image to build: a service's, on top of the base."""

    service: str
    fingerprint: str
    context: Path
    dockerfile: str
    build_args: Mapping[str, str]
    platform: str

    @property
    def tag(self) -> str:
        """Its name on the engine."""
        return image_tag(self.service, self.fingerprint)


@dataclass(frozen=True)
class FlowDescription:
    """What importing a flow in its image gave."""

    name: str
    parameter_schema: dict[str, Any]


@dataclass(frozen=True)
class Login:
    """What `docker push` needs. The password is good for twelve hours and never printed."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Image:
    """An image in a repository."""

    repository: str
    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime
    size: int
    """Bytes, compressed."""
