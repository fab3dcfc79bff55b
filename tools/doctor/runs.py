"""Whether runs go as they should: what ECS tells of tasks is read, no alarm rings, there is a place for logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tools.doctor.commands import make_it
from tools.model.events import Waiting
from tools.model.findings import Check, Finding

_MANY = 100
"""So many events at once are more than a worker leaves lying about."""


def events(check: Check, queue: str, found: Waiting | None, environment: str) -> Iterator[Finding]:
    """Whether what ECS tells of tasks is read."""
    if found is None:
        yield check.failed(f"there is no queue {queue}", make_it(environment))
    elif found.unread > _MANY:
        yield check.failed(
            f"about {found.unread} events wait in {queue}: nobody reads them, or too slowly; a run whose task is gone "
            "stays Running",
            "look at the worker: its observer reads them",
        )
    else:
        yield check.passed(f"about {found.unread} wait, {found.read} are being read")


def dead_events(check: Check, queue: str, found: Waiting | None, environment: str) -> Iterator[Finding]:
    """Whether there are events that could not be read."""
    if found is None:
        yield check.failed(f"there is no queue {queue}", make_it(environment))
    elif found.unread:
        yield check.failed(
            f"about {found.unread} events in {queue} could not be read: runs whose tasks are gone may stay Running",
            "read why in the worker's log, then send them back: aws sqs start-message-move-task",
        )
    else:
        yield check.passed("none")


def alarms(check: Check, ringing: Mapping[str, str]) -> Iterator[Finding]:
    """Whether an alarm rings."""
    for name, said in sorted(ringing.items()):
        yield check.failed(f"{name} rings: {said}", "mend what it says; it ends by itself")
    if not ringing:
        yield check.passed("none rings")


def log_group(check: Check, name: str, *, there: bool) -> Iterator[Finding]:
    """Whether the tasks' log group is there: without it no task starts."""
    if there:
        yield check.passed(name)
    else:
        yield check.failed(
            f"there is no log group {name}: tasks cannot start", f"aws logs create-log-group --log-group-name {name}"
        )
