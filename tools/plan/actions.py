"""The types of a plan: actions with their reasons, drift, plan. PURE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

from tools.desired.discover import Broken
from tools.model.observed import Unseen
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.model.service import Service

Stage = Literal["build", "push", "import", "release", "register"]
#: What to do with drift: refuse the service, write the repository's values over it, or leave it.
OnDrift = Literal["stop", "overwrite", "keep"]
ALL: tuple[Stage, ...] = ("build", "push", "import", "release", "register")


@dataclass(frozen=True)
class Step:
    """What the steps of a plan have in common. `subject` is what one acts on, `why` each reason for it."""

    stage: ClassVar[Stage]
    verb: ClassVar[str]
    past: ClassVar[str]
    subject: str
    why: tuple[str, ...]

    @property
    def id(self) -> str:
        """What tells it from the other steps of its plan, in the plan and in its results alike."""
        return f"{self.stage}: {self.verb} {self.subject}"

    @property
    def called(self) -> str:
        """What it acts on where the service is known already; empty for what there is one of."""
        return ""


@dataclass(frozen=True)
class Build(Step):
    """Build the image."""

    stage = "build"
    verb = "build"
    past = "built"
    service: Service


@dataclass(frozen=True)
class Push(Step):
    """Push the image."""

    stage = "push"
    verb = "push"
    past = "pushed"


@dataclass(frozen=True)
class Import(Step):
    """Import the flow in its image."""

    stage = "import"
    verb = "import"
    past = "imported"


@dataclass(frozen=True)
class MakeRelease(Step):
    """Register a revision of the task definition."""

    stage = "release"
    verb = "release"
    past = "released"


@dataclass(frozen=True)
class Create(Step):
    """Create a deployment with its schedules."""

    stage = "register"
    verb = "create"
    past = "created"
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

    @property
    def called(self) -> str:
        """The deployment."""
        return self.name


@dataclass(frozen=True)
class Patch(Step):
    """Write some fields of a deployment."""

    stage = "register"
    verb = "patch"
    past = "patched"
    live: PrefectDeployment
    fields: tuple[str, ...]
    kept: tuple[tuple[str, Any], ...] | None = None
    """The job variables beside the release, where they were changed by hand and are to stay as they are."""

    def made(self, wanted: PrefectDeployment) -> PrefectDeployment:
        """The deployment whose fields are written."""
        if self.kept is None:
            return wanted
        release = {"task_definition_arn": wanted.job_variables["task_definition_arn"]}
        return wanted.model_copy(update={"job_variables": {**dict(self.kept), **release}})

    @property
    def called(self) -> str:
        """The deployment."""
        return self.live.name


@dataclass(frozen=True)
class Delete(Step):
    """Delete a deployment."""

    stage = "register"
    verb = "delete"
    past = "deleted"
    live: PrefectDeployment

    @property
    def called(self) -> str:
        """The deployment."""
        return self.live.name


@dataclass(frozen=True)
class AddSchedule(Step):
    """Add a schedule to a deployment that exists."""

    stage = "register"
    verb = "add"
    past = "added"
    deployment: PrefectDeployment
    wanted: PrefectSchedule

    @property
    def called(self) -> str:
        """The deployment and the schedule."""
        return f"{self.deployment.name}/{self.wanted.slug}"


@dataclass(frozen=True)
class ChangeSchedule(Step):
    """Change a schedule in place. `active` None keeps it as it is."""

    stage = "register"
    verb = "change"
    past = "changed"
    deployment: PrefectDeployment
    live: PrefectSchedule
    wanted: PrefectSchedule
    active: bool | None

    @property
    def called(self) -> str:
        """The deployment and the schedule."""
        return f"{self.deployment.name}/{self.wanted.slug}"


@dataclass(frozen=True)
class RemoveSchedule(Step):
    """Delete a schedule whose slug left the file."""

    stage = "register"
    verb = "delete"
    past = "deleted"
    deployment: PrefectDeployment
    live: PrefectSchedule

    @property
    def called(self) -> str:
        """The deployment and the schedule."""
        return f"{self.deployment.name}/{self.live.slug}"


#: What is written to the Prefect API.
Registering = Create | Patch | Delete | AddSchedule | ChangeSchedule | RemoveSchedule
Action = Build | Push | Import | MakeRelease | Registering


A = TypeVar("A", bound=Action)


@dataclass(frozen=True)
class Drift:
    """What was changed by hand: the live value is explained neither by the release nor by the repository."""

    subject: str
    live: Any
    declared: Any


@dataclass(frozen=True)
class Note:
    """What stays as it is and is good to know. `subject` is empty where it is about the service."""

    subject: str
    text: str

    def __str__(self) -> str:
        """`deployment hello/main: is paused, and stays so`."""
        return f"{self.subject}: {self.text}" if self.subject else self.text


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
    notes: tuple[Note, ...] = ()

    @property
    def name(self) -> str:
        """The service's."""
        return self.release.service

    def has(self, kind: type[Action]) -> bool:
        """Whether an action of this kind is planned."""
        return any(isinstance(action, kind) for action in self.actions)

    def of(self, kind: type[A]) -> Iterator[A]:
        """The actions of a kind; of those that are about images and releases there is one at the most."""
        return (action for action in self.actions if isinstance(action, kind))

    @property
    def registering(self) -> list[Registering]:
        """What is written to the Prefect API, in its order."""
        return [action for action in self.actions if isinstance(action, Registering)]

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
    broken: tuple[Broken, ...] = ()
    """Services that are left out, because they cannot be what their files say."""
    notes: tuple[Note, ...] = ()
    """On what the environment holds of services that the repository no longer declares."""
    unseen: Unseen | None = None
    """What of the services was not looked at now."""

    @property
    def changes(self) -> int:
        """How many actions there are."""
        return sum(len(item.actions) for item in self.services)

    @property
    def commits(self) -> bool:
        """Whether it will release or register anything."""
        return any(item.commits for item in self.services)
