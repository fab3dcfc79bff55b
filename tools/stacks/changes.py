"""A stack's change set + the templates before and after -> what would be done to it, in the words of a plan.

The same of a work pool and a block, as they stand and as they should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.errors import UserError
from tools.model.differences import differences, same
from tools.model.permissions import allowed
from tools.model.prefect import Block, WorkPool
from tools.model.stacks import ResourceChange, ResourceStep, ResourceVerb, StackSteps, StackVerb, Template
from tools.stacks.permissions import declared_as
from tools.stacks.template import Stack

_WORDS = {
    "CloudWatch::Alarm": "alarm",
    "EC2::SecurityGroup": "security group",
    "ECS::Cluster": "cluster",
    "ECS::Service": "ECS service",
    "ECS::TaskDefinition": "task definition",
    "Events::Rule": "rule",
    "IAM::OIDCProvider": "identity provider",
    "IAM::Role": "role",
    "Logs::LogGroup": "log group",
    "S3::Bucket": "bucket",
    "S3::BucketPolicy": "bucket policy",
    "SQS::Queue": "queue",
    "SQS::QueuePolicy": "queue policy",
    "SSM::Parameter": "parameter",
}
_NAMES = (
    "AlarmName",
    "BucketName",
    "ClusterName",
    "Family",
    "LogGroupName",
    "Name",
    "QueueName",
    "RoleName",
    "ServiceName",
    "Url",
)
#: By which of its fields an item of a list is known.
_KEYS = ("Sid", "Name", "Id", "Key")
_MOST_LINES = 8
"""Of what differs in a job template: of one that is not ours everything does."""
_VERBS: dict[str, ResourceVerb] = {"Add": "create", "Import": "create", "Remove": "delete"}


def stack_steps(stack: Stack, changes: Sequence[ResourceChange], standing: Template) -> StackSteps:
    """What a change set would do.

    Args:
        stack: as it should be.
        changes: what CloudFormation says would be done.
        standing: the template as it stands; empty where there is no such stack.
    """
    verb: StackVerb = "unchanged" if not changes else "change" if standing else "create"
    return StackSteps(stack.name, verb, tuple(_step(change, stack.template, standing) for change in changes))


def changed(standing: Template, wanted: Template) -> list[str]:
    """What of a template differs, without asking CloudFormation: resources by their names, and its other parts."""
    before, after = standing.get("Resources", {}), wanted["Resources"]
    found = [
        named(name, item["Type"], item)
        for name, item in sorted({**before, **after}.items())
        if not same(before.get(name), after.get(name))
    ]
    others = sorted({*standing, *wanted} - {"Resources"})
    return found + [name for name in others if not same(standing.get(name), wanted.get(name))]


def created(stack: Stack, note: str) -> StackSteps:
    """What the creation of a stack would do, where CloudFormation cannot be asked yet, and why it cannot."""
    resources = stack.template["Resources"]
    steps = (ResourceStep("create", named(name, item["Type"], item)) for name, item in sorted(resources.items()))
    return StackSteps(stack.name, "create", tuple(steps), note)


def deleted(name: str, standing: Template) -> StackSteps:
    """What the deletion of a stack would do."""
    resources = standing.get("Resources", {})
    steps = (ResourceStep("delete", named(key, item["Type"], item)) for key, item in sorted(resources.items()))
    return StackSteps(name, "delete", tuple(steps))


def kept(name: str, standing: Template) -> StackSteps:
    """What stays, because it holds data."""
    resources = standing.get("Resources", {})
    steps = (
        ResourceStep("keep", named(key, item["Type"], item), ("it holds data",))
        for key, item in sorted(resources.items())
        if item["Type"] in ("AWS::S3::Bucket", "AWS::Logs::LogGroup")
    )
    return StackSteps(name, "unchanged", tuple(steps))


def pool_steps(standing: WorkPool | None, wanted: WorkPool) -> Iterator[ResourceStep]:
    """What would be done to a work pool.

    Raises:
        UserError: one of that name has another type.
    """
    subject = f"work pool {wanted.name}"
    if standing is None:
        yield ResourceStep("create", subject)
        return
    if standing.type != wanted.type:
        raise UserError(
            f"the {subject} is of the type {standing.type}, not {wanted.type}: its runs would not become ECS tasks",
            "give the work pool another name: --work-pool",
        )
    said = [_as_variable(line) for line in differences(standing.base_job_template, wanted.base_job_template)]
    if said:
        shown, more = said[:_MOST_LINES], len(said) - _MOST_LINES
        yield ResourceStep("change", subject, (*shown, *([f"and {more} more"] if more > 0 else [])))


def block_steps(standing: Block | None, wanted: Block) -> Iterator[ResourceStep]:
    """What would be done to a block. Values that are not ours stay."""
    subject = f"block {wanted.full_name}"
    if standing is None:
        yield ResourceStep("create", subject)
        return
    ours = {key: value for key, value in standing.data.items() if key in wanted.data}
    said = tuple(differences(ours, wanted.data))
    if said:
        yield ResourceStep("change", subject, said)


def named(logical: str, kind: str, resource: Template, physical: str = "") -> str:
    """What a resource is called: its kind in our words, and its name.

    Args:
        logical: its logical id.
        kind: e.g. `AWS::IAM::Role`.
        resource: of a template; may be empty.
        physical: how AWS calls it, where that is known.
    """
    properties = resource.get("Properties", {})
    name = next((properties[key] for key in _NAMES if isinstance(properties.get(key), str)), "")
    word = _WORDS.get(kind.removeprefix("AWS::"), f"{kind} {logical}")
    return f"{word} {name or physical}".rstrip()


def _as_variable(line: str) -> str:
    """A difference of a job template, a job variable called by its own name."""
    found = re.sub(r"^variables\.properties\.(\w+)\.default ", r"\1 ", line)
    return f"job template: {found.removeprefix('job_configuration.')}"


def _step(change: ResourceChange, wanted: Template, standing: Template) -> ResourceStep:
    before = standing.get("Resources", {}).get(change.logical, {})
    after = wanted["Resources"].get(change.logical, {})
    subject = named(change.logical, change.kind, after or before, change.physical)
    if change.action in _VERBS:
        return ResourceStep(_VERBS[change.action], subject)
    verb: ResourceVerb = "replace" if change.replaced == "True" else "change"
    return ResourceStep(verb, subject, tuple(_reasons(change, before, after)))


def _reasons(change: ResourceChange, before: Template, after: Template) -> Iterator[str]:
    """Field by field what differs; and what follows from the change of another resource."""
    yield from differences(_told(before.get("Properties", {})), _told(after.get("Properties", {})))
    for cause in change.causes:
        yield f"follows {cause}"
    if change.replaced == "Conditional":
        yield "AWS may replace it"


def _told(properties: Mapping[str, Any]) -> Any:
    """Properties as their differences are told: of a role's policies, what they allow on what."""
    allows = {
        item["PolicyName"]: allowed(map(declared_as, item["PolicyDocument"]["Statement"]))
        for item in properties.get("Policies", ())
    }
    return _keyed({**properties, "Policies": allows} if allows else properties)


def _keyed(value: Any) -> Any:
    """A JSON value whose lists of things with names are objects: one that was added does not change all others."""
    if isinstance(value, dict):
        return {key: _keyed(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    key = next((key for key in _KEYS if value and all(isinstance(item, dict) and key in item for item in value)), None)
    return {str(item[key]): _keyed(item) for item in value} if key else [_keyed(item) for item in value]
