"""Nobody may do more than is needed: every statement of every role, beside AWS's own table of actions."""

from __future__ import annotations

from typing import Any

import pytest

from tools.stacks.template import NO_RESOURCE_LEVEL
from tools.tests.actions_table import known, without_level
from tools.tests.stack_inputs import REPOSITORY, allowances, inputs, of_kind, stacks, statements

ALLOWANCES = dict(allowances())
PASSED = [
    "arn:aws:iam::000000000000:role/data-flows-Dev-execution",
    "arn:aws:iam::000000000000:role/data-flows-Dev-task-*",
    "arn:aws:iam::000000000000:role/guest",
    "arn:aws:iam::000000000000:role/other/start-guest",
]


@pytest.mark.parametrize("where", ALLOWANCES)
def test_a_statement_names_what_it_is_about(where: str) -> None:
    statement = ALLOWANCES[where]
    actions, resources = statement["Action"], statement["Resource"]

    assert not [action for action in actions if "*" in action]
    if where.endswith(NO_RESOURCE_LEVEL):
        assert resources == ["*"]
        assert without_level(actions) == set(actions)
        return
    assert without_level(actions) == set()
    for resource in resources:
        assert resource.startswith("arn:aws:")
        assert "000000000000" in resource, "it names the account"
        assert {action for action in actions if not known(action).takes(resource)} == set()


@pytest.mark.parametrize("where", ALLOWANCES)
def test_a_statement_s_conditions_are_those_that_aws_gives_to_its_actions(where: str) -> None:
    statement = ALLOWANCES[where]
    keys = {key for test in statement.get("Condition", {}).values() for key in test}

    for action in statement["Action"]:
        assert keys <= known(action).keys, action


TREES = ("/DataFlows/Dev/", "/DataFlows/branches/")


@pytest.mark.parametrize("where", ALLOWANCES)
def test_only_names_of_this_project_are_left_open(where: str) -> None:
    for resource in ALLOWANCES[where]["Resource"]:
        before, star, _ = resource.partition("*")
        if star and not where.endswith((NO_RESOURCE_LEVEL, "/ListRepositories")):
            assert any(own in before for own in ("data-flows-", "/data-flows/", "data-flows/", *TREES))


def test_the_table_would_find_what_is_wrong() -> None:
    assert known("ecs:RunTask").takes("arn:aws:ecs:us-east-1:000000000000:task-definition/data-flows-Dev-*:*")
    assert not known("ecs:RunTask").takes("arn:aws:ecs:us-east-1:000000000000:task/data-flows-Dev/*")
    assert without_level(["ecs:RunTask", "ecs:DescribeTaskDefinition"]) == {"ecs:DescribeTaskDefinition"}
    assert "ecs:cluster" not in known("ecs:DescribeTaskDefinition").keys
    with pytest.raises(KeyError):
        known("ecs:RunTasks")


@pytest.mark.parametrize("role", ["WorkerRole", "DeployerDev"])
def test_roles_are_passed_by_name_and_to_tasks_only(role: str) -> None:
    statement = statements(role)["PassRoles"]

    assert statement["Resource"] == PASSED
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_no_role_can_pass_itself_on() -> None:
    able = {where.split("/")[0] for where in ALLOWANCES if where.endswith("/PassRoles")}

    assert able == {"WorkerRole", "DeployerDev"}
    assert not [arn for arn in PASSED if "worker" in arn or "deployer" in arn]


@pytest.mark.parametrize("role", ["ExecutionRole", "WorkerRole", "TaskRoledatabaseXtoXlake", "TaskRolejanitor"])
def test_a_role_of_tasks_is_taken_by_ecs_on_behalf_of_this_account_and_region_alone(role: str) -> None:
    (trust,) = of_kind("IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert trust["Action"] == "sts:AssumeRole"
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "000000000000"},
        "ArnLike": {"aws:SourceArn": "arn:aws:ecs:us-east-1:000000000000:*"},
    }


def test_a_deployer_is_a_workflow_of_this_repository_in_its_environment() -> None:
    (trust,) = of_kind("IAM::Role")["DeployerDev"]["AssumeRolePolicyDocument"]["Statement"]
    issuer = "token.actions.githubusercontent.com"

    assert trust["Principal"] == {"Federated": f"arn:aws:iam::000000000000:oidc-provider/{issuer}"}
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"]["StringEquals"] == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:repository_id": REPOSITORY.id,
    }
    assert trust["Condition"]["StringLike"] == {
        f"{issuer}:sub": [
            "repo:example/data-flows:environment:Dev",
            "repo:example@*/data-flows@987654321:environment:Dev",
        ]
    }


def test_the_deployer_reads_the_settings_and_no_service_s_secrets() -> None:
    allowed = statements("DeployerDev")
    reading: list[dict[str, Any]] = [
        item for item in allowed.values() if any(action.startswith("ssm:Get") for action in item["Action"])
    ]

    assert [item["Action"] for item in reading] == [["ssm:GetParametersByPath"], ["ssm:GetParameter"]]
    assert reading[0]["Resource"] == ["arn:aws:ssm:us-east-1:000000000000:parameter/DataFlows/Dev"]
    assert reading[0]["Condition"] == {"StringNotEquals": {"ssm:Recursive": "true"}}
    assert reading[1]["Resource"] == ["arn:aws:ssm:us-east-1:000000000000:parameter/DataFlows/branches/*"]


def test_a_flow_has_the_lake_and_its_results_and_nothing_else() -> None:
    allowed = statements("TaskRoledatabaseXtoXlake")
    bucket = "arn:aws:s3:::data-flows-000000000000-us-east-1-dev"

    assert {tuple(item["Resource"]) for item in allowed.values()} == {
        (bucket,),
        (f"{bucket}/lake/*",),
        (f"{bucket}/results/*",),
    }
    assert "s3:DeleteObject" not in allowed["KeepResults"]["Action"]


def test_the_janitor_alone_may_look_at_tasks_beside_the_worker() -> None:
    able = {where.split("/")[0] for where, item in ALLOWANCES.items() if {"ecs:DescribeTasks"} & set(item["Action"])}

    assert able == {"TaskRolejanitor", "WorkerRole"}


def test_what_the_janitor_declares_is_what_it_had_of_the_platform() -> None:
    tasks = "arn:aws:ecs:us-east-1:000000000000:task/data-flows-Dev/*"
    allowed = statements("TaskRolejanitor")

    assert allowed["EcsDescribeTasks"]["Resource"] == [tasks]
    assert allowed["EcsListTasks"] == {
        "Sid": "EcsListTasks",
        "Effect": "Allow",
        "Action": ["ecs:ListTasks"],
        "Resource": ["arn:aws:ecs:us-east-1:000000000000:container-instance/data-flows-Dev/*"],
        "Condition": {"ArnEquals": {"ecs:cluster": "arn:aws:ecs:us-east-1:000000000000:cluster/data-flows-Dev"}},
    }


def test_the_deployer_sees_the_stacks_of_its_environment_and_account_and_no_other_one() -> None:
    stacks = [item for item in statements("DeployerDev").values() if "cloudformation:" in str(item["Action"])]
    stack = "arn:aws:cloudformation:us-east-1:000000000000:stack"
    own = {f"{stack}/data-flows-{name}/*" for name in ("Dev-data", "Dev-run", "account")}

    for action in ("cloudformation:GetTemplate", "cloudformation:DescribeStacks"):
        assert {arn for item in stacks if action in item["Action"] for arn in item["Resource"]} == own
    assert {action for item in stacks for action in item["Action"]} == {
        "cloudformation:GetTemplate",
        "cloudformation:DescribeStacks",
    }


def test_only_our_rule_fills_the_queue_and_only_our_queue_the_one_for_dead_events() -> None:
    (statement,) = of_kind("SQS::QueuePolicy")["TaskEventsPolicy"]["PolicyDocument"]["Statement"]
    rule = of_kind("Events::Rule")["TaskEventsRule"]
    queues = of_kind("SQS::Queue")

    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Resource"] == "arn:aws:sqs:us-east-1:000000000000:data-flows-Dev-task-events"
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:events:us-east-1:000000000000:rule/{rule['Name']}"},
        "StringEquals": {"aws:SourceAccount": "000000000000"},
    }
    assert queues["DeadTaskEvents"]["RedriveAllowPolicy"]["sourceQueueArns"] == [statement["Resource"]]


def test_who_is_anybody_is_only_ever_refused() -> None:
    for stack in stacks(inputs()):
        for item in stack.template["Resources"].values():
            document = item["Properties"].get("PolicyDocument", {"Statement": []})
            for statement in document["Statement"]:
                assert statement["Effect"] == "Deny" or statement["Principal"] != "*"
