"""What waits in a queue, as SQS counts it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """How many messages a queue holds; SQS counts them roughly."""

    unread: int
    read: int
    """Given to somebody who has not said yet that they are done."""
