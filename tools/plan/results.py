"""What came of a plan, action by action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tools.errors import ToolsError
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.plan.actions import Action, ServicePlan


@dataclass(frozen=True)
class Provenance:
    """Who deploys what, and when: written into each release."""

    commit: str
    by: str
    at: str


@dataclass(frozen=True)
class Done:
    """An action that is done. `already` where it was found so: nothing was written for it."""

    action: Action
    already: bool = False

    def __str__(self) -> str:
        """In a few words: `built already`, `patched daily`."""
        return " ".join(filter(None, (self.action.past, self.action.called, "already" if self.already else "")))


@dataclass
class Result:
    """What has come of one service's plan so far.

    `release` is the plan's with what is known by now: its image, its schema, its number. `seconds` counts its own
    steps, also those that ran beside others.
    """

    item: ServicePlan
    release: Release
    done: list[Done] = field(default_factory=list)
    failed: Action | None = None
    """The action at which it failed; None also where it failed at none: before the first, or when it was read back."""
    error: ToolsError | None = None
    seconds: float = 0.0
    live: Sequence[PrefectDeployment] = ()
    """Its deployments as they were read back; none where nothing was registered."""

    @property
    def service(self) -> str:
        """The service's name."""
        return self.item.name

    @property
    def said(self) -> list[str]:
        """What was done, in words."""
        return [str(done) for done in self.done]
