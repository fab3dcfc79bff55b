"""The types of a plan and of what came of it: actions with their reasons, drift, plan, results. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.model.service import Service

Stage = Literal["build", "push", "import", "release", "register"]
#: What to do with drift: refuse the service, write the repository's values over it, or leave it.
OnDrift = Literal["stop", "overwrite", "keep"]
ALL: tuple[Stage, ...] = ("build", "push", "import", "release", "register")


@dataclass(frozen=True)
class Action:
    """A step of a plan. `subject` is what it acts on, `why` each reason for it."""

    stage: ClassVar[Stage]
    verb: ClassVar[str]
    subject: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class Build(Action):
    """Build the image."""

    stage = "build"
    verb = "build"
    service: Service


@dataclass(frozen=True)
class Push(Action):
    """Push the image."""

    stage = "push"
    verb = "push"


@dataclass(frozen=True)
class Import(Action):
    """Import the flow in its image."""

    stage = "import"
    verb = "import"


@dataclass(frozen=True)
class MakeRelease(Action):
    """MakeRelease a revision of the task definition."""

    stage = "release"
    verb = "release"


@dataclass(frozen=True)
class Create(Action):
    """Create a deployment with its schedules."""

    stage = "register"
    verb = "create"
    name: str
    paused: frozenset[str] = frozenset()
    """Slugs of schedules that start paused, as those were whose place they take."""

    def made(self, wanted: PrefectDeployment) -> PrefectDeployment:
        """The deployment as it is created."""
        schedules = (
            schedule.model_copy(update={"active": schedule.active and schedule.slug not in self.paused})
            for schedule in wanted.schedules
        )
        return wanted.model_copy(update={"schedules": tuple(schedules)})


@dataclass(frozen=True)
class Patch(Action):
    """Write some fields of a deployment."""

    stage = "register"
    verb = "patch"
    live: PrefectDeployment
    fields: tuple[str, ...]
    kept: tuple[tuple[str, Any], ...] | None = None
    """The job variables beside the release, where they were changed by hand and are to stay as they are."""


@dataclass(frozen=True)
class AddSchedule(Action):
    """Add a schedule to a deployment that exists."""

    stage = "register"
    verb = "add"
    live: PrefectDeployment
    wanted: PrefectSchedule


@dataclass(frozen=True)
class ChangeSchedule(Action):
    """Change a schedule in place. `active` None keeps it as it is."""

    stage = "register"
    verb = "change"
    deployment: PrefectDeployment
    live: PrefectSchedule
    wanted: PrefectSchedule
    active: bool | None


@dataclass(frozen=True)
class RemoveSchedule(Action):
    """Delete a schedule whose slug left the file."""

    stage = "register"
    verb = "delete"
    deployment: PrefectDeployment
    live: PrefectSchedule


@dataclass(frozen=True)
class Delete(Action):
    """Delete a deployment."""

    stage = "register"
    verb = "delete"
    live: PrefectDeployment


@dataclass(frozen=True)
class Drift:
    """What was changed by hand: the live value is explained neither by the release nor by the repository."""

    subject: str
    live: Any
    declared: Any


@dataclass(frozen=True)
class ServicePlan:
    """What must be done for one service.

    `release` is the draft to register, or, where `reused`, one that is registered already.
    """

    work_pool: str
    release: Release
    reused: bool
    actions: tuple[Action, ...] = ()
    drift: tuple[Drift, ...] = ()
    keep: bool = False
    """Whether what was changed by hand stays."""
    problems: tuple[str, ...] = ()
    """Why it cannot be deployed."""
    refused: tuple[str, ...] = ()
    """Drift that nobody has decided about yet: until then it is not deployed."""
    notes: tuple[str, ...] = ()
    """What stays as it is and is good to know."""

    @property
    def name(self) -> str:
        """The service's."""
        return self.release.service

    def has(self, kind: type[Action]) -> bool:
        """Whether an action of this kind is planned."""
        return any(isinstance(action, kind) for action in self.actions)

    @property
    def commits(self) -> bool:
        """Whether it will release or register anything: images alone change nothing that runs."""
        committing = any(action.stage in ("release", "register") for action in self.actions)
        return committing and not (self.problems or self.refused)


@dataclass(frozen=True)
class Plan:
    """What must be done to bring an environment to what the repository declares."""

    environment: str
    services: tuple[ServicePlan, ...]
    notes: tuple[str, ...] = ()
    """What the environment holds of services that the repository no longer declares."""

    @property
    def changes(self) -> int:
        """How many actions there are."""
        return sum(len(item.actions) for item in self.services)

    @property
    def commits(self) -> bool:
        """Whether it will release or register anything."""
        return any(item.commits for item in self.services)
