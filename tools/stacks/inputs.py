"""What the templates are rendered from, and whether AWS takes the names that follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.errors import UserError
from tools.model import names
from tools.model.credential import CredentialName
from tools.model.permissions import Permission

_MAX_ROLE, _MAX_BUCKET = 64, 63


@dataclass(frozen=True)
class Place:
    """An environment's name, and where in AWS it lies."""

    environment: str
    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a thing that lies in the region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def role(self, name: str) -> str:
        """The ARN of a role by its name; an ARN is given back."""
        return name if name.startswith("arn:") else f"arn:{self.partition}:iam::{self.account}:role/{name}"

    @property
    def bucket(self) -> str:
        """The name of the environment's bucket."""
        return names.bucket(self.account, self.region, self.environment)

    @property
    def bucket_arn(self) -> str:
        """Its ARN."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def registry(self) -> str:
        """The host of its ECR."""
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        return f"{self.account}.dkr.ecr.{self.region}.{suffix}"

    def parameter(self, name: str) -> str:
        """The ARN of one of the environment's parameters."""
        return self.arn("ssm", f"parameter{names.parameters(self.environment)}/{name}")


@dataclass(frozen=True)
class ServiceRoles:
    """The roles that a service's tasks have: its own and what that allows, or those that its service.toml names."""

    service: str
    task_role: str | None = None
    execution_role: str | None = None
    permissions: tuple[Permission, ...] = ()
    """What its own task role allows beyond what every flow may."""


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub whose workflows may deploy."""

    name: str
    """`OWNER/NAME`"""
    id: str
    """What stays the same when it is renamed, and is never given to another one."""


@dataclass(frozen=True)
class Inputs:
    """All that the templates of an environment depend on."""

    place: Place
    vpc: str
    subnets: tuple[str, ...]
    prefect_api_url: str
    work_pool: str
    services: tuple[ServiceRoles, ...]
    credential: CredentialName | None = None
    """What the Prefect API wants to be shown, by the name of the parameter that has it."""
    worker_image: str | None = None
    """By digest. Without it there is no worker."""
    worker_image_told: str | None = None
    """What was told of it, for the next time; nothing where the repository's own is taken."""
    alarm_topic: str | None = None
    """The ARN of the SNS topic that alarms tell."""
    repository: Repository | None = None
    emulated: bool = False
    """Whether AWS is the local cloud's emulator: it tells nothing of tasks, and gives them no credentials."""

    def __post_init__(self) -> None:
        problems = list(self._too_long())
        if problems:
            raise UserError("\n".join(problems), "choose a shorter name")

    @property
    def own_roles(self) -> list[ServiceRoles]:
        """The services whose task role is the environment's to make."""
        return [item for item in self.services if item.task_role is None]

    @property
    def passed_roles(self) -> list[str]:
        """The ARNs of the roles that tasks of the environment may be given."""
        environment, role = self.place.environment, self.place.role
        declared = {role(name) for item in self.services for name in (item.task_role, item.execution_role) if name}
        own = {role(names.role(environment, "execution")), role(names.task_role(environment, "*"))}
        return sorted(own | declared)

    def _too_long(self) -> Iterator[str]:
        environment = self.place.environment
        roles = [names.role(environment, purpose) for purpose in ("execution", "worker", "deployer")]
        roles += [names.task_role(environment, item.service) for item in self.own_roles]
        for name in roles:
            if len(name) > _MAX_ROLE:
                yield f"the role {name} has {len(name)} characters; IAM allows {_MAX_ROLE}"
        if len(self.place.bucket) > _MAX_BUCKET:
            yield f"the bucket {self.place.bucket} has {len(self.place.bucket)} characters; S3 allows {_MAX_BUCKET}"
