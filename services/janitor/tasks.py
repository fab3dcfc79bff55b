"""Runs -> what ECS knows of each run's tasks.

Takes runs of one work pool; gives for each run its tasks, or None where ECS could not be asked about it, and what went
wrong. Decides nothing about a run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ecs import Ecs, EcsError
from task import Task
from verdicts import Address, Cluster, Run


@dataclass
class KnownTasks:
    """The tasks that ECS told of, and where it did not.

    `named` has the tasks whose ARNs Prefect knows, None for one that is missing; `by_run` all tasks of the clusters by
    the run that they were started for: a RunTask that was repeated starts two, and Prefect knows one.
    """

    clusters: dict[Cluster, set[str]]
    named: dict[str, Task | None] = field(default_factory=dict)
    by_run: dict[str, list[Task]] = field(default_factory=lambda: defaultdict(list))
    troubles: dict[Cluster, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)

    def of(self, run: Run) -> list[Task] | None:
        """All that ECS knows of a run's tasks; None where it could not be asked, or did not tell."""
        if self._hidden(run):
            return None
        named = self.named.get(run.address.arn) if run.address else None
        return [*([named] if named else []), *self.by_run.get(str(run.root), ())]

    def _hidden(self, run: Run) -> bool:
        if run.address:
            return run.address.cluster in self.troubles or run.address.arn in self.silent
        return bool(self.troubles) or not self.clusters  # its task may be on any of them

    def lives(self, address: Address | None) -> bool:
        """Whether ECS says that the task at an address lives."""
        task = self.named.get(address.arn) if address else None
        return task is not None and task.lives

    @property
    def problems(self) -> list[str]:
        """What went wrong, a line each."""
        silent = (f"ECS neither tells of the task {arn} nor says that it is missing" for arn in sorted(self.silent))
        return [*self.troubles.values(), *silent]


def find(ecs: Ecs, runs: Collection[Run], own: Address | None) -> KnownTasks:
    """Asks ECS about all runs: for the tasks that they name and, where one of those does not live, for all tasks.

    Args:
        ecs: to ask.
        runs: whose tasks are wanted.
        own: where the janitor itself runs, if in a task. ECS must know that task as living; else it is another ECS
            that answers, in another account or region, and what it does not know may well live.
    """
    known = KnownTasks(_arns([own, *(run.address for run in runs)]))
    for cluster, arns in known.clusters.items():
        try:
            known.named |= ecs.named(cluster, sorted(arns))
            known.silent |= arns - known.named.keys()
            if own and own.cluster == cluster and not known.lives(own):
                raise EcsError(f"the ECS of {cluster} does not know the janitor's own task: it is another one")
        except EcsError as exc:
            known.troubles[cluster] = str(exc)
    if not all(known.lives(run.address) for run in runs):
        _find_everywhere(ecs, known)
    return known


def _arns(addresses: Iterable[Address | None]) -> dict[Cluster, set[str]]:
    clusters: dict[Cluster, set[str]] = defaultdict(set)
    for address in addresses:
        if address:
            clusters[address.cluster].add(address.arn)
    return dict(clusters)


def _find_everywhere(ecs: Ecs, known: KnownTasks) -> None:
    for cluster in known.clusters.keys() - known.troubles.keys():
        try:
            for task in ecs.every(cluster):
                known.by_run[task.run_id].append(task)
        except EcsError as exc:
            known.troubles[cluster] = str(exc)
