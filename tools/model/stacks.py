"""What CloudFormation says of a stack and of what it would do to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

StackVerb = Literal["create", "change", "delete", "unchanged"]
ResourceVerb = Literal["create", "change", "replace", "delete", "keep"]


@dataclass(frozen=True)
class StandingStack:
    """A stack that is there."""

    name: str
    id: str
    status: str
    """CloudFormation's own word, e.g. `UPDATE_COMPLETE`."""
    reason: str = ""
    protected: bool = False
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether somebody is changing it."""
        return self.status.endswith("_IN_PROGRESS") and not self.empty

    @property
    def empty(self) -> bool:
        """Whether nothing was ever made of it but a change set to look at."""
        return self.status == "REVIEW_IN_PROGRESS"

    @property
    def dead(self) -> bool:
        """Whether its creation failed: it holds nothing, and must go before it can be created again."""
        return self.status in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED")

    @property
    def sound(self) -> bool:
        """Whether it can be changed."""
        return self.status.endswith("_COMPLETE") and self.status not in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE")


@dataclass(frozen=True)
class ResourceChange:
    """What a change set says that would be done to one resource."""

    action: str
    """CloudFormation's own word: `Add`, `Modify`, `Remove`, …"""
    logical: str
    kind: str
    physical: str = ""
    replaced: str = ""
    """`True`, `False`, `Conditional` or nothing."""
    causes: tuple[str, ...] = ()
    """What else of the stack changes, so that this has to."""


@dataclass(frozen=True)
class ResourceStep:
    """What would be done to one resource, in the words of a plan."""

    verb: ResourceVerb
    subject: str
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class StackSteps:
    """What would be done to one stack, or to what the environment has in Prefect."""

    stack: str
    verb: StackVerb
    steps: tuple[ResourceStep, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class StackEvent:
    """Something that happened to a resource of a stack, or to the stack itself."""

    id: str
    logical: str
    kind: str
    physical: str
    status: str
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether it says what went wrong, rather than what was stopped because something else had."""
        return self.status.endswith("FAILED") and "cancelled" not in self.reason.lower()


Template = Mapping[str, Any]
