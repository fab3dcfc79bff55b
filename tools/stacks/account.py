"""The stack of what an account has once: GitHub as an identity provider, and each environment's deployer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.model import names
from tools.stacks.inputs import Inputs, Place, Repository
from tools.stacks.roles import log_streams
from tools.stacks.template import (
    NO_RESOURCE_LEVEL,
    Json,
    Resources,
    Stack,
    allow,
    pass_roles,
    resource,
    role,
    template,
)

ISSUER = "token.actions.githubusercontent.com"
PROVIDER = "GitHub"
_DEPLOYER = "Deployer"


def account_stack(
    inputs: Inputs, repository: Repository, standing: Mapping[str, Any], *, provider_elsewhere: bool = False
) -> Stack:
    """The stack, with a deployer for this environment.

    Args:
        inputs: of the environment.
        repository: whose workflows may deploy to it.
        standing: the template of the stack as it stands, with the deployers of the account's other environments;
            empty where there is none.
        provider_elsewhere: whether the account has the provider, and not by this stack: there can be one only.
    """
    others = {name: item for name, item in standing.get("Resources", {}).items() if name.startswith(_DEPLOYER)}
    deployer = {_logical(inputs.place.environment): _role(inputs, repository)}
    if provider_elsewhere:
        return _stack({**others, **deployer})
    provider = {"Url": f"https://{ISSUER}", "ClientIdList": ["sts.amazonaws.com"]}
    return _stack({PROVIDER: resource("IAM::OIDCProvider", provider), **others, **deployer})


def account_stack_without(environment: str, standing: Mapping[str, Any]) -> Stack | None:
    """The stack as it stands, less this environment's deployer; None where no deployer would be left."""
    left = {name: item for name, item in standing.get("Resources", {}).items() if name != _logical(environment)}
    return _stack(left) if any(name.startswith(_DEPLOYER) for name in left) else None


def _stack(resources: Resources) -> Stack:
    return Stack(names.ACCOUNT_STACK, template("data-flows, one account: who may deploy", resources))


def _logical(environment: str) -> str:
    return f"{_DEPLOYER}{environment}"


def _role(inputs: Inputs, repository: Repository) -> Json:
    """Only a workflow of this repository that runs in its GitHub environment of the same name.

    GitHub names a repository in `sub` by its name alone, or with the ids that it and its owner have had since it was
    made; `repository_id` says in both that it is this one, whoever has the name by now.
    """
    place = inputs.place
    owner, name = repository.name.split("/")
    subjects = [
        f"repo:{repository.name}:environment:{place.environment}",
        f"repo:{owner}@*/{name}@{repository.id}:environment:{place.environment}",
    ]
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{place.partition}:iam::{place.account}:oidc-provider/{ISSUER}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:repository_id": repository.id},
            "StringLike": {f"{ISSUER}:sub": subjects},
        },
    }
    return role(names.role(place.environment, "deployer"), trust, _deploy(inputs))


def _deploy(inputs: Inputs) -> list[Json]:
    """What the verbs of the tools do in AWS: plan, deploy, status, history, rollback, trigger, prune, doctor."""
    place = inputs.place
    families = place.arn("ecs", f"task-definition/{names.family(place.environment, '*')}:*")
    return [
        allow(
            NO_RESOURCE_LEVEL,
            [
                "ecr:GetAuthorizationToken",
                "ecs:DeregisterTaskDefinition",
                "ecs:DescribeTaskDefinition",
                "ecs:ListTaskDefinitionFamilies",
                "ecs:ListTaskDefinitions",
                "ssm:DescribeParameters",
            ],
            ["*"],
        ),
        # Listed are all of the account's; which are ours is told from their names.
        allow("ListRepositories", ["ecr:DescribeRepositories"], [place.arn("ecr", "repository/*")]),
        allow(
            "PushAndPruneImages",
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchDeleteImage",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:CreateRepository",
                "ecr:DescribeImages",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            [place.arn("ecr", f"repository/{names.REPOSITORIES}*")],
        ),
        allow("Release", ["ecs:RegisterTaskDefinition"], [families]),
        allow(
            "TagReleases",
            ["ecs:TagResource"],
            [families],
            {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}},
        ),
        pass_roles(inputs.passed_roles),
        # Before a release it is asked whether the role of the service has what that declares.
        allow("SeeRoles", ["cloudformation:GetTemplate"], [_run_stack(place)]),
        allow("ReadLogs", ["logs:GetLogEvents"], [log_streams(place)]),
        _read_settings(place),
        allow("ReadBranches", ["ssm:GetParameter"], [place.arn("ssm", f"parameter{names.branch('*')}")]),
        *_look_at_all(inputs),
    ]


def _look_at_all(inputs: Inputs) -> list[Json]:
    """What the doctor reads beside what the other verbs do; what it may not read it tells as such."""
    place = inputs.place
    environment = place.environment
    others = [_stack_arn(place, names.stack(environment, "data")), _stack_arn(place, names.ACCOUNT_STACK)]
    queues = [names.events_queue(environment), f"{names.events_queue(environment)}-dead"]
    return [
        allow(
            f"Doctor{NO_RESOURCE_LEVEL}",
            [
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
                "ecr:GetAccountSetting",
                "iam:ListOpenIDConnectProviders",
                "logs:DescribeLogGroups",
            ],
            ["*"],
        ),
        allow("DoctorStacks", ["cloudformation:DescribeStacks"], [_run_stack(place), *others]),
        allow("DoctorTemplates", ["cloudformation:GetTemplate"], others),
        allow(
            "DoctorWorker", ["ecs:DescribeServices"], [place.arn("ecs", f"service/{names.cluster(environment)}/worker")]
        ),
        allow("DoctorRoles", ["iam:GetRole"], [*inputs.passed_roles, place.role(names.role(environment, "deployer"))]),
        allow(
            "DoctorQueues",
            ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
            [place.arn("sqs", queue) for queue in queues],
        ),
        allow(
            "DoctorAlarms",
            ["cloudwatch:DescribeAlarms"],
            [place.arn("cloudwatch", f"alarm:{names.PLATFORM}-{environment}-*")],
        ),
        allow("DoctorVpc", ["ec2:DescribeVpcAttribute"], [place.arn("ec2", f"vpc/{inputs.vpc}")]),
    ]


def _run_stack(place: Place) -> str:
    return _stack_arn(place, names.stack(place.environment, "run"))


def _stack_arn(place: Place, name: str) -> str:
    return place.arn("cloudformation", f"stack/{name}/*")


def _read_settings(place: Place) -> Json:
    """The environment's settings and, below them, no service's secrets."""
    root = place.arn("ssm", f"parameter{names.parameters(place.environment)}")
    return allow("ReadSettings", ["ssm:GetParametersByPath"], [root], {"StringNotEquals": {"ssm:Recursive": "true"}})
