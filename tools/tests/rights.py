"""The policies of an environment's roles, as bootstrap renders them, beside the calls that a local cloud recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tools.environment.bootstrap import gather, reach
from tools.model import names
from tools.stacks.account import account_stack
from tools.stacks.inputs import Inputs, ServiceRoles
from tools.stacks.run import run_stack
from tools.tests.clouds import Cloud
from tools.tests.policies import Grant, Need, Statement, allows, grants, needless
from tools.tests.stack_inputs import REPOSITORY, of_kind

Policies = Mapping[str, Sequence[Statement]]
"""By role: `deployer`, `worker`, `execution`, `task-<service>`."""
Needs = Mapping[str, Sequence[Need]]
"""By role, too."""
FAR = "Prod"
"""An environment that is reached as one in AWS is; one of the repository's flows has a secret there."""


def inputs(cloud: Cloud, environment: str) -> Inputs:
    """What bootstrap would render an environment in the cloud from, by its own code; Local as if it lay in AWS."""
    ec2 = cloud.aws("ec2")
    said = {
        "VPC": ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
        "SUBNETS": ",".join(item["SubnetId"] for item in ec2.describe_subnets()["Subnets"][:2]),
        "PREFECT_API_URL": f"http://127.0.0.1:{cloud.prefect_port}/api",
        "GITHUB_REPOSITORY": REPOSITORY.name,
        "GITHUB_REPOSITORY_ID": REPOSITORY.id,
    }
    variables = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{cloud.aws_port}", "AWS_REGION": "us-east-1"}
    given = gather(cloud.root, reach(FAR, variables, Path("/nowhere")), said, {}, None)
    return replace(given, place=replace(given.place, environment=environment))


def policies(given: Inputs, services: Iterable[str] = ()) -> Policies:
    """The policies of an environment's roles.

    Args:
        given: what they are rendered from.
        services: those that have left the repository, and had their roles too.
    """
    here = {item.service for item in given.services}
    gone = tuple(ServiceRoles(name) for name in sorted({*services} - here))
    given = replace(given, services=given.services + gone)
    roles = of_kind("IAM::Role", run_stack(given), account_stack(given, REPOSITORY, {}))
    prefix = names.role(given.place.environment, "")
    return {
        role["RoleName"].removeprefix(prefix): [
            statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]
        ]
        for role in roles.values()
    }


def refused(needs: Needs, allowed: Policies) -> list[str]:
    """What was needed and no policy of its role allows."""
    return sorted(
        {f"{role}: {need}" for role, some in needs.items() for need in some if not allows(allowed[role], need)}
    )


def idle(role: str, needs: Needs, allowed: Policies, environment: str) -> set[str]:
    """What a role may do and none of its calls needed: `worker: RunTasks: ecs:RunTask on arn:…`.

    Args:
        role: which.
        needs: what was needed.
        allowed: the policies.
        environment: whose they are; its name stands as `ENVIRONMENT` in what is given.
    """
    return _told(role, needless(allowed[role], needs.get(role, ())), environment)


def idle_of_flows(needs: Needs, allowed: Policies, environment: str) -> set[str]:
    """What flows may do and none of their calls needed: what every flow may, by none of them; its own, by each."""
    flows = [role for role in allowed if role.startswith("task-")]
    every = set.intersection(*({grant for item in allowed[role] for grant in grants(item)} for role in flows))
    unused = {role: set(needless(allowed[role], needs.get(role, ()))) for role in flows}
    found = _told("every flow", set.intersection(*unused.values()) & every, environment)
    return found.union(*(_told(role, unused[role] - every, environment) for role in flows))


def _told(who: str, found: Iterable[Grant], environment: str) -> set[str]:
    return {f"{who}: {grant}".replace(environment, "ENVIRONMENT") for grant in found}
