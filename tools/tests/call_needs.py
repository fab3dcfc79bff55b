"""What AWS would ask the caller's policies for each request that was recorded.

An operation's action has its name, but for those of S3 and of the registry, which two tables here say. What it acts on
follows from its parameters, in the forms of AWS's own table (actions_table.py). An operation that stands nowhere here
is refused: one that is not understood must not count as one that needs nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree

from tools.model import names
from tools.stacks.inputs import Place
from tools.tests.actions_table import known
from tools.tests.policies import Need
from tools.tests.recorded import ONLOOKER, Call

Json = Mapping[str, Any]
TASKS = "ecs-tasks.amazonaws.com"
NEEDS_NOTHING = frozenset({"sts:GetCallerIdentity"})
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
_OK = 200


@dataclass
class Derived:
    """What calls need in a place; remembers which roles a task definition has, and which task is of which family.

    Args:
        place: the environment that the calls were made in.
    """

    place: Place
    definitions: dict[str, Json] = field(default_factory=dict)
    """By ARN."""
    families: dict[str, str] = field(default_factory=dict)
    """By the id of a task."""

    def role(self, call: Call) -> str | None:
        """Whose role a call was made with: `deployer`, `worker` or `task-<service>`; None where it is nobody's of ours.

        Whoever makes the environment has no role of it.
        """
        if ONLOOKER in call.agent:
            return None
        if call.caller == "host":
            return "deployer"
        if call.caller.endswith("-worker-1"):
            return "worker"
        task = re.fullmatch(r"ministack-ecs-([0-9a-f]{8})-\w+", call.caller)
        families = {family for known_task, family in self.families.items() if task and known_task.startswith(task[1])}
        if len(families) != 1:
            raise ValueError(f"{call}: nobody of the cloud, or a task that nobody started")
        return f"task-{families.pop().removeprefix(names.family(self.place.environment, ''))}"

    def remember(self, call: Call) -> None:
        """Takes note of what later calls refer to."""
        if call.status != _OK:
            return
        if call.operation == "RegisterTaskDefinition":
            made = json.loads(call.answer)["taskDefinition"]
            self.definitions[made["taskDefinitionArn"]] = made
        if call.operation == "RunTask":
            for task in json.loads(call.answer)["tasks"]:
                family = task["taskDefinitionArn"].rsplit("/", 1)[1].partition(":")[0]
                self.families[task["taskArn"].rsplit("/", 1)[1]] = family

    def needs(self, call: Call) -> list[Need]:
        """What a call needs.

        Raises:
            ValueError: it is not known here.
        """
        if call.service == "registry":
            return list(self._registry(call))
        if call.service == "s3":
            return list(self._s3(call))
        action = f"{call.service}:{call.operation}"
        if action in NEEDS_NOTHING:
            return []
        if not known(action).resources:
            return [Need(action)]
        if action not in _RESOURCES:
            raise ValueError(f"{call}: say in tools/tests/call_needs.py what it acts on")
        parameters = call.parameters
        keys = self._keys(action, parameters)
        resources = _RESOURCES[action](self, parameters)
        return [*(Need(action, resource, keys) for resource in resources), *self._more(action, parameters)]

    def _keys(self, action: str, parameters: Json) -> dict[str, str]:
        if action.startswith("ecs:") and "cluster" in parameters:
            return {"ecs:cluster": self.cluster(parameters)}
        if action == "ssm:GetParametersByPath" and "Recursive" in parameters:
            return {"ssm:Recursive": str(parameters["Recursive"]).lower()}
        return {}

    def _more(self, action: str, parameters: Json) -> Iterator[Need]:
        """What AWS asks beside the action itself: whether roles may be given, and things marked, by the caller.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_id-based-policy-examples.html
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
        """
        if action == "ecs:RegisterTaskDefinition":
            yield from self._passed(parameters)
        if action == "ecs:RunTask":
            overrides = parameters.get("overrides", {})
            yield from self._passed({**self.definitions[parameters["taskDefinition"]], **overrides})
        if action in _MAKES and parameters.get("tags"):
            for resource in _MAKES[action](self, parameters):
                yield Need("ecs:TagResource", resource, {"ecs:CreateAction": action.partition(":")[2]})

    def _passed(self, definition: Json) -> Iterator[Need]:
        for kind in ("taskRoleArn", "executionRoleArn"):
            if role := definition.get(kind):
                yield Need("iam:PassRole", self.place.role(role), {"iam:PassedToService": TASKS})

    def cluster(self, parameters: Json) -> str:
        """The cluster's ARN."""
        return self.place.arn("ecs", f"cluster/{parameters['cluster'].rsplit('/', 1)[-1]}")

    def on_cluster(self, kind: str, parameters: Json, item: str) -> str:
        """The ARN of something on the cluster."""
        return self.place.arn("ecs", f"{kind}/{self.cluster(parameters).rsplit('/', 1)[1]}/{item.rsplit('/', 1)[-1]}")

    def _registry(self, call: Call) -> Iterator[Need]:
        found = re.fullmatch(r"/v2/(.+?)/(blobs|manifests)/(.*)", call.path)
        if not found:  # `GET /v2/`, which asks whether there is a registry
            return
        repository, kind, rest = found.groups()
        kind = "uploads" if rest.startswith("uploads/") else kind
        actions = _OF_REGISTRY.get((call.method, kind))
        if actions is None:
            raise ValueError(f"{call}: say in tools/tests/call_needs.py which actions of ECR it is")
        for action in actions:
            yield Need(action, self.place.arn("ecr", f"repository/{repository}"))
        for origin in parse_qs(call.query).get("from", ()):
            yield Need(_MOUNT, self.place.arn("ecr", f"repository/{origin}"))

    def _s3(self, call: Call) -> Iterator[Need]:
        bucket, _, key = unquote(call.path).lstrip("/").partition("/")
        asked = parse_qs(call.query, keep_blank_values=True)
        unknown = set(asked) - set(_S3_KINDS) - _S3_PARAMETERS
        kind = next((name for name in _S3_KINDS if name in asked), "object" if key else "bucket")
        action = _OF_S3.get((call.method, kind))
        if action is None or unknown:
            raise ValueError(f"{call}: say in tools/tests/call_needs.py which action of S3 it is")
        arn = f"arn:{self.place.partition}:s3:::{bucket}"
        if action == "s3:ListBucket":
            yield Need(action, arn, {"s3:prefix": asked["prefix"][0]} if "prefix" in asked else {})
        else:
            for name in _deleted(call) if kind == "delete" else [key]:
                yield Need(action, f"{arn}/{name}")
        if source := call.headers.get("x-amz-copy-source"):
            origin, _, name = unquote(source).lstrip("/").partition("/")
            yield Need("s3:GetObject", f"arn:{self.place.partition}:s3:::{origin}/{name}")
        if action == "s3:GetObject" and call.status == 404:
            yield Need("s3:ListBucket", arn)  # without it the answer is 403, which nobody takes for `not there`


def started(definition: Json, place: Place) -> list[Need]:
    """What ECS needs of a task definition's execution role to start a task of it: image, log, secrets.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
    """
    found: list[Need] = []
    for container in definition["containerDefinitions"]:
        repository = container["image"].partition("@")[0].partition("/")[2].partition(":")[0]
        found.append(Need("ecr:GetAuthorizationToken"))
        found += [Need(action, place.arn("ecr", f"repository/{repository}")) for action in _PULL]
        options = container["logConfiguration"]["options"]
        stream = f"{options['awslogs-stream-prefix']}/{container['name']}/0123456789abcdef0123456789abcdef"
        log = place.arn("logs", f"log-group:{options['awslogs-group']}:log-stream:{stream}")
        found += [Need("logs:CreateLogStream", log), Need("logs:PutLogEvents", log)]
        found += [
            Need("ssm:GetParameters", _parameter(place, secret["valueFrom"])) for secret in container.get("secrets", ())
        ]
    return found


def _parameter(place: Place, name: str) -> str:
    return name if name.startswith("arn:") else place.arn("ssm", f"parameter{name}")


_MOUNT = "ecr:GetDownloadUrlForLayer"
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/blob-mounting.html"""
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")

#: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html says of each when a push or a pull asks
#: for it; a push must be able to read the manifest, too:
#: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
_OF_REGISTRY: Mapping[tuple[str, str], Sequence[str]] = {
    ("HEAD", "blobs"): ["ecr:BatchCheckLayerAvailability"],
    ("GET", "blobs"): ["ecr:GetDownloadUrlForLayer"],
    ("POST", "uploads"): ["ecr:InitiateLayerUpload"],
    ("PATCH", "uploads"): ["ecr:UploadLayerPart"],
    ("PUT", "uploads"): ["ecr:CompleteLayerUpload"],
    ("HEAD", "manifests"): ["ecr:BatchGetImage"],
    ("GET", "manifests"): ["ecr:BatchGetImage"],
    ("PUT", "manifests"): ["ecr:PutImage", "ecr:BatchGetImage"],
}

_S3_PARAMETERS = frozenset({"continuation-token", "delimiter", "encoding-type", "partNumber", "prefix", "x-id"})
"""Those that do not make another operation of a request."""
_S3_KINDS = ("uploads", "uploadId", "delete", "list-type")
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_OF_S3: Mapping[tuple[str, str], str] = {
    ("GET", "object"): "s3:GetObject",
    ("HEAD", "object"): "s3:GetObject",
    ("PUT", "object"): "s3:PutObject",
    ("DELETE", "object"): "s3:DeleteObject",
    ("POST", "uploads"): "s3:PutObject",
    ("PUT", "uploadId"): "s3:PutObject",
    ("POST", "uploadId"): "s3:PutObject",
    ("DELETE", "uploadId"): "s3:AbortMultipartUpload",
    ("POST", "delete"): "s3:DeleteObject",
    ("GET", "list-type"): "s3:ListBucket",
    ("GET", "bucket"): "s3:ListBucket",
    ("HEAD", "bucket"): "s3:ListBucket",
}


def _deleted(call: Call) -> list[str]:
    """The keys that a request deletes at once."""
    return [item.text or "" for item in ElementTree.fromstring(call.body).iter() if item.tag.endswith("Key")]  # noqa: S314 - our own


def _definition(derived: Derived, parameters: Json) -> list[str]:
    return [parameters["taskDefinition"]]


def _new_revision(derived: Derived, parameters: Json) -> list[str]:
    return [derived.place.arn("ecs", f"task-definition/{parameters['family']}:*")]


def _new_task(derived: Derived, parameters: Json) -> list[str]:
    return [derived.on_cluster("task", parameters, "*")]


def _tasks(derived: Derived, parameters: Json) -> list[str]:
    given = parameters.get("tasks") or [parameters["task"]]
    return [derived.on_cluster("task", parameters, task) for task in given]


def _instances(derived: Derived, parameters: Json) -> list[str]:
    return [derived.on_cluster("container-instance", parameters, "*")]


def _repositories(derived: Derived, parameters: Json) -> list[str]:
    given = parameters.get("repositoryNames") or [parameters.get("repositoryName", "*")]
    return [derived.place.arn("ecr", f"repository/{name}") for name in given]


def _path(derived: Derived, parameters: Json) -> list[str]:
    return [derived.place.arn("ssm", f"parameter{parameters['Path']}")]


def _named_parameter(derived: Derived, parameters: Json) -> list[str]:
    return [_parameter(derived.place, parameters["Name"])]


def _queue(derived: Derived, parameters: Json) -> list[str]:
    name = parameters.get("QueueName") or parameters["QueueUrl"].rsplit("/", 1)[1]
    return [derived.place.arn("sqs", name)]


def _stream(derived: Derived, parameters: Json) -> list[str]:
    group, stream = parameters["logGroupName"], parameters["logStreamName"]
    return [derived.place.arn("logs", f"log-group:{group}:log-stream:{stream}")]


def _stack(derived: Derived, parameters: Json) -> list[str]:
    return [derived.place.arn("cloudformation", f"stack/{parameters['StackName']}/*")]


#: What an operation makes, which may be marked as it is made.
_MAKES: Mapping[str, Callable[[Derived, Json], list[str]]] = {
    "ecs:RegisterTaskDefinition": _new_revision,
    "ecs:RunTask": _new_task,
}
#: What an operation acts on.
_RESOURCES: Mapping[str, Callable[[Derived, Json], list[str]]] = {
    "cloudformation:GetTemplate": _stack,
    "ecr:BatchDeleteImage": _repositories,
    "ecr:CreateRepository": _repositories,
    "ecr:DescribeImages": _repositories,
    "ecr:DescribeRepositories": _repositories,
    "ecs:DescribeTasks": _tasks,
    # It is asked for a cluster; what AWS's table has for it is the instances of one.
    "ecs:ListTasks": _instances,
    "ecs:RegisterTaskDefinition": _new_revision,
    "ecs:RunTask": _definition,
    "ecs:StopTask": _tasks,
    "logs:GetLogEvents": _stream,
    "sqs:ChangeMessageVisibility": _queue,
    "sqs:DeleteMessage": _queue,
    "sqs:GetQueueUrl": _queue,
    "sqs:ReceiveMessage": _queue,
    "ssm:GetParameter": _named_parameter,
    "ssm:GetParametersByPath": _path,
}


def needed(calls: Iterable[Call], derived: Derived) -> dict[str, list[Need]]:
    """What the calls needed, by role."""
    found: dict[str, list[Need]] = {}
    for call in calls:
        derived.remember(call)
        if role := derived.role(call):
            found.setdefault(role, []).extend(derived.needs(call))
    return found
