"""How a Prefect API, a work pool and its workers stand, and what is late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import AwareDatetime


@dataclass(frozen=True)
class Api:
    """A Prefect API that answered."""

    lets_in: bool
    """Whether it takes what it was shown, be that nothing."""
    date: AwareDatetime | None
    """When it answered, by its clock; None where it does not say."""


@dataclass(frozen=True)
class StandingPool:
    """A work pool that is there."""

    name: str
    type: str
    paused: bool
    limit: int | None
    """How many runs it lets go at once; None where it does not count them."""
    template: dict[str, Any]
    """Its base job template."""


@dataclass(frozen=True)
class Worker:
    """A worker of a pool."""

    name: str
    online: bool
    """Whether Prefect has heard of it lately."""
    heard: AwareDatetime | None


@dataclass(frozen=True)
class LateRun:
    """A run that should have begun."""

    id: str
    name: str
    due: AwareDatetime
