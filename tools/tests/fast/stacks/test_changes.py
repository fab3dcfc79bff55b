"""What CloudFormation would do, in the words of a plan: field by field, and no more than differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tools.errors import UserError
from tools.model.permissions import Permission
from tools.model.prefect import Block
from tools.model.stacks import ResourceChange, StackSteps
from tools.show.stacks import counted, stacks_text
from tools.stacks.changes import block_steps, created, deleted, kept, pool_steps, stack_steps
from tools.stacks.data import data_stack
from tools.stacks.inputs import ServiceRoles
from tools.stacks.pool import results_block, work_pool
from tools.stacks.run import run_stack
from tools.stacks.template import Stack
from tools.tests.screens import screen
from tools.tests.stack_inputs import inputs

WANTED = run_stack(inputs())
STANDING = run_stack(inputs(services=(ServiceRoles("gone"),), prefect_api_url="https://old.example.com/api"))


def changed(*changes: ResourceChange) -> StackSteps:
    """What is told of these changes."""
    return stack_steps(WANTED, changes, STANDING.template)


def test_a_change_is_told_field_by_field_and_a_list_by_the_names_of_what_is_in_it() -> None:
    told = changed(
        ResourceChange("Modify", "ParameterPrefectApiUrl", "AWS::SSM::Parameter", "x", "False"),
        ResourceChange("Modify", "WorkerRole", "AWS::IAM::Role", "x", "False"),
        ResourceChange("Modify", "WorkerTask", "AWS::ECS::TaskDefinition", "x", "True", ("WorkerRole.Arn",)),
    )
    parameter, role, task = told.steps

    assert told.verb == "change"
    assert (parameter.verb, parameter.subject) == ("change", "parameter /DataFlows/Dev/PREFECT_API_URL")
    assert parameter.why == (
        "Value https://old.example.com/api → https://api.prefect.cloud/api/accounts/a/workspaces/w",
    )
    passed = "Policies.allowed.iam:PassRole on arn:aws:iam::000000000000:role"
    assert (role.verb, role.subject) == ("change", "role data-flows-Dev-worker")
    assert [why.partition(" none → where ")[0] for why in role.why] == [
        f"{passed}/guest",
        f"{passed}/other/start-guest",
    ]
    assert (task.verb, task.why[-1]) == ("replace", "follows WorkerRole.Arn")


def test_what_a_role_may_do_is_told_action_by_action() -> None:
    def run(*permissions: dict[str, Any]) -> Stack:
        given = tuple(Permission.model_validate(item) for item in permissions)
        return run_stack(inputs(services=(ServiceRoles("hello", permissions=given),)))

    raw, done = "arn:aws:s3:::example-raw/*", "arn:aws:s3:::example-done/*"
    tagged = {"StringEquals": {"aws:ResourceTag/team": "data"}}
    before = run({"actions": ["s3:GetObject", "s3:DeleteObject"], "resources": [raw]})
    after = run(
        {"actions": ["s3:GetObject"], "resources": [raw, done]},
        {"actions": ["secretsmanager:GetSecretValue"], "resources": ["arn:aws:x:::TOKEN"], "conditions": tagged},
    )
    change = ResourceChange("Modify", "TaskRolehello", "AWS::IAM::Role", "x", "False")

    (step,) = stack_steps(after, [change], before.template).steps

    assert (step.verb, step.subject) == ("change", "role data-flows-Dev-task-hello")
    assert step.why == (
        f"Policies.allowed.s3:DeleteObject on {raw} always → none",
        f"Policies.allowed.s3:GetObject on {done} none → always",
        "Policies.allowed.secretsmanager:GetSecretValue on arn:aws:x:::TOKEN none → "
        'where {"StringEquals": {"aws:ResourceTag/team": ["data"]}}',
    )


def test_what_comes_and_what_goes_has_its_name() -> None:
    told = changed(
        ResourceChange("Add", "TaskRolejanitor", "AWS::IAM::Role"),
        ResourceChange("Remove", "TaskRolegone", "AWS::IAM::Role", "data-flows-Dev-task-gone"),
        ResourceChange("Remove", "Other", "AWS::SNS::Topic", "arn:topic"),
    )

    assert [(step.verb, step.subject) for step in told.steps] == [
        ("create", "role data-flows-Dev-task-janitor"),
        ("delete", "role data-flows-Dev-task-gone"),
        ("delete", "AWS::SNS::Topic Other arn:topic"),
    ]


def test_what_may_be_replaced_is_told() -> None:
    (step,) = changed(ResourceChange("Modify", "Worker", "AWS::ECS::Service", "x", "Conditional")).steps

    assert (step.verb, step.why) == ("change", ("AWS may replace it",))


def test_no_change_is_none_and_a_stack_that_is_not_there_is_created() -> None:
    assert stack_steps(WANTED, [], WANTED.template).verb == "unchanged"
    added = [ResourceChange("Add", "Cluster", "AWS::ECS::Cluster")]
    assert stack_steps(WANTED, added, {}).verb == "create"
    assert len(created(WANTED, "why").steps) == len(WANTED.template["Resources"])


def test_a_deletion_names_what_goes_and_what_stays() -> None:
    data = data_stack(inputs())

    assert {step.verb for step in deleted(WANTED.name, WANTED.template).steps} == {"delete"}
    assert [step.subject for step in kept(data.name, data.template).steps] == [
        "bucket data-flows-000000000000-us-east-1-dev",
        "log group /data-flows/Dev",
    ]
    assert not deleted("absent", {}).steps


def test_it_is_shown_as_a_plan_is() -> None:
    told = changed(ResourceChange("Modify", "ParameterPrefectApiUrl", "AWS::SSM::Parameter", "x", "False"))
    quiet = StackSteps("data-flows-Dev-data", "unchanged")
    shown = screen(stacks_text([quiet, replace(told, note="why")]), 160)

    assert shown.splitlines()[:2] == ["data-flows-Dev-data  unchanged", "data-flows-Dev-run  changes: why"]
    assert "  change  parameter /DataFlows/Dev/PREFECT_API_URL  Value https://old.example.com/api → https" in shown
    assert counted([quiet, told]) == "1 to change"
    assert counted([quiet]) == "nothing differs"


POOL = work_pool(inputs(credential=None), "sg-1")
BLOCK = results_block(inputs().place)


def test_of_a_work_pool_that_is_there_each_value_that_differs_is_told_by_its_own_name() -> None:
    elsewhere = inputs(credential=None, place=replace(inputs().place, environment="Old"))
    (change,) = pool_steps(work_pool(elsewhere, "sg-0"), POOL)

    assert (change.verb, change.subject) == ("change", "work pool data-flows")
    assert change.why == (
        "job template: cluster data-flows-Old → data-flows-Dev",
        "job template: security_groups ['sg-0'] → ['sg-1']",
    )
    assert list(pool_steps(POOL, POOL)) == []


def test_of_a_job_template_that_is_another_s_not_every_line_is_told() -> None:
    (change,) = pool_steps(POOL.model_copy(update={"base_job_template": {}}), POOL)
    assert len(change.why) == 2

    foreign = {"job_configuration": {f"field{n}": n for n in range(30)}, "variables": {}}
    (change,) = pool_steps(POOL.model_copy(update={"base_job_template": foreign}), POOL)
    assert len(change.why) == 9
    assert change.why[-1].startswith("and ")


def test_a_pool_of_another_type_is_refused() -> None:
    with pytest.raises(UserError, match="work pool data-flows is of the type process, not ecs") as refused:
        list(pool_steps(POOL.model_copy(update={"type": "process"}), POOL))
    assert "--work-pool" in refused.value.hint


def test_of_a_block_what_is_not_ours_is_not_compared() -> None:
    standing = Block(id="1", type=BLOCK.type, name=BLOCK.name, data={**BLOCK.data, "credentials": {"region_name": "x"}})
    assert list(block_steps(standing, BLOCK)) == []
    (made,) = block_steps(None, BLOCK)
    assert (made.verb, made.subject) == ("create", "block s3-bucket/data-flows-results")

    other = standing.model_copy(update={"data": {**standing.data, "bucket_folder": "elsewhere"}})
    (change,) = block_steps(other, BLOCK)
    assert (change.verb, change.why) == ("change", ("bucket_folder elsewhere → results",))
