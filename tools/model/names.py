"""What things are called in Docker, ECR, ECS and Prefect: each name is spelt here once."""

from __future__ import annotations

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


def family(environment: str, service: str) -> str:
    """The family of a service's task definitions in an environment."""
    return f"{FAMILIES}{environment}-{service}"


def mark(environment: str) -> str:
    """The tag by which our Prefect deployments of an environment are known."""
    return f"{PLATFORM}:{environment}"


def marks(tag: str) -> bool:
    """Whether a tag is the mark of some environment."""
    return tag.startswith(f"{PLATFORM}:")
