"""The words of the project as frozen types.

Takes nothing and does nothing: what a service declares (`Service`, `DockerStorage`, `ECSRun`, `Deployment`,
`Schedule`), what an environment holds (`Release`, `Registration`, `LiveSchedule`), both checked when made. Never does
I/O, never imports a client.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    model_validator,
)

REPOSITORY_PREFIX = "data-flows"
MARK = "data-flows"
FLOW_DIRECTORY = "/opt/flow"

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

_SECRET_NAME = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]+:[^/\s@]+@|\b(ghp|gho|xoxb|xoxp|pnu|pnb)_\w{16,}"
)
#: Set by the release itself, by the worker or by the ECS agent.
_RESERVED_ENV = re.compile(r"^(DATA_FLOWS_|ECS_|AWS_CONTAINER_|AWS_ACCESS_KEY_ID$|AWS_SECRET_|AWS_SESSION_TOKEN$)")


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable's name or value looks like a credential, which plain env would show to every reader."""
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))


def _json_only(value: Any) -> Any:
    """Refuses what TOML can say and JSON cannot: dates, times, NaN and infinity."""
    if isinstance(value, Mapping):
        return {key: _json_only(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_only(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form; a parameter is a JSON value")
    if value is not None and not isinstance(value, str | int | float | bool):
        raise ValueError(
            f"{value} is a {type(value).__name__}; a parameter is a JSON value: write it as text in quotes"
        )
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"'{value}' is no IANA time zone; examples: UTC, Europe/Berlin, America/New_York") from None
    return value


def _cron(value: str) -> str:
    if len(value.split()) != 5:
        raise ValueError(f"'{value}' has {len(value.split())} fields; a cron has 5: minute hour day month weekday")
    try:
        next(CronSim(value, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"'{value}' is no cron expression: {error}") from None
    except StopIteration:
        raise ValueError(f"'{value}' never fires: no such day exists") from None
    return value


def _rrule(value: str) -> str:
    from dateutil.rrule import rrulestr

    try:
        rrulestr(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"'{value}' is no iCalendar RRULE: {error}") from None
    return value


def _text(value: Any) -> Any:
    """Environment values are text in a container, and TOML's `true` or `1.0` have more than one spelling as text."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text; write it in quotes")
    return value


def _entrypoint(value: str) -> str:
    if not re.fullmatch(r"(?!/)(?!.*\.\.)[\w./-]+\.py:[A-Za-z_]\w*", value):
        raise ValueError(f"'{value}' is not of the form FILE.py:FUNCTION with FILE inside the service's directory")
    return value


def _inside(value: str) -> str:
    if Path(value).is_absolute() or ".." in Path(value).parts or not value.strip():
        raise ValueError(f"'{value}' is not a path inside the service's directory")
    return value


Json = Annotated[Any, BeforeValidator(_json_only)]
Parameters = dict[str, Json]
EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
RoleName = Annotated[str, Field(pattern=r"^(arn:[\w-]+:iam::\d{12}:role/)?[\w+=,.@/-]{1,128}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
DeploymentName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]


class Frozen(BaseModel):
    """A value: immutable, strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DockerStorage(Frozen):
    """How a flow is stored: in an image of its own, in ECR, tagged by its content, referred to by digest.

    Prefect 1 had a class of this name; this is the project's own model.
    """

    entrypoint: Annotated[StrictStr, AfterValidator(_entrypoint)] = Field(
        description="FILE.py:FUNCTION inside the image's /opt/flow; becomes the Prefect deployment's entrypoint"
    )
    dockerfile: Annotated[StrictStr, AfterValidator(_inside)] = Field(
        default="Dockerfile", description="within the service's directory, which is the build context"
    )
    build_args: dict[EnvName, Annotated[str, BeforeValidator(_text)]] = Field(
        default_factory=dict, description="docker build --build-arg; part of the fingerprint, visible in the image"
    )
    platform: Literal["linux/amd64", "linux/arm64"] = Field(
        default="linux/amd64", description="docker build --platform, and runtimePlatform of the task definition"
    )

    @model_validator(mode="after")
    def _no_secret_arguments(self) -> DockerStorage:
        for name, value in self.build_args.items():
            if looks_secret(name, value):
                raise ValueError(f"build_args.{name} looks like a secret; docker history shows every build argument")
        return self


class ECSRun(Frozen):
    """How a flow runs: as an ECS task on Fargate, from one revision of its task definition.

    Prefect 1 had a class of this name; this is the project's own model.
    """

    cpu: StrictInt = Field(default=256, description="CPU units (1024 = one vCPU): `cpu` of the task definition")
    memory: StrictInt = Field(default=512, description="MiB: `memory` of the task definition")
    env: dict[EnvName, Annotated[str, BeforeValidator(_text)]] = Field(
        default_factory=dict, description="`environment` of the container: plain, readable by whoever sees the account"
    )
    secrets: dict[EnvName, Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_.-]+$")]] = Field(
        default_factory=dict,
        description="variable -> parameter; `secrets` of the container, resolved by ECS when a task starts from the "
        "Parameter Store at /DataFlows/{environment}/{service}/{parameter}",
    )
    task_role: RoleName | None = Field(
        default=None, description="`taskRoleArn`: what the flow may do; the environment's TASK_ROLE where absent"
    )
    execution_role: RoleName | None = Field(
        default=None, description="`executionRoleArn`: pulls, logs, secrets; the environment's where absent"
    )
    ephemeral_storage: StrictInt | None = Field(
        default=None, ge=21, le=200, description="GiB of `ephemeralStorage`; Fargate gives 20 without being asked"
    )
    capacity: Literal["FARGATE", "FARGATE_SPOT"] = Field(
        default="FARGATE", description="`launch_type` in the job variables of the Prefect deployment"
    )
    command: tuple[StrictStr, ...] | None = Field(
        default=None, description="`command` of the container; Prefect's `prefect flow-run execute` where absent"
    )

    @model_validator(mode="after")
    def _possible(self) -> ECSRun:
        if self.cpu not in FARGATE:
            raise ValueError(f"cpu = {self.cpu} is not offered by Fargate; it offers {_words(FARGATE)}")
        if self.memory not in FARGATE[self.cpu]:
            raise ValueError(
                f"memory = {self.memory} does not go with cpu = {self.cpu} on Fargate; "
                f"with it go {_words(FARGATE[self.cpu])}"
            )
        for name, value in self.env.items():
            if looks_secret(name, value):
                raise ValueError(
                    f"env.{name} looks like a secret, and env is readable; name a parameter for it under `secrets`"
                )
        for name in (*self.env, *self.secrets):
            if _RESERVED_ENV.match(name):
                raise ValueError(f"{name} is set by the platform; it cannot be set here")
        both = sorted(set(self.env) & set(self.secrets))
        if both:
            raise ValueError(f"{', '.join(both)} stands both in env and in secrets")
        return self


def _words(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in numbers)


class Schedule(Frozen):
    """When a deployment runs. Its slug is its name for life: by it a redeploy finds it and keeps its pause."""

    slug: Slug
    cron: Annotated[StrictStr, AfterValidator(_cron)] | None = None
    interval: StrictInt | None = Field(default=None, gt=0, description="seconds between runs")
    rrule: Annotated[StrictStr, AfterValidator(_rrule)] | None = None
    timezone: Annotated[StrictStr, AfterValidator(_timezone)] = "UTC"
    parameters: Parameters = Field(default_factory=dict, description="override the deployment's for these runs")

    @model_validator(mode="after")
    def _one_kind(self) -> Schedule:
        given = [kind for kind in ("cron", "interval", "rrule") if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"schedule '{self.slug}' has {' and '.join(given) or 'none'} of cron, interval and rrule; "
                "it needs exactly one"
            )
        return self


class Deployment(Frozen):
    """A Prefect deployment `<service>/<name>`, as service.toml declares it."""

    name: DeploymentName
    description: StrictStr = ""
    tags: tuple[StrictStr, ...] = ()
    parameters: Parameters = Field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()
    active_in: tuple[StrictStr, ...] | None = Field(
        default=None, description="environments whose schedules start active; everywhere where absent"
    )
    concurrency_limit: StrictInt | None = Field(default=None, gt=0, description="runs at one time")

    @model_validator(mode="after")
    def _slugs_differ(self) -> Deployment:
        twice = _repeated(schedule.slug for schedule in self.schedules)
        if twice:
            raise ValueError(f"two schedules of deployment '{self.name}' have the slug '{twice}'")
        return self


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


class Override(Frozen):
    """What differs in one environment; its values have the forms of ECSRun's fields."""

    ecs_run: dict[str, Any] = Field(default_factory=dict)


class Declaration(Frozen):
    """The content of a service.toml."""

    description: StrictStr = ""
    owner: StrictStr = ""
    runbook: StrictStr = ""
    docker_storage: DockerStorage
    ecs_run: ECSRun = Field(default_factory=ECSRun)
    deployments: tuple[Deployment, ...] = ()
    environments: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,31}$")], Override] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Declaration:
        twice = _repeated(deployment.name for deployment in self.deployments)
        if twice:
            raise ValueError(f"two deployments have the name '{twice}'")
        return self


class Service(Frozen):
    """A directory under services/: one flow, its image, its dependencies, its tests."""

    name: str
    path: Path
    declaration: Declaration

    @property
    def repository(self) -> str:
        """The ECR repository's name."""
        return f"{REPOSITORY_PREFIX}/{self.name}"

    def ecs_run(self, environment: str) -> ECSRun:
        """How it runs in one environment: `[ecs_run]` with `[environments.<environment>.ecs_run]` laid over it."""
        override = self.declaration.environments.get(environment, Override())
        return overlaid(self.declaration.ecs_run, override.ecs_run)


def overlaid(run: ECSRun, changes: Mapping[str, Any]) -> ECSRun:
    """`run` with `changes` over it; env and secrets key by key, and a name is either of the two, the later wins."""
    values = run.model_dump()
    env = {**values["env"], **changes.get("env", {})}
    secrets = {**values["secrets"], **changes.get("secrets", {})}
    values.update(changes)
    values["env"] = {name: value for name, value in env.items() if name not in changes.get("secrets", {})}
    values["secrets"] = {name: value for name, value in secrets.items() if name not in changes.get("env", {})}
    return ECSRun.model_validate(values)


class Release(Frozen):
    """One revision of a service's ECS task definition, with all that a rollback needs.

    `image` refers to the registry by digest. `ecs_run` is that of its environment, with its roles; `platform_env`
    is what the environment adds to its env, `secret_paths` where its secrets lie in full. A release that is not registered yet has no `revision` and no `arn`; one whose
    image is not pushed yet has no `image` either.
    """

    service: str
    environment: str
    fingerprint: str
    image: str = ""
    entrypoint: str
    platform: str
    ecs_run: ECSRun
    platform_env: dict[str, str] = Field(default_factory=dict)
    secret_paths: dict[str, str] = Field(default_factory=dict)
    log_group: str
    deployments: tuple[Deployment, ...] = ()
    parameter_schema: dict[str, Any] = Field(default_factory=dict)
    commit: str = ""
    by: str = ""
    at: str = ""
    revision: int | None = Field(default=None, exclude=True)
    arn: str = Field(default="", exclude=True)

    @property
    def family(self) -> str:
        """The task definition's family."""
        return f"{REPOSITORY_PREFIX}-{self.environment}-{self.service}"

    def content(self) -> dict[str, Any]:
        """What makes two releases the same: everything but who registered it, when and from which commit."""
        return self.model_dump(mode="json", exclude={"commit", "by", "at"})


class LiveSchedule(Frozen):
    """A schedule as Prefect holds it. `slug` is empty where somebody made it by hand."""

    id: str = ""
    slug: str = ""
    schedule: dict[str, Any]
    parameters: dict[str, Any] = Field(default_factory=dict)
    active: bool = True


class Registration(Frozen):
    """A Prefect deployment in the words of Prefect's API: what is there, or what should be there."""

    id: str = ""
    flow: str
    name: str
    description: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    entrypoint: str = ""
    path: str = ""
    work_pool: str = ""
    job_variables: dict[str, Any] = Field(default_factory=dict)
    parameter_schema: dict[str, Any] = Field(default_factory=dict)
    concurrency_limit: int | None = None
    paused: bool = False
    schedules: tuple[LiveSchedule, ...] = ()

    @property
    def full_name(self) -> str:
        """`<flow>/<deployment>`, as Prefect shows it."""
        return f"{self.flow}/{self.name}"
