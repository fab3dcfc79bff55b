"""The worker: an ECS service that polls the work pool, starts a task for each run and reads what ECS tells of them."""

from __future__ import annotations

from tools.model import names
from tools.stacks.alarms import unread_events_alarm, worker_gone_alarm
from tools.stacks.inputs import Inputs
from tools.stacks.template import Json, Resources, attribute, reference, resource

_CPU, _MEMORY = "256", "1024"
#: It waits for the work pool, which is made when its stack stands: one of its own making would be another.
_START = ("prefect", "worker", "start", "--type", "ecs", "--no-create-pool-if-not-found", "--with-healthcheck")
_HEALTH = "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=4)"


def worker(inputs: Inputs, image: str) -> Resources:
    """The worker's task definition, its service, and the alarms for when it does not do its work.

    Args:
        inputs: of the environment.
        image: what it runs, by digest.
    """
    return {
        "WorkerTask": _task(inputs, image),
        "Worker": _service(inputs),
        "UnreadTaskEventsAlarm": unread_events_alarm(inputs),
        "WorkerGoneAlarm": worker_gone_alarm(inputs),
    }


def _task(inputs: Inputs, image: str) -> Json:
    place = inputs.place
    container = {
        "Name": "worker",
        "Image": image,
        "Essential": True,
        "Command": [*_START, "--pool", inputs.work_pool],
        "Environment": [
            {"Name": "AWS_DEFAULT_REGION", "Value": place.region},
            {"Name": "PREFECT_API_URL", "Value": inputs.prefect_api_url},
            {
                "Name": "PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_NAME",
                "Value": attribute("TaskEvents", "QueueName"),
            },
        ],
        "HealthCheck": {
            "Command": ["CMD", "python", "-c", _HEALTH],
            "Interval": 30,
            "Retries": 3,
            "StartPeriod": 60,
            "Timeout": 5,
        },
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": names.log_group(place.environment),
                "awslogs-region": place.region,
                "awslogs-stream-prefix": "worker",
            },
        },
    }
    if inputs.credential:
        container["Secrets"] = [{"Name": inputs.credential, "ValueFrom": place.parameter(inputs.credential)}]
    return resource(
        "ECS::TaskDefinition",
        {
            "Family": names.worker_family(place.environment),
            "RequiresCompatibilities": ["FARGATE"],
            "NetworkMode": "awsvpc",
            "Cpu": _CPU,
            "Memory": _MEMORY,
            "RuntimePlatform": {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"},
            "ExecutionRoleArn": attribute("ExecutionRole", "Arn"),
            "TaskRoleArn": attribute("WorkerRole", "Arn"),
            "ContainerDefinitions": [container],
        },
    )


def _service(inputs: Inputs) -> Json:
    """One worker. A new one is there before the old one goes; one that does not start brings the old one back."""
    network = {
        "AssignPublicIp": "DISABLED",
        "Subnets": list(inputs.subnets),
        "SecurityGroups": [attribute("SecurityGroup", "GroupId")],
    }
    return resource(
        "ECS::Service",
        {
            "ServiceName": names.WORKER,
            "Cluster": reference("Cluster"),
            "TaskDefinition": reference("WorkerTask"),
            "DesiredCount": 1,
            "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
            "PropagateTags": "SERVICE",
            "EnableExecuteCommand": False,
            "DeploymentConfiguration": {
                "MinimumHealthyPercent": 100,
                "MaximumPercent": 200,
                "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
            },
            "NetworkConfiguration": {"AwsvpcConfiguration": network},
        },
    )
