"""Refuses task definitions that Fargate would not run, as ECS does where they are registered.

The emulator would run them on this machine's engine. What stands between the two (`engine`) refuses them too; here
whoever registers one is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_OF_CONTAINER = (
    "devices",
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "dockerSecurityOptions",
    "extraHosts",
    "links",
    "privileged",
)
_OF_LINUX = ("devices", "maxSwap", "sharedMemorySize", "swappiness", "tmpfs")


def refusal(definition: Any) -> str:
    """What ecs:RegisterTaskDefinition says to a definition; empty where it may be run.

    Args:
        definition: the request's body.
    """
    refused = sorted(set(_refused(_lowered(definition))))
    if not refused:
        return ""
    return f"Fargate compatible task definitions do not support {', '.join(refused)}; the local cloud runs no others."


def _refused(definition: Any) -> Iterator[str]:
    if not isinstance(definition, dict):
        return
    if definition.get("networkmode") != "awsvpc":
        yield f"networkMode {definition.get('networkmode') or 'none'} (only awsvpc)"
    for name in ("pidMode", "ipcMode", "placementConstraints", "inferenceAccelerators"):
        if definition.get(name.lower()):
            yield name
    for volume in _each(definition, "volumes"):
        if volume.get("host", {}) not in ({}, None):
            yield "volumes.host.sourcePath"
        if volume.get("dockervolumeconfiguration"):
            yield "volumes.dockerVolumeConfiguration"
    for container in _each(definition, "containerdefinitions"):
        yield from (name for name in _OF_CONTAINER if container.get(name.lower()))
        for linux in _each(container, "linuxparameters"):
            yield from (f"linuxParameters.{name}" for name in _OF_LINUX if linux.get(name.lower()))
            yield from ("linuxParameters.capabilities.add" for each in _each(linux, "capabilities") if each.get("add"))


def _each(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """What stands under a name, one or many."""
    found = value.get(name)
    return [item for item in (found if isinstance(found, list) else [found]) if isinstance(item, dict)]


def _lowered(value: Any) -> Any:
    """The same with names in lower case: the emulator takes `Privileged` for `privileged`."""
    if isinstance(value, dict):
        return {str(name).lower(): _lowered(item) for name, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value
