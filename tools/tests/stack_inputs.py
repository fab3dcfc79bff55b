"""What templates are rendered from, and those that are rendered from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tools.desired.discover import services
from tools.repository import ROOT
from tools.stacks.account import account_stack
from tools.stacks.data import data_stack
from tools.stacks.inputs import Inputs, Place, Repository, ServiceRoles
from tools.stacks.run import run_stack
from tools.stacks.template import Stack

REPOSITORY = Repository("example/data-flows", "987654321")
(_janitor,) = services(ROOT, ["janitor"])
JANITOR = _janitor.ecs_run("Dev").permissions
_FULL = Inputs(
    place=Place("Dev", "aws", "us-east-1", "000000000000"),
    vpc="vpc-00000001",
    subnets=("subnet-00000001", "subnet-00000002"),
    prefect_api_url="https://api.prefect.cloud/api/accounts/a/workspaces/w",
    work_pool="data-flows",
    services=(
        ServiceRoles("database-to-lake"),
        ServiceRoles("janitor", permissions=JANITOR),
        ServiceRoles("guest", task_role="guest", execution_role="arn:aws:iam::000000000000:role/other/start-guest"),
    ),
    credential="PREFECT_API_KEY",
    worker_image=f"000000000000.dkr.ecr.us-east-1.amazonaws.com/data-flows/worker@sha256:{'0' * 64}",
    alarm_topic="arn:aws:sns:us-east-1:000000000000:on-call",
    repository=REPOSITORY,
)


def inputs(**changes: Any) -> Inputs:
    """An environment with everything in it, less or more."""
    return replace(_FULL, **changes)


def stacks(given: Inputs | None = None) -> list[Stack]:
    """All the stacks of an environment and of its account."""
    given = given or inputs()
    return [data_stack(given), run_stack(given), account_stack(given, REPOSITORY, {})]


def of_kind(kind: str, *of: Stack) -> dict[str, dict[str, Any]]:
    """The properties of each resource of a kind, by its logical id."""
    return {
        name: item["Properties"]
        for stack in of or stacks()
        for name, item in stack.template["Resources"].items()
        if item["Type"] == f"AWS::{kind}"
    }


def statements(role: str) -> dict[str, dict[str, Any]]:
    """The statements of a role, by their Sids."""
    properties = of_kind("IAM::Role")[role]
    found = [item for policy in properties["Policies"] for item in policy["PolicyDocument"]["Statement"]]
    return {item["Sid"]: item for item in found}


def allowances() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every role, with the role's logical id and its own Sid."""
    for role in of_kind("IAM::Role"):
        for sid, statement in statements(role).items():
            yield f"{role}/{sid}", statement
