"""AWS's throttling of the ECS API, as its developer guide says it: token buckets, one for each category of actions."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

from tools.tests.proxy import Reply, Request


@dataclass(frozen=True)
class Category:
    """A row of the table "Request throttling for the Amazon ECS API": actions that share a bucket."""

    actions: tuple[str, ...]
    capacity: int
    """Tokens that the bucket holds: the burst."""
    rate: float
    """Tokens a second that flow into it: what is sustained."""


#: The rows of the actions that the tools ask for, in the table as it was in 2026.
ECS = (
    Category(("RegisterTaskDefinition", "DeregisterTaskDefinition"), 20, 1),
    Category(("DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"), 50, 20),
)


@dataclass
class _Bucket:
    of: Category
    rate: float
    tokens: float
    filled: float


@dataclass
class Buckets:
    """Refuses what finds its bucket empty, in the place of a server.

    Args:
        faster: so many times as fast as AWS they fill up.
        categories: the table.
    """

    faster: float = 1.0
    categories: Iterable[Category] = ECS
    passed: Counter[str] = field(default_factory=Counter)
    """How often each action was let through."""
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """They are full."""
        self._one_at_a_time, now = Lock(), time.monotonic()
        filled = [_Bucket(item, item.rate * self.faster, item.capacity, now) for item in self.categories]
        self._buckets = {action: bucket for bucket in filled for action in bucket.of.actions}

    def __call__(self, request: Request) -> Reply | None:
        """What AWS answers where the bucket is empty; a refused request takes no token."""
        bucket = self._buckets.get(request.action)
        with self._one_at_a_time:
            if bucket is not None and not _takes(bucket):
                self.refused[request.action] += 1
                body = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()
                return Reply(400, body, {"content-type": "application/x-amz-json-1.1"})
            self.passed[request.action] += 1
        return None


def _takes(bucket: _Bucket) -> bool:
    now = time.monotonic()
    bucket.tokens = min(bucket.of.capacity, bucket.tokens + (now - bucket.filled) * bucket.rate)
    bucket.filled = now
    if bucket.tokens < 1:
        return False
    bucket.tokens -= 1
    return True
