"""What things are called in Docker, ECR, ECS and Prefect: each name is spelt here once."""

from __future__ import annotations

import re

PLATFORM = "data-flows"
"""Begins the name of all that is ours where others' things are too."""
FLOW_DIRECTORY = "/opt/flow"
"""Where a flow lies in its image."""
FAMILIES = f"{PLATFORM}-"
"""Begins the name of each family of task definitions."""
REPOSITORIES = f"{PLATFORM}/"
"""Begins the name of each repository."""


def repository(service: str) -> str:
    """The ECR repository of a service, which is its image's name on the engine too."""
    return f"{REPOSITORIES}{service}"


def image_tag(service: str, version: str) -> str:
    """An image on the engine and, below its address, in the registry: `data-flows/<service>:<fingerprint>`."""
    return f"{repository(service)}:{version}"


BASE_IMAGE = repository("base")
WORKER = "worker"
"""Of the repository and of the ECS service of the worker; no service of flows may be called so."""
RESULTS_BLOCK = f"s3-bucket/{PLATFORM}-results"
"""The Prefect block, `<type>/<name>`, where results of flows and tasks are kept."""
ANY_SERVICE = "{service}"
"""Stands for a service's name in a setting that names something of each service, as TASK_ROLE may."""
PARAMETERS = "/DataFlows"
"""Where all of our parameters lie in the Parameter Store."""
BRANCHES = f"{PARAMETERS}/branches"
"""Where those lie that say which environment a branch deploys to."""
ACCOUNT_STACK = f"{PLATFORM}-account"
"""The CloudFormation stack of what an account has once."""


def family(environment: str, service: str) -> str:
    """The family of a service's task definitions in an environment."""
    return f"{FAMILIES}{environment}-{service}"


def mark(environment: str) -> str:
    """The tag by which our Prefect deployments of an environment are known."""
    return f"{PLATFORM}:{environment}"


def marks(tag: str) -> bool:
    """Whether a tag is the mark of some environment."""
    return tag.startswith(f"{PLATFORM}:")


def stack(environment: str, part: str) -> str:
    """One of the CloudFormation stacks of an environment."""
    return f"{PLATFORM}-{environment}-{part}"


def parameters(environment: str) -> str:
    """Where an environment's parameters lie in the Parameter Store."""
    return f"{PARAMETERS}/{environment}"


def branch(name: str) -> str:
    """The parameter that says which environment a branch deploys to."""
    return f"{BRANCHES}/{name}"


def environment_of(name: str) -> str:
    """The environment of a stack or a parameter; empty where it is none of ours."""
    found = re.fullmatch(rf"{PARAMETERS}/([^/]+)/.+|{PLATFORM}-([^-]+)-(data|run)", name)
    return (found[1] or found[2]) if found else ""


def cluster(environment: str) -> str:
    """The ECS cluster of an environment."""
    return f"{PLATFORM}-{environment}"


def log_group(environment: str) -> str:
    """Where the flows and the worker of an environment log."""
    return f"/{PLATFORM}/{environment}"


def bucket(account: str, region: str, environment: str) -> str:
    """The bucket of an environment's results and lake. All of AWS shares these names, and they have no capitals."""
    return f"{PLATFORM}-{account}-{region}-{environment.lower()}"


def events_queue(environment: str) -> str:
    """The SQS queue of what ECS tells of an environment's tasks, which the worker reads."""
    return f"{PLATFORM}-{environment}-task-events"


def role(environment: str, purpose: str) -> str:
    """A role of an environment: `execution`, `worker`, `deployer`."""
    return f"{PLATFORM}-{environment}-{purpose}"


def task_role(environment: str, service: str) -> str:
    """The role of a service's tasks."""
    return role(environment, f"task-{service}")


def worker_family(environment: str) -> str:
    """The family of the worker's task definitions. No service's: their names have no underscore."""
    return f"{FAMILIES}{environment}-_worker"
