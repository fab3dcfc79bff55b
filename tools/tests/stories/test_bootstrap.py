"""An environment's life in AWS by one command: looked at, made, made again, changed, failed, deleted, made again.

On an emulator. It knows nothing of a bucket's lifecycle, drops the secrets of a task definition that a stack makes, and
refuses a stack with an identity provider: these are checked in the templates (tools/tests/fast/stacks/), and here the
account has its provider already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.clients import ssm
from tools.clients.prefect_pools import PrefectPools
from tools.model.differences import same
from tools.settings import Connection, load
from tools.stacks.account import ISSUER
from tools.stacks.data import data_stack
from tools.stacks.inputs import Inputs, Place, Repository, ServiceRoles
from tools.stacks.pool import work_pool
from tools.stacks.run import run_stack
from tools.stacks.template import Stack
from tools.tests.repositories import STORAGE, make_service
from tools.tests.repositories import Repository as Checkout
from tools.tests.stack_inputs import of_kind
from tools.tests.standing import Standing

ENVIRONMENT, ACCOUNT = "Story", "000000000000"
BUCKET = f"data-flows-{ACCOUNT}-us-east-1-story"
GUEST = '\n[ecs_run]\ntask_role = "guest"\n'
IMAGE = f"registry.example.com/worker@sha256:{'0' * 64}"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:on-call"
POOL = "story"
QUEUE = f"data-flows-{ENVIRONMENT}-task-events"


class Story:
    """A repository of two services, and what stands of its environment."""

    def __init__(self, home: Path, aws: Connection, api: str) -> None:
        self.checkout, self.aws, self.api = Checkout(home), aws, api
        self.other_api = api.replace("127.0.0.1", "localhost")
        make_service(home, "hello")
        make_service(home, "visitor", {"service.toml": STORAGE.replace("hello", "visitor") + GUEST})
        self.standing = Standing(aws, ENVIRONMENT)
        ec2 = self.standing.client("ec2")
        self.vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.subnets = tuple(item["SubnetId"] for item in ec2.describe_subnets()["Subnets"][:2])

    def bootstrap(self, *arguments: str, code: int = 0) -> str:
        """What the verb says."""
        variables = {"AWS_ENDPOINT_URL": str(self.aws.endpoint), "AWS_REGION": self.aws.region}
        done = self.checkout.run("bootstrap", "--environment", ENVIRONMENT, *arguments, **variables)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if "--json" in arguments else done.stdout + done.stderr

    def inputs(self) -> Inputs:
        """What the environment is rendered from."""
        values: dict[str, Any] = {
            "place": Place(ENVIRONMENT, "aws", "us-east-1", ACCOUNT),
            "vpc": self.vpc,
            "subnets": self.subnets,
            "prefect_api_url": self.api,
            "work_pool": POOL,
            "services": (ServiceRoles("hello"), ServiceRoles("visitor", "guest")),
            "worker_image_told": "none",
            "repository": Repository("example/data-flows", "987654321"),
        }
        return Inputs(**values)

    def stacks(self) -> tuple[Stack, Stack]:
        """The stacks as they should be."""
        return data_stack(self.inputs()), run_stack(self.inputs())

    def parameters(self) -> dict[str, str]:
        """What the tools read."""
        return ssm.tree(self.aws, f"/DataFlows/{ENVIRONMENT}")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, ministack: Connection, prefect_api_url: str) -> Iterator[Story]:
    """The story so far."""
    made = Story(tmp_path_factory.mktemp("story"), ministack, prefect_api_url)
    iam = made.standing.client("iam")
    provider = iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])
    yield made
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["OpenIDConnectProviderArn"])


def ground(story: Story) -> list[str]:
    """What the first bootstrap must be told."""
    return [
        *("--vpc", story.vpc, "--subnets", ",".join(story.subnets), "--prefect-api-url", story.api),
        *("--worker-image", "none"),
        *("--work-pool", POOL),
        *("--github-repository", "example/data-flows", "--github-repository-id", "987654321"),
    ]


def test_0_where_prefect_does_not_answer_nothing_is_made(story: Story) -> None:
    nowhere = "http://127.0.0.1:1/api"
    said = story.bootstrap(*ground(story), "--prefect-api-url", nowhere, "--yes", code=1)

    assert f"error: Prefect: nothing answers at {nowhere}" in said
    assert story.standing.stack("data") == {}


def test_1_it_is_made_and_says_what_is_left_to_do(story: Story) -> None:
    said = story.bootstrap(*ground(story), "--yes")

    assert "create  role data-flows-Story-task-hello" in said
    assert "create  role data-flows-Story-deployer" in said
    assert "task-visitor" not in said
    assert f"create  work pool {POOL}" in said
    assert "create  block s3-bucket/data-flows-results" in said
    count = len(story.stacks()[1].template["Resources"])
    assert f"data-flows-Story-run: {count} of {count}: " in said
    assert "(BLOB_MOUNTING) cannot be told here" in said
    assert "a worker: one of your own for the work pool story, or ours: --worker-image ''" in said
    assert story.standing.stack("data")["EnableTerminationProtection"] is True
    assert story.standing.stack("run")["StackStatus"] == "CREATE_COMPLETE"


def test_2_what_holds_data_is_as_it_should_be(story: Story) -> None:
    data, _ = story.stacks()
    wanted = of_kind("S3::Bucket", data)["Bucket"]
    found = story.standing.bucket(BUCKET)

    assert found["BucketName"] == wanted["BucketName"]
    assert found["OwnershipControls"] == wanted["OwnershipControls"]
    assert found["PublicAccessBlockConfiguration"] == wanted["PublicAccessBlockConfiguration"]
    assert found["Algorithms"] == ["AES256"]
    assert same(found["Policy"], of_kind("S3::BucketPolicy", data)["BucketPolicy"]["PolicyDocument"])
    group = of_kind("Logs::LogGroup", data)["LogGroup"]
    assert story.standing.log_group(group["LogGroupName"]) == group


def test_3_what_runs_flows_is_as_it_should_be(story: Story) -> None:
    _, run = story.stacks()
    cluster, group = story.standing.cluster(), story.standing.security_group()

    assert cluster["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    assert cluster["defaultCapacityProviderStrategy"] == [{"capacityProvider": "FARGATE", "weight": 1}]
    assert group["VpcId"] == story.vpc
    assert group["IpPermissions"] == []
    assert [(item["IpProtocol"], item["FromPort"], item["ToPort"]) for item in group["IpPermissionsEgress"]] == [
        ("tcp", 0, 65535)
    ]
    wanted = {item["RoleName"]: item for item in of_kind("IAM::Role", run).values()}
    found = story.standing.roles()
    deployer = found.pop(f"data-flows-{ENVIRONMENT}-deployer")
    assert same(found, wanted)
    assert "sts:AssumeRoleWithWebIdentity" in json.dumps(deployer["AssumeRolePolicyDocument"])
    assert story.standing.worker() is None


def test_4_task_events_come_to_a_queue_that_nothing_else_fills(story: Story) -> None:
    _, run = story.stacks()
    queue, dead, rule = story.standing.queue(QUEUE), story.standing.queue(f"{QUEUE}-dead"), story.standing.rule(QUEUE)
    policy = of_kind("SQS::QueuePolicy", run)["TaskEventsPolicy"]["PolicyDocument"]

    assert (queue["MessageRetentionPeriod"], queue["VisibilityTimeout"]) == (345600, 300)
    assert (queue["SqsManagedSseEnabled"], dead["SqsManagedSseEnabled"]) == (True, True)
    assert same(queue["Policy"], policy)
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": dead["QueueArn"], "maxReceiveCount": 3}
    assert dead["RedriveAllowPolicy"]["sourceQueueArns"] == [queue["QueueArn"]]
    assert dead["MessageRetentionPeriod"] == 1209600
    assert rule["EventPattern"] == of_kind("Events::Rule", run)["TaskEventsRule"]["EventPattern"]
    assert [target["Arn"] for target in rule["Targets"]] == [queue["QueueArn"]]
    alarms = story.standing.alarms()
    assert set(alarms) == {f"data-flows-{ENVIRONMENT}-dead-task-events"}
    assert alarms[f"data-flows-{ENVIRONMENT}-dead-task-events"]["Dimensions"] == [
        {"Name": "QueueName", "Value": f"{QUEUE}-dead"}
    ]


def test_5_the_tools_find_their_settings(story: Story) -> None:
    variables = {"AWS_ENDPOINT_URL": str(story.aws.endpoint), "AWS_REGION": story.aws.region}
    settings = load(ENVIRONMENT, variables, Path("/nowhere"), ssm.tree)

    assert settings.prefect_api_url == story.api
    assert settings.account == ACCOUNT
    assert settings.execution_role in {f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in story.standing.roles()}
    assert settings.task_role.endswith("role/data-flows-Story-task-{service}")
    assert settings.log_group == story.standing.log_group(settings.log_group)["LogGroupName"]
    assert settings.lake_url == f"s3://{BUCKET}/lake"


def test_5_prefect_has_the_work_pool_and_the_block(story: Story) -> None:
    pools = PrefectPools(story.api)
    given = story.inputs()
    group = story.standing.security_group()["GroupId"]

    assert pools.pool(POOL) == work_pool(given, group)
    block = pools.block("s3-bucket", "data-flows-results")
    assert block
    assert block.data == {"bucket_name": BUCKET, "bucket_folder": "results"}


def test_6_again_it_needs_to_be_told_nothing_and_changes_nothing(story: Story) -> None:
    before = story.standing.stack("run")
    said = story.bootstrap("--yes")

    assert "nothing differs" in said
    assert " of " not in said.replace("one of your own", "")
    assert story.standing.stack("run").get("LastUpdatedTime") == before.get("LastUpdatedTime")


def test_7_a_change_is_told_field_by_field_and_made(story: Story) -> None:
    told = json.loads(story.bootstrap("--prefect-api-url", story.other_api, "--worker-image", IMAGE, "--json", "--yes"))
    resources = {item["subject"]: item for stack in told["stacks"] for item in stack["resources"]}

    assert told["applied"] is True
    assert [stack["verb"] for stack in told["stacks"]] == ["unchanged", "change", "unchanged"]
    assert resources["parameter /DataFlows/Story/PREFECT_API_URL"] == {
        "verb": "change",
        "subject": "parameter /DataFlows/Story/PREFECT_API_URL",
        "why": [f"Value {story.api} → {story.other_api}"],
    }
    assert resources["ECS service worker"]["verb"] == "create"
    assert story.parameters()["PREFECT_API_URL"] == story.other_api
    worker = story.standing.worker()
    assert worker
    service, definition = worker
    (container,) = definition["containerDefinitions"]
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    assert network["assignPublicIp"] == "DISABLED"
    assert network["securityGroups"] == [story.standing.security_group()["GroupId"]]
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert service["desiredCount"] == 1
    assert container["image"] == IMAGE
    assert "portMappings" not in container or container["portMappings"] == []
    assert definition["taskRoleArn"].endswith("role/data-flows-Story-worker")
    assert definition["executionRoleArn"].endswith("role/data-flows-Story-execution")
    assert {f"data-flows-Story-{name}" for name in ("worker-gone", "unread-task-events", "dead-task-events")} == set(
        story.standing.alarms()
    )


def test_8_a_change_that_fails_is_rolled_back_and_says_which_resource_and_why(story: Story) -> None:
    by_hand = "/DataFlows/Story/ALARM_TOPIC"
    parameters = story.standing.client("ssm")
    parameters.put_parameter(Name=by_hand, Value=TOPIC, Type="String")

    said = story.bootstrap("--prefect-api-url", story.api, "--yes", code=1)

    assert f"error: data-flows-Story-run: parameter {by_hand}: " in said
    assert "exist" in said
    assert "UPDATE_ROLLBACK_COMPLETE; mend the reason and run this again" in said
    assert story.parameters()["PREFECT_API_URL"] == story.other_api
    parameters.delete_parameter(Name=by_hand)


def test_a_deletion_keeps_what_holds_data_and_the_next_bootstrap_goes_on_with_it(story: Story) -> None:
    objects = story.standing.client("s3")
    objects.put_object(Bucket=BUCKET, Key="lake/flights", Body=b"data")

    said = story.bootstrap("--delete", "--yes")

    assert f"keep  bucket {BUCKET}" in said
    assert "delete  role data-flows-Story-deployer" in said
    assert story.standing.roles() == story.standing.alarms() == story.parameters() == {}
    assert story.standing.stack("run") == {}
    assert story.standing.stack("data")

    said = story.bootstrap(*ground(story), "--yes")

    assert "data-flows-Story-data  unchanged" in said
    assert "job template: security_groups" in said
    assert PrefectPools(story.api).pool(POOL) == work_pool(story.inputs(), story.standing.security_group()["GroupId"])
    assert objects.get_object(Bucket=BUCKET, Key="lake/flights")["Body"].read() == b"data"
    assert story.standing.stack("run")["StackStatus"] == "CREATE_COMPLETE"
