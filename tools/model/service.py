"""What a service declares: `Service`, `DockerStorage`, `ECSRun`, `Deployment`, `Schedule`. Checked when made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    Field,
    StrictInt,
    StrictStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tools.model import names
from tools.model.names import PLATFORM
from tools.model.permissions import Permission
from tools.model.rules import Between, Choice, Form, Frozen, is_past, refuse
from tools.model.secrets import looks_secret
from tools.model.timing import instant
from tools.model.values import (
    Anchor,
    Command,
    Cron,
    DeploymentName,
    Entrypoint,
    EnvironmentName,
    EnvName,
    EnvValue,
    InsidePath,
    Parameters,
    RoleName,
    RRule,
    Seconds,
    SecretName,
    Slug,
    Timezone,
    reserved,
)

#: CPU units -> MiB of memory that Fargate offers (AWS documentation, "Task CPU and memory").
FARGATE: Mapping[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
}


Tag = Annotated[
    StrictStr,
    Form(rf"(?!{PLATFORM}:)\S(.*\S)?", f"a tag: text without spaces around it; {PLATFORM}:… are the platform's"),
]


class DockerStorage(Frozen):
    """How a flow is stored: in an image of its own, in ECR, tagged by its content, referred to by digest.

    Prefect 1 had a class of this name; this is the project's own model.
    """

    entrypoint: Entrypoint = Field(
        description="FILE.py:FUNCTION inside the image's /opt/flow; becomes the Prefect deployment's entrypoint"
    )
    dockerfile: InsidePath = Field(
        default="Dockerfile", description="within the service's directory, which is the build context"
    )
    build_args: dict[EnvName, EnvValue] = Field(
        default_factory=dict, description="docker build --build-arg; part of the fingerprint, visible in the image"
    )
    platform: Literal["linux/amd64", "linux/arm64"] = Field(
        default="linux/amd64", description="docker build --platform, and runtimePlatform of the task definition"
    )

    @field_validator("build_args")
    @classmethod
    def _no_secret_arguments(cls, value: dict[str, str]) -> dict[str, str]:
        shown = "looks like a secret; docker history shows every build argument"
        refuse("build_args", ((name, shown) for name, text in value.items() if looks_secret(name, text)))
        return value


#: What the fields of ECSRun are, and what they become in ECS.
Cpu = Annotated[StrictInt, Field(description="CPU units (1024 = one vCPU): `cpu` of the task definition")]
Memory = Annotated[StrictInt, Field(description="MiB: `memory` of the task definition")]
Env = Annotated[
    dict[EnvName, EnvValue],
    Field(description="`environment` of the container: plain, readable by whoever sees the account"),
]
Secrets = Annotated[
    dict[EnvName, SecretName],
    Field(
        description="variable -> parameter; `secrets` of the container, resolved by ECS when a task starts from the "
        "Parameter Store at /DataFlows/{environment}/{service}/{parameter}"
    ),
]
TaskRole = Annotated[
    RoleName, Field(description="`taskRoleArn`: what the flow may do; the environment's TASK_ROLE where absent")
]
ExecutionRole = Annotated[
    RoleName, Field(description="`executionRoleArn`: pulls, logs, secrets; the environment's where absent")
]
EphemeralStorage = Annotated[
    StrictInt,
    Between(21, 200),
    Field(description="GiB of `ephemeralStorage`; Fargate gives 20 without being asked"),
]
Capacity = Annotated[
    StrictStr,
    Choice(("FARGATE", "FARGATE_SPOT")),
    Field(description="`launch_type` in the job variables of the Prefect deployment"),
]
StartCommand = Annotated[
    Command,
    Field(description="`command` of the container and job variable; Prefect's `prefect flow-run execute` where absent"),
]
Permissions = Annotated[
    tuple[Permission, ...],
    Field(
        description="what the flow may do in AWS beyond the lake and its results: statements of the policy of the role "
        "that `make bootstrap` makes for it; an environment's own take the place of all of these"
    ),
]


class ECSRun(Frozen):
    """How a flow runs: as an ECS task on Fargate, from one revision of its task definition.

    Prefect 1 had a class of this name; this is the project's own model.
    """

    cpu: Cpu = 256
    memory: Memory = Field(default=512, validate_default=True)
    env: Env = Field(default_factory=dict)
    secrets: Secrets = Field(default_factory=dict)
    task_role: TaskRole | None = None
    execution_role: ExecutionRole | None = None
    ephemeral_storage: EphemeralStorage | None = None
    capacity: Capacity = "FARGATE"
    command: StartCommand | None = None
    permissions: Permissions = ()

    @field_validator("cpu")
    @classmethod
    def _offered(cls, value: int, info: ValidationInfo) -> int:
        if value not in FARGATE and not is_past(info):
            raise ValueError(f"{value} is not offered by Fargate; it offers {_words(FARGATE)}")
        return value

    @field_validator("memory")
    @classmethod
    def _goes_with_cpu(cls, value: int, info: ValidationInfo) -> int:
        cpu = info.data.get("cpu")
        if cpu is not None and not is_past(info) and value not in FARGATE[cpu]:
            raise ValueError(f"{value} does not go with cpu = {cpu} on Fargate; with it go {_words(FARGATE[cpu])}")
        return value

    @field_validator("env")
    @classmethod
    def _plain(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if is_past(info):
            return value
        readable = "looks like a secret, and env is readable; name a parameter for it under secrets"
        secret = [(name, readable) for name, text in value.items() if looks_secret(name, text)]
        refuse("env", [*reserved(value), *secret])
        return value

    @field_validator("secrets")
    @classmethod
    def _not_in_env(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if is_past(info):
            return value
        both = [(name, "stands in env too; a variable is either of the two") for name in value]
        refuse("secrets", [*reserved(value), *(item for item in both if item[0] in info.data.get("env", {}))])
        return value


class ECSRunChanges(Frozen):
    """What of ECSRun differs in one environment. What must hold between values is checked once they are laid over."""

    cpu: Cpu | None = None
    memory: Memory | None = None
    env: Env | None = None
    secrets: Secrets | None = None
    task_role: TaskRole | None = None
    execution_role: ExecutionRole | None = None
    ephemeral_storage: EphemeralStorage | None = None
    capacity: Capacity | None = None
    command: StartCommand | None = None
    permissions: Permissions | None = None

    @model_validator(mode="after")
    def _whose_role(self) -> ECSRunChanges:
        refuse("ecs_run", _foreign_role(self))
        return self


def _foreign_role(run: ECSRun | ECSRunChanges) -> Iterator[tuple[str, str]]:
    if run.task_role and run.permissions:
        yield "permissions", f"they are of the role that bootstrap makes, and task_role names another: {run.task_role}"


def _words(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in numbers)


class Schedule(Frozen):
    """When a deployment runs. Its slug is its name for life: by it a redeploy finds it and keeps its pause."""

    slug: Slug
    cron: Cron | None = None
    interval: Seconds | None = Field(default=None, description="seconds between runs")
    rrule: RRule | None = None
    anchor: Anchor | None = Field(
        default=None, description="a local time from which an interval is counted; where absent, its first deploy"
    )
    timezone: Timezone = "UTC"
    parameters: Parameters = Field(default_factory=dict, description="override the deployment's for these runs")

    @model_validator(mode="after")
    def _one_kind(self, info: ValidationInfo) -> Schedule:
        given = [kind for kind in ("cron", "interval", "rrule") if getattr(self, kind) is not None]
        if len(given) != 1 and not is_past(info):
            raise ValueError(
                f"it has {' and '.join(given) or 'none'}; it needs exactly one of cron, interval and rrule"
            )
        if self.anchor is not None and not is_past(info):
            if self.interval is None:
                raise ValueError("it has an anchor and no interval; a rule's start is its DTSTART, a cron has none")
            instant(self.anchor, self.timezone)
        return self


class Deployment(Frozen):
    """A Prefect deployment `<service>/<name>`, as service.toml declares it."""

    name: DeploymentName
    description: StrictStr = ""
    tags: tuple[Tag, ...] = ()
    parameters: Parameters = Field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()
    active_in: tuple[EnvironmentName, ...] | None = Field(
        default=None, description="environments whose schedules start active; everywhere where absent"
    )
    concurrency_limit: Annotated[StrictInt, Between(1, 10_000)] | None = Field(
        default=None, description="runs at one time"
    )

    @field_validator("schedules")
    @classmethod
    def _slugs_differ(cls, value: tuple[Schedule, ...], info: ValidationInfo) -> tuple[Schedule, ...]:
        if is_past(info):
            return value
        refuse("schedules", _repeated("slug", [schedule.slug for schedule in value]))
        return value


def _repeated(key: str, names: Sequence[str]) -> Iterator[tuple[tuple[int, str], str]]:
    """The place of each item whose name an earlier one has."""
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (index, key), f"'{name}' stands twice"


class Override(Frozen):
    """What differs in one environment."""

    ecs_run: ECSRunChanges = Field(default_factory=ECSRunChanges)


class Declaration(Frozen):
    """The content of a service.toml."""

    description: StrictStr = ""
    owner: StrictStr = ""
    runbook: StrictStr = ""
    docker_storage: DockerStorage
    ecs_run: ECSRun = Field(default_factory=ECSRun)
    deployments: tuple[Deployment, ...] = ()
    environments: dict[EnvironmentName, Override] = Field(default_factory=dict)

    @field_validator("ecs_run")
    @classmethod
    def _whose_role(cls, value: ECSRun) -> ECSRun:
        refuse("ecs_run", _foreign_role(value))
        return value

    @field_validator("deployments")
    @classmethod
    def _names_differ(cls, value: tuple[Deployment, ...]) -> tuple[Deployment, ...]:
        refuse("deployments", _repeated("name", [deployment.name for deployment in value]))
        return value


class Service(Frozen):
    """A directory under services/: one flow, its image, its dependencies, its tests."""

    name: str
    path: Path
    declaration: Declaration

    @property
    def repository(self) -> str:
        """The ECR repository's name."""
        return names.repository(self.name)

    def ecs_run(self, environment: str) -> ECSRun:
        """How it runs in one environment: `[ecs_run]` with `[environments.<environment>.ecs_run]` laid over it."""
        override = self.declaration.environments.get(environment, Override())
        return overlaid(self.declaration.ecs_run, override.ecs_run)

    @property
    def variables(self) -> frozenset[str]:
        """The names of all variables that it declares for some environment, plain or secret."""
        changes = (item.ecs_run for item in self.declaration.environments.values())
        runs: tuple[ECSRun | ECSRunChanges, ...] = (self.declaration.ecs_run, *changes)
        return frozenset(name for run in runs for name in (*(run.env or ()), *(run.secrets or ())))


def overlaid(run: ECSRun, changes: ECSRunChanges) -> ECSRun:
    """`run` with `changes` over it; env and secrets key by key, and a name is either of the two, the later wins.

    So are task_role and permissions.
    """
    given = {name: getattr(changes, name) for name in changes.model_fields_set}
    env, secrets = changes.env or {}, changes.secrets or {}
    values = {**run.model_dump(), **given}
    values["env"] = {**{name: text for name, text in run.env.items() if name not in secrets}, **env}
    values["secrets"] = {**{name: path for name, path in run.secrets.items() if name not in env}, **secrets}
    if changes.task_role and not changes.permissions:
        values["permissions"] = ()
    elif changes.permissions:
        values["task_role"] = None
    return ECSRun.model_validate(values)
