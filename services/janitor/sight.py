"""Runs -> what ECS knows of each run's tasks.

Takes runs of one work pool; gives for each run its tasks, or None where ECS could not be asked about it, and what went
wrong. Decides nothing about a run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import ecs
from ecs import EcsError
from stopped import Task
from verdicts import Address, Cluster, Run


@dataclass(frozen=True)
class Sight:
    """What could be seen of the runs' tasks."""

    tasks: Mapping[UUID, tuple[Task, ...] | None]
    troubles: tuple[str, ...] = ()


def look(runs: Collection[Run], own: Address | None) -> Sight:
    """Asks ECS about all runs.

    Args:
        runs: to look for.
        own: where the janitor itself runs, if in a task. ECS must know that task as living; else it is another ECS
            that answers, in another account or region, and what it does not know may well live.
    """
    clusters = _addresses(runs, own)
    told: dict[str, Task] = {}
    troubles: dict[Cluster, str] = {}
    for cluster, arns in clusters.items():
        try:
            found = {task.arn: task for task in ecs.named(cluster, sorted(arns))}
            _check_own(found, own, cluster)
            told |= found
        except EcsError as exc:
            troubles[cluster] = str(exc)
    suspects = [run for run in runs if not (run.address and _lives(told, run.address))]
    by_run = _by_run(clusters, troubles) if suspects else {}
    tasks: dict[UUID, tuple[Task, ...] | None] = {}
    for run in runs:
        blind = run.address.cluster in troubles if run.address else bool(troubles) or not clusters
        by_name = [told[run.address.arn]] if run.address and run.address.arn in told else []
        tasks[run.id] = None if blind else (*by_name, *by_run.get(str(run.root), ()))
    return Sight(tasks, tuple(troubles.values()))


def _addresses(runs: Collection[Run], own: Address | None) -> dict[Cluster, set[str]]:
    clusters: dict[Cluster, set[str]] = defaultdict(set)
    for address in [own, *(run.address for run in runs)]:
        if address:
            clusters[address.cluster].add(address.arn)
    return dict(clusters)


def _check_own(found: Mapping[str, Task], own: Address | None, cluster: Cluster) -> None:
    if own and own.cluster == cluster and not _lives(found, own):
        raise EcsError(
            f"the ECS that answers for {cluster} does not know the janitor's own task as living: it is that of another "
            "account, or its emulator was started anew"
        )


def _lives(tasks: Mapping[str, Task], address: Address) -> bool:
    return address.arn in tasks and tasks[address.arn].lives


def _by_run(clusters: Collection[Cluster], troubles: dict[Cluster, str]) -> dict[str, list[Task]]:
    """All tasks by the run that they were started for: a retried RunTask may have started two, Prefect knows one."""
    by_run: dict[str, list[Task]] = defaultdict(list)
    for cluster in clusters:
        if cluster in troubles:
            continue
        try:
            for task in ecs.every(cluster):
                by_run[task.run_id].append(task)
        except EcsError as exc:
            troubles[cluster] = str(exc)
    return by_run
