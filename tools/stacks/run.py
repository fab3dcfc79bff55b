"""The stack of what runs flows: cluster, network, task events, roles, worker, alarms, the environment's parameters."""

from __future__ import annotations

from tools.model import names
from tools.stacks.alarms import dead_events_alarm
from tools.stacks.data import LAKE
from tools.stacks.inputs import Inputs
from tools.stacks.roles import roles
from tools.stacks.template import Json, Resources, Stack, attribute, policy, reference, resource, template
from tools.stacks.worker import worker

_FOUR_DAYS, _TWO_WEEKS = 4 * 24 * 3600, 14 * 24 * 3600
_TRIES = 3


def run_stack(inputs: Inputs) -> Stack:
    """The stack."""
    environment = inputs.place.environment
    resources = {
        "Cluster": _cluster(environment),
        "SecurityGroup": _security_group(inputs),
        **({} if inputs.emulated else _task_events(inputs)),
        **roles(inputs),
        **(worker(inputs, inputs.worker_image) if inputs.worker_image else {}),
        **_parameters(inputs),
    }
    outputs = {"SecurityGroup": attribute("SecurityGroup", "GroupId")}
    return Stack(
        names.stack(environment, "run"), template(f"data-flows, {environment}: what runs flows", resources, outputs)
    )


def _cluster(environment: str) -> Json:
    return resource(
        "ECS::Cluster",
        {
            "ClusterName": names.cluster(environment),
            "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "DefaultCapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
        },
    )


def _security_group(inputs: Inputs) -> Json:
    """Nothing comes in. Out goes TCP to anywhere: where a flow's sources listen is not known here."""
    anywhere = {
        "IpProtocol": "tcp",
        "FromPort": 0,
        "ToPort": 65535,
        "CidrIp": "0.0.0.0/0",
        "Description": "registry, S3, SSM, Logs, Prefect and the sources of flows",
    }
    group = {
        "GroupDescription": "data-flows: tasks and worker, nothing comes in",
        "VpcId": inputs.vpc,
        "SecurityGroupEgress": [anywhere],
    }
    return resource("EC2::SecurityGroup", group)


def _task_events(inputs: Inputs) -> Resources:
    """What ECS tells of this cluster's tasks, in a queue that nothing else can fill."""
    place = inputs.place
    queue = names.events_queue(place.environment)
    rule_arn = place.arn("events", f"rule/{queue}")
    kept = {"SqsManagedSseEnabled": True}
    redrive = {"deadLetterTargetArn": attribute("DeadTaskEvents", "Arn"), "maxReceiveCount": _TRIES}
    sources = {"redrivePermission": "byQueue", "sourceQueueArns": [place.arn("sqs", queue)]}
    pattern = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {"clusterArn": [place.arn("ecs", f"cluster/{names.cluster(place.environment)}")]},
    }
    only_rule = {
        "Sid": "OnlyThisRule",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": place.arn("sqs", queue),
        "Condition": {
            "ArnEquals": {"aws:SourceArn": rule_arn},
            "StringEquals": {"aws:SourceAccount": place.account},
        },
    }
    return {
        "DeadTaskEvents": resource(
            "SQS::Queue",
            {
                "QueueName": f"{queue}-dead",
                "MessageRetentionPeriod": _TWO_WEEKS,
                "RedriveAllowPolicy": sources,
                **kept,
            },
        ),
        "TaskEvents": resource(
            "SQS::Queue",
            {
                "QueueName": queue,
                "MessageRetentionPeriod": _FOUR_DAYS,
                "VisibilityTimeout": 300,
                "RedrivePolicy": redrive,
                **kept,
            },
        ),
        "TaskEventsPolicy": resource(
            "SQS::QueuePolicy", {"Queues": [reference("TaskEvents")], "PolicyDocument": policy(only_rule)}
        ),
        "TaskEventsRule": resource(
            "Events::Rule",
            {
                "Name": queue,
                "EventPattern": pattern,
                "Targets": [{"Id": "queue", "Arn": attribute("TaskEvents", "Arn")}],
            },
        ),
        "DeadTaskEventsAlarm": dead_events_alarm(inputs),
    }


def _parameters(inputs: Inputs) -> Resources:
    """The environment's settings, as the tools read them; among them what bootstrap was told, for the next time."""
    place = inputs.place
    repository = inputs.repository
    values = {
        "PREFECT_API_URL": inputs.prefect_api_url,
        "WORK_POOL": inputs.work_pool,
        "EXECUTION_ROLE": place.role(names.role(place.environment, "execution")),
        "TASK_ROLE": place.role(names.task_role(place.environment, names.ANY_SERVICE)),
        "LOG_GROUP": names.log_group(place.environment),
        "LAKE_URL": f"s3://{place.bucket}/{LAKE}",
        "AWS_ACCOUNT_ID": place.account,
        "VPC": inputs.vpc,
        "SUBNETS": ",".join(inputs.subnets),
        "WORKER_IMAGE": inputs.worker_image_told,
        "ALARM_TOPIC": inputs.alarm_topic,
        "GITHUB_REPOSITORY": repository.name if repository else None,
        "GITHUB_REPOSITORY_ID": repository.id if repository else None,
    }
    return {
        f"Parameter{name.title().replace('_', '')}": resource(
            "SSM::Parameter",
            {"Name": f"{names.parameters(place.environment)}/{name}", "Type": "String", "Value": value},
        )
        for name, value in values.items()
        if value
    }
