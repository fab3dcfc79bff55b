"""The roles of an environment's tasks: what ECS does to start one, what a flow may do, what the worker may do."""

from __future__ import annotations

import json

from tools.errors import UserError
from tools.model import names
from tools.stacks.data import LAKE, RESULTS
from tools.stacks.inputs import Inputs, Place, ServiceRoles
from tools.stacks.permissions import statements
from tools.stacks.template import NO_RESOURCE_LEVEL, Json, Resources, allow, pass_roles, policy, tasks_role

_MAX_POLICY = 10_240


def roles(inputs: Inputs) -> Resources:
    """The execution role, a task role for each service that names none itself, the worker's role."""
    place = inputs.place
    return {
        "ExecutionRole": tasks_role(names.role(place.environment, "execution"), place, _start_tasks(place)),
        "WorkerRole": tasks_role(names.role(place.environment, "worker"), place, _run_tasks(inputs)),
        **{
            _logical(item.service): tasks_role(
                names.task_role(place.environment, item.service), place, _within_limit(item, be_a_flow(place, item))
            )
            for item in inputs.own_roles
        },
    }


def _logical(service: str) -> str:
    """A logical id: letters and digits only. Names of services have no capitals, so X stands for nothing else."""
    return f"TaskRole{service.replace('-', 'X')}"


def _start_tasks(place: Place) -> list[Json]:
    """What ECS does before a container of ours starts: pull its image, open its log, put its secrets into place."""
    return [
        allow(NO_RESOURCE_LEVEL, ["ecr:GetAuthorizationToken"], ["*"]),
        allow(
            "PullImages",
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [place.arn("ecr", f"repository/{names.REPOSITORIES}*")],
        ),
        allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [log_streams(place)]),
        allow("ReadSecrets", ["ssm:GetParameters"], [place.parameter("*")]),
    ]


def be_a_flow(place: Place, item: ServiceRoles) -> list[Json]:
    """What every flow may do, use the lake and keep its results, and what this one declares."""
    bucket = place.bucket_arn
    return [
        allow(
            "UseLake",
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            [f"{bucket}/{LAKE}/*"],
        ),
        allow("KeepResults", ["s3:GetObject", "s3:PutObject"], [f"{bucket}/{RESULTS}/*"]),
        # Of any prefix: S3 knows none when an object is read, and would answer 403 where it is not there.
        allow("FindObjects", ["s3:ListBucket"], [bucket]),
        *statements(place, item.service, item.permissions),
    ]


def _within_limit(item: ServiceRoles, statements: list[Json]) -> list[Json]:
    """Gives the statements of a service's role back.

    Raises:
        UserError: they are more than a role holds.
    """
    size = len(json.dumps(policy(*statements), separators=(",", ":")))
    if size > _MAX_POLICY:
        raise UserError(
            f"the permissions of {item.service} make a policy of {size} characters; IAM allows a role {_MAX_POLICY}",
            f"services/{item.service}/service.toml: join resources by a *, or name a role made elsewhere: task_role",
        )
    return statements


def _run_tasks(inputs: Inputs) -> list[Json]:
    """What the worker does: start, stop and watch the tasks of this environment's cluster."""
    place = inputs.place
    families = place.arn("ecs", f"task-definition/{names.family(place.environment, '*')}:*")
    return [
        allow(NO_RESOURCE_LEVEL, ["ecs:DescribeTaskDefinition"], ["*"]),
        allow("RunTasks", ["ecs:RunTask"], [families], _on_cluster(place)),
        allow("TagTasks", ["ecs:TagResource"], [_tasks(place)], {"StringEquals": {"ecs:CreateAction": "RunTask"}}),
        allow("StopAndSeeTasks", ["ecs:DescribeTasks", "ecs:StopTask"], [_tasks(place)]),
        pass_roles(inputs.passed_roles),
        allow(
            "ReadTaskEvents",
            ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
            [place.arn("sqs", names.events_queue(place.environment))],
        ),
        allow("ReadLogsOfTheDead", ["logs:GetLogEvents"], [log_streams(place)]),
    ]


def _on_cluster(place: Place) -> Json:
    return {"ArnEquals": {"ecs:cluster": place.arn("ecs", f"cluster/{names.cluster(place.environment)}")}}


def _tasks(place: Place) -> str:
    return place.arn("ecs", f"task/{names.cluster(place.environment)}/*")


def log_streams(place: Place) -> str:
    """The ARN of every log stream of an environment's flows and worker."""
    return place.arn("logs", f"log-group:{names.log_group(place.environment)}:log-stream:*")
