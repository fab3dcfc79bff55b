"""Policies beside what calls need: what the evaluator allows and refuses, and what is derived from a request."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tools.clients.task_definition import to_task_definition
from tools.stacks.inputs import Place
from tools.stacks.template import allow
from tools.tests.call_needs import TASKS, Derived, needed, started
from tools.tests.policies import Need, Statement, allows, needless
from tools.tests.recorded import Call
from tools.tests.rights import idle, idle_of_flows, policies, refused
from tools.tests.stack_inputs import REPOSITORY, inputs, of_kind
from tools.tests.worlds import release

DEV = inputs().place
BUCKET = "arn:aws:s3:::data-flows-000000000000-us-east-1-dev"
CLUSTER, OTHER = (DEV.arn("ecs", f"cluster/{name}") for name in ("data-flows-Dev", "other"))
RUN = allow("Run", ["ecs:RunTask"], [DEV.arn("ecs", "task-definition/data-flows-Dev-*:*")])
ON_CLUSTER = {**RUN, "Condition": {"ArnEquals": {"ecs:cluster": CLUSTER}}}
NOT_BELOW = allow("Read", ["ssm:GetParametersByPath"], ["*"], {"StringNotEquals": {"ssm:Recursive": "true"}})
GITHUB = "token.actions.githubusercontent.com"


def run(definition: str = "task-definition/data-flows-Dev-hello:7", **keys: str) -> Need:
    """To start a task."""
    return Need(
        "ecs:RunTask", DEV.arn("ecs", definition), {name.replace("_", ":"): value for name, value in keys.items()}
    )


@pytest.mark.parametrize(
    ("statement", "need", "allowed"),
    [
        (RUN, run(), True),
        (RUN, run("task-definition/data-flows-Prod-hello:7"), False),
        (RUN, Need("ecs:StopTask", DEV.arn("ecs", "task-definition/data-flows-Dev-hello:7")), False),
        (RUN, Need("ecs:RunTask", "arn:aws:ecs:eu-west-1:000000000000:task-definition/data-flows-Dev-hello:7"), False),
        (RUN, Need("ecs:RunTask"), False),
        ({**RUN, "Resource": "*"}, run(), True),
        ({**RUN, "Resource": "arn:aws:ecs:*:task-definition/data-flows-Dev-hello:7"}, run(), False),
        ({**RUN, "Action": "ecs:Run*"}, run(), True),
        ({**RUN, "Action": ["ecs:runtas?"]}, run(), True),
        (ON_CLUSTER, run(ecs_cluster=CLUSTER), True),
        (ON_CLUSTER, run(ecs_cluster=OTHER), False),
        (ON_CLUSTER, run(), False),
        (NOT_BELOW, Need("ssm:GetParametersByPath"), True),
        (NOT_BELOW, Need("ssm:GetParametersByPath", keys={"ssm:Recursive": "false"}), True),
        (NOT_BELOW, Need("ssm:GetParametersByPath", keys={"ssm:Recursive": "true"}), False),
    ],
)
def test_a_statement_allows_what_it_says_and_nothing_else(statement: Statement, need: Need, allowed: bool) -> None:
    assert allows([statement], need) is allowed


def test_what_is_denied_is_denied_whatever_else_is_allowed() -> None:
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}

    assert allows([RUN, deny], run())
    assert not allows([RUN, deny], run(aws_SecureTransport="false"))
    assert not allows([deny], run())


@pytest.mark.parametrize(
    "more",
    [
        {"NotAction": "ecs:*"},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"StringEqualsIfExists": {"ecs:cluster": CLUSTER}}},
        {"Resource": ["arn:aws:ecs:us-east-1:000000000000:task-definition/${aws:username}:*"]},
    ],
)
def test_what_the_evaluator_does_not_know_it_refuses(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"evaluator"):
        allows([{**RUN, **more}], run())


def test_what_no_call_needs_is_told_action_by_action_and_resource_by_resource() -> None:
    statement = allow("Tasks", ["ecs:StopTask", "ecs:DescribeTasks"], [f"{CLUSTER}/a", f"{CLUSTER}/b"])
    needs = [Need("ecs:StopTask", f"{CLUSTER}/a"), Need("ecs:DescribeTasks", f"{CLUSTER}/b")]

    assert [str(grant) for grant in needless([statement], needs)] == [
        f"Tasks: ecs:StopTask on {CLUSTER}/b",
        f"Tasks: ecs:DescribeTasks on {CLUSTER}/a",
    ]


def json_call(target: str, parameters: dict[str, Any], caller: str = "host", answer: object = None) -> Call:
    """A request of a service that speaks JSON."""
    headers = {"x-amz-target": f"Any.{target.partition(':')[2]}", "authorization": signed(target.partition(":")[0])}
    return Call(caller, "POST", "/", "", headers, json.dumps(parameters), 200, json.dumps(answer))


def form_call(service: str, **form: str) -> Call:
    """A request of a service that takes forms."""
    return Call("host", "POST", "/", "", {"authorization": signed(service)}, urlencode(form), 200, "")


def s3_call(method: str, path: str, query: str = "", status: int = 200, body: str = "", **headers: str) -> Call:
    """A request to S3."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call("host", method, path, query, {"authorization": signed("s3"), **named}, body, status, "")


def registry_call(method: str, path: str, query: str = "") -> Call:
    """A request to the registry."""
    return Call("host", method, path, query, {}, "", 200, "")


def signed(service: str) -> str:
    """The head of a request that is signed."""
    return (
        f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )


def needs(call: Call) -> list[str]:
    """What is derived from a request, as text."""
    definition = {"taskRoleArn": "data-flows-Dev-task-hello", "executionRoleArn": DEV.role("data-flows-Dev-execution")}
    derived = Derived(DEV, definitions={DEV.arn("ecs", "task-definition/data-flows-Dev-hello:7"): definition})
    return [str(need).replace("arn:aws:", "").replace(":us-east-1:000000000000:", ":") for need in derived.needs(call)]


def test_a_task_is_started_with_its_roles_on_its_cluster_and_with_its_tags() -> None:
    parameters = {
        "taskDefinition": DEV.arn("ecs", "task-definition/data-flows-Dev-hello:7"),
        "cluster": "data-flows-Dev",
        "tags": [{"key": "a", "value": "b"}],
    }

    assert needs(json_call("ecs:RunTask", parameters)) == [
        "ecs:RunTask on ecs:task-definition/data-flows-Dev-hello:7, ecs:cluster = ecs:cluster/data-flows-Dev",
        f"iam:PassRole on iam::000000000000:role/data-flows-Dev-task-hello, iam:PassedToService = {TASKS}",
        f"iam:PassRole on iam::000000000000:role/data-flows-Dev-execution, iam:PassedToService = {TASKS}",
        "ecs:TagResource on ecs:task/data-flows-Dev/*, ecs:CreateAction = RunTask",
    ]


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (json_call("sts:GetCallerIdentity", {}), []),
        (json_call("ecs:DescribeTaskDefinition", {"taskDefinition": "x"}), ["ecs:DescribeTaskDefinition on *"]),
        (
            json_call("ecs:DescribeTasks", {"cluster": CLUSTER, "tasks": [f"{OTHER}/1"]}),
            ["ecs:DescribeTasks on ecs:task/data-flows-Dev/1, ecs:cluster = ecs:cluster/data-flows-Dev"],
        ),
        (json_call("ecr:DescribeRepositories", {}), ["ecr:DescribeRepositories on ecr:repository/*"]),
        (
            json_call("ssm:GetParametersByPath", {"Path": "/DataFlows/Dev", "Recursive": True}),
            ["ssm:GetParametersByPath on ssm:parameter/DataFlows/Dev, ssm:Recursive = true"],
        ),
        (
            json_call("ssm:GetParameter", {"Name": "/DataFlows/branches/main"}),
            ["ssm:GetParameter on ssm:parameter/DataFlows/branches/main"],
        ),
        (
            json_call("sqs:DeleteMessage", {"QueueUrl": "http://x/000000000000/queue"}),
            ["sqs:DeleteMessage on sqs:queue"],
        ),
        (
            registry_call("POST", "/v2/data-flows/x/blobs/uploads/", "mount=sha256:1&from=data-flows/y"),
            [
                "ecr:InitiateLayerUpload on ecr:repository/data-flows/x",
                "ecr:GetDownloadUrlForLayer on ecr:repository/data-flows/y",
            ],
        ),
        (
            registry_call("PUT", "/v2/data-flows/x/manifests/1"),
            ["ecr:PutImage on ecr:repository/data-flows/x", "ecr:BatchGetImage on ecr:repository/data-flows/x"],
        ),
        (registry_call("GET", "/v2/"), []),
        (
            form_call("cloudformation", Action="GetTemplate", StackName="data-flows-Dev-run"),
            ["cloudformation:GetTemplate on cloudformation:stack/data-flows-Dev-run/*"],
        ),
        (s3_call("HEAD", "/b/lake/a%20b"), ["s3:GetObject on s3:::b/lake/a b"]),
        (s3_call("GET", "/b/lake/x", status=404), ["s3:GetObject on s3:::b/lake/x", "s3:ListBucket on s3:::b"]),
        (s3_call("GET", "/b", "list-type=2&prefix=lake%2F"), ["s3:ListBucket on s3:::b, s3:prefix = lake/"]),
        (s3_call("POST", "/b/lake/x", "uploads"), ["s3:PutObject on s3:::b/lake/x"]),
        (s3_call("DELETE", "/b/lake/x", "uploadId=1"), ["s3:AbortMultipartUpload on s3:::b/lake/x"]),
        (
            s3_call("PUT", "/b/lake/x", x_amz_copy_source="/b/lake/y"),
            ["s3:PutObject on s3:::b/lake/x", "s3:GetObject on s3:::b/lake/y"],
        ),
        (
            s3_call("POST", "/b", "delete", body="<Delete><Object><Key>x</Key></Object></Delete>"),
            ["s3:DeleteObject on s3:::b/x"],
        ),
    ],
)
def test_what_a_request_needs_follows_from_what_it_asks(call: Call, wanted: list[str]) -> None:
    assert needs(call) == wanted


@pytest.mark.parametrize(
    "call",
    [
        json_call("ecs:DescribeClusters", {"clusters": ["x"]}),
        s3_call("PUT", "/b", "lifecycle"),
        s3_call("GET", "/b", "lifecycle"),
        s3_call("GET", "/b/k", "tagging"),
        registry_call("DELETE", "/v2/data-flows/x/manifests/1"),
        Call("host", "GET", "/", "", {}, "", 200, ""),
    ],
)
def test_a_request_that_is_not_known_counts_as_none(call: Call) -> None:
    with pytest.raises(ValueError, match=r"say in|not signed"):
        needs(call)


def test_an_action_that_aws_does_not_know_is_none() -> None:
    with pytest.raises(KeyError):
        needs(json_call("ecs:RunTasks", {}))


def test_a_call_is_that_of_the_role_of_whoever_asked() -> None:
    task = {
        "taskArn": f"{CLUSTER}/0123456789",
        "taskDefinitionArn": DEV.arn("ecs", "task-definition/data-flows-Dev-a-b:1"),
    }
    begun = json_call("ecs:RunTask", {"taskDefinition": "x"}, "p-worker-1", {"tasks": [task]})
    derived = Derived(DEV)
    derived.remember(begun)
    by_onlooker = Call("host", "GET", "/b", "", {"user-agent": "Boto3/1 onlooker"}, "", 200, "")

    assert derived.role(begun) == "worker"
    assert derived.role(s3_call("GET", "/b/k")) == "deployer"
    assert derived.role(by_onlooker) is None
    asked = s3_call("GET", "/b/lake/k")
    by_task = Call("ministack-ecs-01234567-flow", *list(asked.__dict__.values())[1:])
    assert needed([by_task], derived) == {"task-a-b": [Need("s3:GetObject", "arn:aws:s3:::b/lake/k")]}
    with pytest.raises(ValueError, match="nobody of the cloud"):
        derived.role(Call("ministack-ecs-76543210-flow", *list(asked.__dict__.values())[1:]))


def test_the_execution_role_starts_flows_with_their_secrets_and_the_worker_and_may_do_nothing_else() -> None:
    allowed = policies(inputs())
    run = {"task_role": "task", "execution_role": "execution"}
    secret = {"SOURCE_URL": "/DataFlows/Dev/hello/SOURCE_URL"}
    image = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/data-flows/hello@sha256:{'0' * 64}"
    definition = to_task_definition(release(None, ecs_run=run, secret_paths=secret, image=image))
    found = {"execution": [*started(definition, DEV), *started(worker_definition(), DEV)]}

    assert refused(found, allowed) == []
    assert idle("execution", found, allowed, "Dev") == set()
    elsewhere = Place("Prod", "aws", "us-east-1", "000000000000")
    others = to_task_definition(release(None, ecs_run=run, secret_paths={"X": "/DataFlows/Prod/x/X"}, log_group="/x"))
    assert len(refused({"execution": started(others, elsewhere)}, allowed)) == 3


def worker_definition() -> dict[str, Any]:
    """The worker's task definition, in the form in which ECS's own API tells it."""
    (container,) = of_kind("ECS::TaskDefinition")["WorkerTask"]["ContainerDefinitions"]
    return {
        "containerDefinitions": [
            {
                "name": container["Name"],
                "image": container["Image"],
                "logConfiguration": {"options": container["LogConfiguration"]["Options"]},
                "secrets": [{"name": item["Name"], "valueFrom": item["ValueFrom"]} for item in container["Secrets"]],
            }
        ]
    }


def test_what_flows_may_is_needed_by_one_of_them_and_what_one_may_by_itself() -> None:
    lake, tasks = f"{BUCKET}/lake/x", f"{CLUSTER}/x"
    every = allow("Lake", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [lake])
    allowed = {"task-one": [every], "task-two": [every, allow("Tasks", ["ecs:DescribeTasks", "ecs:StopTask"], [tasks])]}
    used = {
        "task-one": [Need("s3:GetObject", lake)],
        "task-two": [Need("s3:PutObject", lake), Need("ecs:StopTask", tasks)],
    }

    assert {item.partition(" on ")[0] for item in idle_of_flows(used, allowed, "Dev")} == {
        "every flow: Lake: s3:DeleteObject",
        "task-two: Tasks: ecs:DescribeTasks",
    }


TASK = {"aws:SourceAccount": DEV.account, "aws:SourceArn": DEV.arn("ecs", "task/data-flows-Dev/1")}
WORKFLOW = {
    f"{GITHUB}:aud": "sts.amazonaws.com",
    f"{GITHUB}:repository_id": REPOSITORY.id,
    f"{GITHUB}:sub": "repo:example/data-flows:environment:Dev",
}


@pytest.mark.parametrize(
    ("role", "keys", "given"),
    [
        ("WorkerRole", TASK, True),
        ("ExecutionRole", {**TASK, "aws:SourceAccount": "111111111111"}, False),
        ("WorkerRole", {**TASK, "aws:SourceArn": "arn:aws:ecs:eu-west-1:000000000000:task/data-flows-Dev/1"}, False),
        ("WorkerRole", {}, False),
        ("DeployerDev", WORKFLOW, True),
        ("DeployerDev", {**WORKFLOW, f"{GITHUB}:sub": "repo:example@1/data-flows@987654321:environment:Dev"}, True),
        ("DeployerDev", {**WORKFLOW, f"{GITHUB}:sub": "repo:example/data-flows:environment:Prod"}, False),
        ("DeployerDev", {**WORKFLOW, f"{GITHUB}:sub": "repo:example/data-flows:ref:refs/heads/main"}, False),
        ("DeployerDev", {**WORKFLOW, f"{GITHUB}:sub": "repo:example@1/data-flows@1:environment:Dev"}, False),
        ("DeployerDev", {**WORKFLOW, f"{GITHUB}:repository_id": "1"}, False),
    ],
)
def test_a_role_is_given_to_those_it_is_for(role: str, keys: dict[str, str], given: bool) -> None:
    document = of_kind("IAM::Role")[role]["AssumeRolePolicyDocument"]
    (action,) = {statement["Action"] for statement in document["Statement"]}

    assert allows(document["Statement"], Need(action, keys=keys)) is given
