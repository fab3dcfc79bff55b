"""What Prefect needs of an environment: the work pool, with the job template by which its runs become ECS tasks, and
the block over the bucket in which their results are kept."""

from __future__ import annotations

from tools.model import names
from tools.model.credential import CredentialName
from tools.model.prefect import Block, WorkPool
from tools.stacks.data import RESULTS
from tools.stacks.inputs import Inputs, Place
from tools.stacks.template import Json

TYPE = "ecs"
_FIELDS: dict[CredentialName, str] = {
    "PREFECT_API_KEY": "prefect_api_key_secret_arn",
    "PREFECT_API_AUTH_STRING": "prefect_api_auth_string_secret_arn",
}
#: Of no worth elsewhere. A task's role has none here: boto3 refuses the address where the emulator offers them.
_EMULATED_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def work_pool(inputs: Inputs, security_group: str) -> WorkPool:
    """The work pool.

    Args:
        inputs: of the environment.
        security_group: the id of the run stack's.

    The worker has what the Prefect API wants to be shown, and leaves it out of the task's variables, which can be read;
    tasks get it from their task definitions. Where there is none it must not be named: the worker would miss it.
    """
    job: Json = {
        "name": "{{ name }}",
        "command": "{{ command }}",
        "env": _EMULATED_KEYS if inputs.emulated else "{{ env }}",
        "labels": "{{ labels }}",
        "cluster": "{{ cluster }}",
        "task_run_request": _TASK_RUN_REQUEST,
    }
    if inputs.credential:
        job[_FIELDS[inputs.credential]] = inputs.place.parameter(inputs.credential)
    template = {"job_configuration": job, "variables": _variables(inputs, security_group)}
    return WorkPool(name=inputs.work_pool, type=TYPE, base_job_template=template)


def results_block(place: Place) -> Block:
    """The block that flows keep their results in; it has no credentials: a task's are those of its role."""
    kind, _, name = names.RESULTS_BLOCK.partition("/")
    return Block(type=kind, name=name, data={"bucket_name": place.bucket, "bucket_folder": RESULTS})


_TASK_RUN_REQUEST: Json = {
    "taskDefinition": "{{ task_definition_arn }}",
    "cluster": "{{ cluster }}",
    "launchType": "{{ launch_type }}",
    "networkConfiguration": {
        "awsvpcConfiguration": {
            "subnets": "{{ subnets }}",
            "securityGroups": "{{ security_groups }}",
            "assignPublicIp": "{{ assign_public_ip }}",
        }
    },
    "overrides": {
        "containerOverrides": [{"command": "{{ command }}", "environment": "{{ env }}"}],
        "cpu": "{{ cpu }}",
        "memory": "{{ memory }}",
    },
    # Environment, service and owner are tags of the task definition: by them costs can be told apart.
    "propagateTags": "TASK_DEFINITION",
    "tags": "{{ labels }}",
}


def _variables(inputs: Inputs, security_group: str) -> Json:
    """The job variables, by which a deployment differs from the others."""
    return {
        "type": "object",
        "description": "A flow runs as an ECS task of a registered task definition; image, roles and log group are the "
        "definition's.",
        "required": ["task_definition_arn"],
        "properties": {
            "task_definition_arn": {
                "title": "Task Definition ARN",
                "description": "The release to run: one revision of the service's task definition.",
                "type": "string",
            },
            "launch_type": {
                "title": "Launch Type",
                "description": "Fargate, or Fargate Spot: cheaper, and may be interrupted with two minutes' notice.",
                "type": "string",
                "enum": ["FARGATE", "FARGATE_SPOT"],
                "default": "FARGATE",
            },
            "cpu": _or_null(
                "CPU",
                "CPU units, in place of the release's. Must be a pair with the memory that Fargate offers.",
                "integer",
            ),
            "memory": _or_null("Memory", "MiB, in place of the release's.", "integer"),
            "env": {
                "title": "Environment Variables",
                "description": "Added to the release's. Readable by whoever sees the task: no secrets.",
                "type": "object",
                "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
            "command": _or_null("Command", "In place of Prefect's own, `prefect flow-run execute`.", "string"),
            "cluster": {
                "title": "Cluster",
                "description": "Name or ARN of the ECS cluster.",
                "type": "string",
                "default": names.cluster(inputs.place.environment),
            },
            "subnets": _ids("Subnets", "Ids of the subnets that tasks start in.", *inputs.subnets),
            "security_groups": _ids("Security Groups", "Ids of the tasks' security groups.", security_group),
            "assign_public_ip": {
                "title": "Public IP",
                "description": "ENABLED where the subnets have no NAT gateway to reach ECR and Prefect through.",
                "type": "string",
                "enum": ["ENABLED", "DISABLED"],
                "default": "DISABLED",
            },
            "labels": {
                "title": "Labels",
                "description": "Tags of the task.",
                "type": "object",
                "additionalProperties": {"type": "string"},
            },
            "name": _or_null("Name", "Name given to the infrastructure of a run.", "string"),
        },
    }


def _or_null(title: str, description: str, kind: str) -> Json:
    return {
        "title": title,
        "description": description,
        "anyOf": [{"type": kind}, {"type": "null"}],
        "default": None,
    }


def _ids(title: str, description: str, *ids: str) -> Json:
    return {
        "title": title,
        "description": description,
        "type": "array",
        "items": {"type": "string"},
        "default": list(ids),
    }
