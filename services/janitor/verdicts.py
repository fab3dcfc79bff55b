"""PURE: a run + what ECS knows of its tasks + the time -> how the run must end and why, or nothing.

A run whose task lives, or of which ECS could not be asked, is never given a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.schemas.objects import StateType

from reasons import why_stopped
from task import Task

ACTIVE = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
#: Names of the Pending states that a worker sets before it asks ECS for a task.
_BEFORE_THE_TASK = frozenset({"Pending", "Submitting"})
#: How far the clocks of ECS and of Prefect may be apart; the emulator tells whole seconds only.
_SKEW = timedelta(seconds=5)
_TASK_ARN = re.compile(r"arn:aws[a-z-]*:ecs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):task/\S+")


@dataclass(frozen=True)
class Cluster:
    """An ECS cluster, by name or ARN, of an account."""

    account: str
    region: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} of the account {self.account} in {self.region}"


@dataclass(frozen=True)
class Address:
    """Where a run's task is: what the ECS worker leaves in Prefect as `infrastructure_pid`."""

    cluster: Cluster
    arn: str

    @classmethod
    def parse(cls, pid: str) -> Address | None:
        """The address in `<cluster>::<task ARN>`; None where a pid has another form, and so is not the ECS worker's."""
        name, _, arn = pid.partition("::")
        found = _TASK_ARN.fullmatch(arn)
        return cls(Cluster(found["account"], found["region"], name), arn) if found and name else None


@dataclass(frozen=True)
class Run:
    """A flow run in one of the `ACTIVE` states.

    A subflow's run lives inside the task of the outermost run, whose `address` it has; `root` is that run's id, and
    `around` says which it is and how it ended. For every other run `root` is its own id.
    """

    id: UUID
    name: str
    flow_id: UUID
    state_id: UUID
    state: StateType
    state_name: str
    since: datetime
    address: Address | None
    root: UUID
    around: str = ""

    @property
    def inside(self) -> bool:
        return self.root != self.id

    @property
    def claimed(self) -> bool:
        """Whether a worker has yet to start its task, or has just started it."""
        return self.state is StateType.PENDING and not self.inside


@dataclass(frozen=True)
class Limits:
    """How long a run is left alone: `grace` after it lost its task, `claim` after a worker claimed it."""

    grace: timedelta
    claim: timedelta


@dataclass(frozen=True)
class Verdict:
    """How a run must end: Crashed, but Cancelled where it was being cancelled: Prefect allows no other end."""

    run: Run
    reason: str

    @property
    def ends(self) -> StateType:
        return StateType.CANCELLED if self.run.state is StateType.CANCELLING else StateType.CRASHED


def judge(run: Run, tasks: Sequence[Task] | None, now: datetime, limits: Limits) -> Verdict | None:
    """The verdict on one run.

    Args:
        run: as Prefect has it.
        tasks: every task that ECS still knows of this run, those of earlier attempts too; None where ECS could not be
            asked.
        now: with a time zone.
        limits: how long is waited before.
    """
    if run.state not in ACTIVE or tasks is None or any(task.lives for task in tasks):
        return None
    last = _last_of_this_attempt(run, tasks)
    if last:
        if now - max(run.since, last.stopped_at or run.since) <= limits.grace:
            return None
        return Verdict(run, _told(run, why_stopped(last, began=run.state is not StateType.PENDING)))
    if run.address is None and (run.inside or run.state is StateType.RUNNING):
        return None  # nobody said where it runs, and no task of ECS says that it is its own
    never_had_one = run.claimed or run.address is None
    if now - run.since <= (limits.claim if never_had_one else limits.grace):
        return None
    return Verdict(run, _told(run, _no_task(now - run.since) if never_had_one else _forgotten(run)))


def _last_of_this_attempt(run: Run, tasks: Sequence[Task]) -> Task | None:
    # Rescheduled or retried, a run keeps the address of its former task until the worker has started the next one.
    former = run.claimed and run.state_name in _BEFORE_THE_TASK
    ours = [task for task in tasks if not (former and task.created_at < run.since - _SKEW)]
    return max(ours, key=lambda task: task.created_at, default=None)


def _told(run: Run, reason: str) -> str:
    return f"{run.around} {reason}" if run.around else reason


def _no_task(waited: timedelta) -> str:
    minutes = int(waited.total_seconds() // 60)
    return (
        f"A worker claimed it {minutes} minutes ago, and ECS knows of no task that it started since: the worker "
        "most likely died in between. Look at the worker's log, and run it again."
    )


def _forgotten(run: Run) -> str:
    task = run.address.arn.rpartition("/")[2] if run.address else "?"
    return (
        "ECS no longer knows its task: it ended more than about an hour ago, after which ECS forgets a task and why it "
        f"ended. Its log in CloudWatch may tell: the stream that ends in {task}."
    )
