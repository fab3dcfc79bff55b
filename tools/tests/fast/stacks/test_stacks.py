"""What an environment consists of, and what its templates never say."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tools.errors import UserError
from tools.model import names
from tools.stacks.account import account_stack, account_stack_without
from tools.stacks.data import data_stack
from tools.stacks.inputs import Place, ServiceRoles
from tools.stacks.run import run_stack
from tools.tests.stack_inputs import REPOSITORY, inputs, of_kind, stacks

ENVIRONMENTS = ["Dev", "Prod", "E" * 24]


def place(environment: str) -> Place:
    """Where an environment of that name lies."""
    return Place(environment, "aws", "us-east-1", "000000000000")


def texts(value: Any) -> list[str]:
    """Every text in a value, keys too."""
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def test_the_stacks_have_neither_parameters_nor_conditions_and_put_no_text_together() -> None:
    for stack in stacks():
        assert set(stack.template) <= {"AWSTemplateFormatVersion", "Description", "Resources", "Outputs"}
        words = texts(stack.template["Resources"])
        assert not {"Fn::If", "Fn::Sub", "Fn::Join", "Fn::ImportValue"} & set(words)
        assert not [word for word in words if "${" in word or word.startswith("AWS::Acc")]


def test_the_same_inputs_make_the_same_text() -> None:
    assert [stack.body for stack in stacks()] == [stack.body for stack in stacks()]


def test_what_is_referred_to_is_in_the_same_stack() -> None:
    for stack in stacks():
        resources = stack.template["Resources"]
        text = stack.body
        named = {*re.findall(r'"Ref":"(\w+)"', text), *re.findall(r'"Fn::GetAtt":\["(\w+)"', text)}
        assert named <= set(resources)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_name_is_within_its_service_s_limit(environment: str) -> None:
    made = stacks(inputs(place=place(environment)))
    limits = {
        ("IAM::Role", "RoleName"): 64,
        ("S3::Bucket", "BucketName"): 63,
        ("SQS::Queue", "QueueName"): 80,
        ("Events::Rule", "Name"): 64,
        ("CloudWatch::Alarm", "AlarmName"): 255,
        ("ECS::Cluster", "ClusterName"): 255,
        ("ECS::TaskDefinition", "Family"): 255,
        ("EC2::SecurityGroup", "GroupDescription"): 255,
        ("SSM::Parameter", "Name"): 1011,
    }
    for (kind, key), limit in limits.items():
        found = [properties[key] for properties in of_kind(kind, *made).values()]
        assert found
        assert [name for name in found if len(name) > limit] == []
    assert all(len(stack.name) <= 128 and len(stack.body) <= 51_200 for stack in made)


def test_a_name_that_aws_does_not_take_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(UserError) as refused:
        inputs(place=place("E" * 32), services=(ServiceRoles("s" * 30),))

    assert f"the role data-flows-{'E' * 32}-task-{'s' * 30} has 79 characters; IAM allows 64" in refused.value.message
    assert "the bucket data-flows-000000000000-us-east-1-" in refused.value.message


def test_two_services_never_share_a_logical_id() -> None:
    given = [ServiceRoles(name) for name in ("a-1", "a1", "ax1", "a-x1", "ab-c", "a-bc")]
    roles = of_kind("IAM::Role", run_stack(inputs(services=tuple(given))))

    made = [properties["RoleName"] for properties in roles.values()]
    assert {names.task_role("Dev", item.service) for item in given} <= set(made)
    assert all(re.fullmatch(r"[A-Za-z0-9]+", name) for stack in stacks() for name in stack.template["Resources"])


def test_a_service_that_names_its_roles_gets_none() -> None:
    roles = of_kind("IAM::Role")
    assert "data-flows-Dev-task-guest" not in {properties["RoleName"] for properties in roles.values()}


def test_the_bucket_is_closed_encrypted_and_speaks_tls_only() -> None:
    bucket = of_kind("S3::Bucket")["Bucket"]
    policy = of_kind("S3::BucketPolicy")["BucketPolicy"]["PolicyDocument"]
    arn = f"arn:aws:s3:::{bucket['BucketName']}"

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert policy["Statement"] == [
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


@pytest.mark.parametrize(("environment", "days"), [("Prod", 30), ("Dev", 7), ("Other", 7)])
def test_results_expire_and_the_lake_does_not(environment: str, days: int) -> None:
    bucket = of_kind("S3::Bucket", data_stack(inputs(place=place(environment))))["Bucket"]
    results, uploads = bucket["LifecycleConfiguration"]["Rules"]

    assert (results["Prefix"], results["ExpirationInDays"]) == ("results/", days)
    assert uploads["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert "ExpirationInDays" not in uploads


def test_what_holds_data_stays_and_nothing_else_does() -> None:
    data, run, account = stacks()

    assert data.protected
    assert not run.protected
    kept = {item.get("DeletionPolicy") for item in data.template["Resources"].values()}
    assert kept == {"RetainExceptOnCreate"}
    assert {item.get("UpdateReplacePolicy") for item in data.template["Resources"].values()} == {"Retain"}
    for stack in (run, account):
        assert not [name for name, item in stack.template["Resources"].items() if "DeletionPolicy" in item]


def test_nothing_comes_in() -> None:
    (group,) = of_kind("EC2::SecurityGroup").values()
    (service,) = of_kind("ECS::Service").values()
    (task,) = of_kind("ECS::TaskDefinition").values()

    assert "SecurityGroupIngress" not in group
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    assert service["EnableExecuteCommand"] is False
    assert not [container for container in task["ContainerDefinitions"] if "PortMappings" in container]
    assert not {"EC2::SecurityGroupIngress", "ElasticLoadBalancingV2::LoadBalancer"} & {
        item["Type"].removeprefix("AWS::") for stack in stacks() for item in stack.template["Resources"].values()
    }


def test_the_worker_runs_the_given_image_reads_task_events_and_brings_the_old_one_back_when_it_does_not_start() -> None:
    given = inputs()
    (container,) = of_kind("ECS::TaskDefinition")["WorkerTask"]["ContainerDefinitions"]
    service = of_kind("ECS::Service")["Worker"]
    env = {item["Name"]: item["Value"] for item in container["Environment"]}

    assert container["Image"] == given.worker_image
    assert container["Command"][:6] == ["prefect", "worker", "start", "--type", "ecs", "--no-create-pool-if-not-found"]
    assert container["Command"][-2:] == ["--pool", given.work_pool]
    assert env["PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_NAME"] == {"Fn::GetAtt": ["TaskEvents", "QueueName"]}
    assert service["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_the_key_is_named_and_never_written() -> None:
    (container,) = of_kind("ECS::TaskDefinition")["WorkerTask"]["ContainerDefinitions"]
    (keyless,), (basic,) = (
        of_kind("ECS::TaskDefinition", run_stack(inputs(credential=name)))["WorkerTask"]["ContainerDefinitions"]
        for name in (None, "PREFECT_API_AUTH_STRING")
    )
    parameters = {item["Name"] for item in of_kind("SSM::Parameter").values()}

    path = "/DataFlows/Dev/PREFECT_API_KEY"
    assert container["Secrets"] == [
        {"Name": "PREFECT_API_KEY", "ValueFrom": f"arn:aws:ssm:us-east-1:000000000000:parameter{path}"}
    ]
    assert "Secrets" not in keyless
    assert [item["Name"] for item in basic["Secrets"]] == ["PREFECT_API_AUTH_STRING"]
    assert basic["Secrets"][0]["ValueFrom"].endswith(":parameter/DataFlows/Dev/PREFECT_API_AUTH_STRING")
    assert path not in parameters


def test_without_an_image_there_is_no_worker_and_nothing_that_misses_it() -> None:
    run = run_stack(inputs(worker_image=None))

    assert not of_kind("ECS::Service", run)
    assert set(of_kind("CloudWatch::Alarm", run)) == {"DeadTaskEventsAlarm"}
    assert "/DataFlows/Dev/WORKER_IMAGE" not in {item["Name"] for item in of_kind("SSM::Parameter", run).values()}


def test_what_was_told_of_the_worker_s_image_is_kept_and_the_repository_s_own_is_not() -> None:
    def kept(told: str | None) -> list[str]:
        parameters = of_kind("SSM::Parameter", run_stack(inputs(worker_image_told=told))).values()
        return [item["Value"] for item in parameters if item["Name"] == "/DataFlows/Dev/WORKER_IMAGE"]

    assert [kept("none"), kept(inputs().worker_image), kept(None)] == [["none"], [inputs().worker_image], []]


def test_alarms_tell_the_topic_where_there_is_one() -> None:
    alarms = of_kind("CloudWatch::Alarm")

    assert set(alarms) == {"DeadTaskEventsAlarm", "UnreadTaskEventsAlarm", "WorkerGoneAlarm"}
    assert {tuple(item["AlarmActions"]) for item in alarms.values()} == {(inputs().alarm_topic,)}
    quiet = of_kind("CloudWatch::Alarm", run_stack(inputs(alarm_topic=None)))
    assert not [name for name, item in quiet.items() if "AlarmActions" in item]


def test_the_rule_hears_of_this_cluster_s_tasks_only() -> None:
    pattern = of_kind("Events::Rule")["TaskEventsRule"]["EventPattern"]

    assert pattern["detail-type"] == ["ECS Task State Change"]
    assert pattern["detail"] == {"clusterArn": ["arn:aws:ecs:us-east-1:000000000000:cluster/data-flows-Dev"]}


def test_another_environment_s_deployer_stays_as_it_stands() -> None:
    dev, prod = inputs(), inputs(place=place("Prod"))
    first = account_stack(dev, REPOSITORY, {})
    both = account_stack(prod, REPOSITORY, first.template)

    assert set(both.template["Resources"]) == {"GitHub", "DeployerDev", "DeployerProd"}
    assert both.template["Resources"]["DeployerDev"] == first.template["Resources"]["DeployerDev"]
    alone = account_stack_without("Dev", both.template)
    assert alone is not None
    assert set(alone.template["Resources"]) == {"GitHub", "DeployerProd"}
    assert account_stack_without("Prod", alone.template) is None


def test_a_provider_that_the_account_has_already_is_used() -> None:
    made = account_stack(inputs(), REPOSITORY, {}, provider_elsewhere=True)

    assert set(made.template["Resources"]) == {"DeployerDev"}


def test_other_partitions_have_arns_of_their_own() -> None:
    china = Place("Dev", "aws-cn", "cn-north-1", "000000000000")
    for stack in stacks(inputs(place=china, services=(), alarm_topic=None)):
        assert "arn:aws:" not in stack.body


def test_the_tools_read_the_parameters_as_settings() -> None:
    values = {item["Name"].rsplit("/", 1)[1]: item["Value"] for item in of_kind("SSM::Parameter").values()}

    assert values["TASK_ROLE"] == "arn:aws:iam::000000000000:role/data-flows-Dev-task-{service}"
    assert values["LAKE_URL"] == "s3://data-flows-000000000000-us-east-1-dev/lake"
    assert values["SUBNETS"] == "subnet-00000001,subnet-00000002"
