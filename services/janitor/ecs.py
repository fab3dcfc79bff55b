"""Asks ECS for tasks.

Takes a cluster and ARNs; gives `Task`s. Reads only (ecs:DescribeTasks, ecs:ListTasks). Every call ends, whatever ECS
does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from task import Task, described
from verdicts import Cluster

#: ECS describes at most as many tasks in one call.
_BATCH = 100


class EcsError(Exception):
    """ECS could not be asked, or did not answer what it was asked; the text says why in one line."""


class Ecs:
    """ECS in all regions.

    Args:
        seconds: how long one attempt waits for an answer; there are four.
    """

    def __init__(self, seconds: float = 20) -> None:
        retries = {"mode": "standard", "total_max_attempts": 4}
        self._config = Config(connect_timeout=5, read_timeout=seconds, retries=retries)
        self._clients: dict[str, Any] = {}

    def named(self, cluster: Cluster, arns: Sequence[str]) -> dict[str, Task | None]:
        """The named tasks by ARN: None for one that ECS says is missing, nothing where it says neither.

        Raises:
            EcsError: it cannot be asked.
        """
        found: dict[str, Task | None] = {}
        for start in range(0, len(arns), _BATCH):
            answer = self._call(cluster, "describe_tasks", tasks=arns[start : start + _BATCH])
            found |= {item["arn"]: None for item in answer.get("failures", ()) if item.get("reason") == "MISSING"}
            found |= {item["taskArn"]: described(item) for item in answer.get("tasks", ())}
        return {arn: found[arn] for arn in arns if arn in found}

    def every(self, cluster: Cluster) -> list[Task]:
        """All tasks of a cluster that ECS knows: those that live, and those that stopped within about an hour.

        Raises:
            EcsError: also where it does not tell of one of them.
        """
        arns = list(dict.fromkeys([*self._listed(cluster, "RUNNING"), *self._listed(cluster, "STOPPED")]))
        found = self.named(cluster, arns)
        if len(found) < len(arns):
            raise EcsError(f"ECS lists {len(arns)} tasks on the cluster {cluster}, and tells of {len(found)} of them")
        return [task for task in found.values() if task]

    def _listed(self, cluster: Cluster, desired: str) -> Iterator[str]:
        more: dict[str, str] = {}
        while True:
            answer = self._call(cluster, "list_tasks", desiredStatus=desired, **more)
            yield from answer.get("taskArns", ())
            token = answer.get("nextToken")
            if not token:
                return
            if token == more.get("nextToken"):
                raise EcsError(f"ECS lists the tasks of {cluster} without end")
            more = {"nextToken": token}

    def _call(self, cluster: Cluster, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client(cluster.region), operation)(cluster=cluster.name, **arguments)
        except (BotoCoreError, ClientError) as exc:
            raise EcsError(f"ECS cannot be asked about the cluster {cluster}: {' '.join(str(exc).split())}") from exc

    def _client(self, region: str) -> Any:
        if region not in self._clients:
            self._clients[region] = boto3.Session().client("ecs", region_name=region, config=self._config)
        return self._clients[region]
