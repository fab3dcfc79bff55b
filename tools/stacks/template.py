"""The shapes that the templates share: resources, policies, trust, parameters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.stacks.inputs import Place

Json = dict[str, Any]
Resources = dict[str, Json]

NO_RESOURCE_LEVEL = "NoResourceLevel"
"""The statement of those actions that AWS allows on everything or not at all."""


@dataclass(frozen=True)
class Stack:
    """A CloudFormation stack as it should be."""

    name: str
    template: Json
    protected: bool = False
    """Whether it cannot be deleted by mistake: it holds data."""

    @property
    def body(self) -> str:
        """The template as text, which is always the same for the same content."""
        return json.dumps(self.template, separators=(",", ":"), sort_keys=True)


def template(description: str, resources: Resources, outputs: Mapping[str, Any] | None = None) -> Json:
    """A template without parameters and conditions: what it says is what there will be."""
    made: Json = {"AWSTemplateFormatVersion": "2010-09-09", "Description": description, "Resources": resources}
    return {**made, "Outputs": {name: {"Value": value} for name, value in outputs.items()}} if outputs else made


def resource(kind: str, properties: Json, **attributes: Any) -> Json:
    """A resource: `AWS::` and its kind, its properties, attributes such as DependsOn."""
    return {"Type": f"AWS::{kind}", **attributes, "Properties": properties}


def attribute(of: str, name: str) -> Json:
    """What another resource of the template turns out to have; it is made first."""
    return {"Fn::GetAtt": [of, name]}


def reference(to: str) -> Json:
    """The name of another resource of the template, which is made first."""
    return {"Ref": to}


def allow(sid: str, actions: Sequence[str], resources: Sequence[str], condition: Json | None = None) -> Json:
    """A statement of a policy."""
    made: Json = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**made, "Condition": condition} if condition else made


def policy(*statements: Json) -> Json:
    """A policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def tasks_role(name: str, place: Place, statements: Iterable[Json]) -> Json:
    """A role that ECS gives to tasks of this account and region, and nobody else can take."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": place.account},
            "ArnLike": {"aws:SourceArn": place.arn("ecs", "*")},
        },
    }
    return role(name, trust, statements)


def role(name: str, trust: Json, statements: Iterable[Json]) -> Json:
    """A role with one policy."""
    return resource(
        "IAM::Role",
        {
            "RoleName": name,
            "AssumeRolePolicyDocument": policy(trust),
            "Policies": [{"PolicyName": "allowed", "PolicyDocument": policy(*statements)}],
        },
    )


def pass_roles(roles: Sequence[str]) -> Json:
    """The statement by which roles are given to tasks, and to nothing else."""
    return allow(
        "PassRoles", ["iam:PassRole"], roles, {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    )
