"""What came of a plan."""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.errors import ToolsError
from tools.model.release import Release


@dataclass(frozen=True)
class Provenance:
    """Who deploys what, and when: written into each release."""

    commit: str
    by: str
    at: str


@dataclass
class Result:
    """What came of one service's plan. `seconds` counts its own steps, also those that ran beside others."""

    service: str
    release: Release
    done: list[str] = field(default_factory=list)
    error: ToolsError | None = None
    seconds: float = 0.0
