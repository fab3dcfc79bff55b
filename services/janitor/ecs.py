"""Asks ECS for tasks.

Takes a cluster and ARNs; gives `Task`s. Reads only (ecs:DescribeTasks, ecs:ListTasks). Every call ends, whatever ECS
does: after four attempts of at most 20 seconds each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import stopped
from stopped import Task
from verdicts import Cluster

#: ECS describes at most as many tasks in one call.
_BATCH = 100
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})


class EcsError(Exception):
    """ECS could not be asked, or did not answer what it was asked; the text says why in one line."""


def named(cluster: Cluster, arns: Sequence[str]) -> list[Task]:
    """Those of the named tasks that ECS still knows.

    Raises:
        EcsError: also where ECS neither describes a task nor says that it is missing.
    """
    found: dict[str, Task] = {}
    for start in range(0, len(arns), _BATCH):
        asked = arns[start : start + _BATCH]
        answer = _call(cluster, "describe_tasks", tasks=asked)
        described = {item["taskArn"]: stopped.task(item) for item in answer.get("tasks", ())}
        missing = {item.get("arn") for item in answer.get("failures", ()) if item.get("reason") == "MISSING"}
        silent = set(asked) - missing - set(described)
        if silent:
            why = "; ".join(str(item) for item in answer.get("failures", ()) if item.get("arn") in silent)
            raise EcsError(f"ECS does not tell of {', '.join(sorted(silent))} on {cluster}: {why or 'no answer'}")
        found |= described
    return list(found.values())


def every(cluster: Cluster) -> list[Task]:
    """All tasks of a cluster that ECS knows: those that live, and those that stopped within about an hour.

    Raises:
        EcsError: also where it cannot be told of one of them.
    """
    arns = [*_listed(cluster, "RUNNING"), *_listed(cluster, "STOPPED")]
    return named(cluster, list(dict.fromkeys(arns)))


def _listed(cluster: Cluster, desired: str) -> Iterator[str]:
    more: dict[str, str] = {}
    while True:
        answer = _call(cluster, "list_tasks", desiredStatus=desired, **more)
        yield from answer.get("taskArns", ())
        token = answer.get("nextToken")
        if not token:
            return
        if token == more.get("nextToken"):
            raise EcsError(f"ECS lists the tasks of {cluster} without end")
        more = {"nextToken": token}


def _call(cluster: Cluster, operation: str, **arguments: Any) -> Any:
    try:
        return getattr(_client(cluster.region), operation)(cluster=cluster.name, **arguments)
    except (BotoCoreError, ClientError) as exc:
        raise EcsError(f"ECS cannot be asked about the cluster {cluster}: {' '.join(str(exc).split())}") from exc


@lru_cache
def _client(region: str) -> Any:
    return boto3.Session().client("ecs", region_name=region, config=_CONFIG)
