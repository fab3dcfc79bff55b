"""A Prefect API: whether it lets us in, and whether a run that is due would be taken up and keep its result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tools.doctor.commands import make_it
from tools.model import names
from tools.model.credential import CREDENTIALS, WORDS, CredentialName
from tools.model.differences import differences
from tools.model.findings import Check, Finding
from tools.model.health import Api, LateRun, StandingPool, Worker
from tools.model.observed import Running

_SHOWN = 3


def api(check: Check, url: str, found: Api, shown: CredentialName | None, environment: str) -> Iterator[Finding]:
    """Whether the API answers, and lets us in.

    Args:
        check: what is told of.
        url: the API's address.
        found: what it answered.
        shown: what it was shown.
        environment: its name.
    """
    store = f"python -m tools secret {shown or 'NAME'} --environment {environment}"
    if found.lets_in:
        yield check.passed(f"{url} answers and lets us in {f'with the {WORDS[shown]}' if shown else 'as everybody'}")
    elif shown:
        yield check.failed(f"{url} answers and refuses the {WORDS[shown]}", f"store another one: {store}")
    else:
        either = " or ".join(f"a {WORDS[name]} ({name})" for name in CREDENTIALS)
        yield check.failed(f"{url} answers and wants {either}, and there is none", f"store it: {store}")


def version(check: Check, server: str, ours: str) -> Iterator[Finding]:
    """Whether the server's version goes with that of the flows' base image.

    Prefect wants the same major version, and a server that is not older than its clients.
    """
    found, wanted = _numbers(server), _numbers(ours)
    if not found or not wanted:
        yield check.unknown(f"the server says {server!r}, the base image has {ours!r}")
    elif found[0] != wanted[0]:
        yield check.failed(
            f"the server has Prefect {server}, the flows' base image {ours}: they do not understand each other",
            f"give the server Prefect {wanted[0]}, or the base image another one",
        )
    elif found < wanted:
        yield check.failed(
            f"the server has Prefect {server}, the flows' base image a later one, {ours}",
            f"upgrade the server to {ours} or later",
        )
    else:
        yield check.passed(f"{server}, the flows' base image has {ours}")


def _numbers(text: str) -> tuple[int, int] | None:
    """The first two numbers of a version: Prefect keeps its API within them."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def pool(check: Check, name: str, found: StandingPool | None, mend: str) -> Iterator[Finding]:
    """Whether the work pool is there, of our type, and not paused.

    Args:
        check: what is told of.
        name: the pool's.
        found: the pool.
        mend: how to make one.
    """
    if found is None:
        yield check.failed(f"there is no work pool {name}", mend)
    elif found.type != "ecs":
        yield check.failed(
            f"{name} is of the type {found.type}; flows run as ECS tasks", "name a pool of the type ecs as WORK_POOL"
        )
    elif found.paused:
        yield check.failed(f"{name} is paused: nothing of it starts", f"prefect work-pool resume {name!r}")
    else:
        yield check.passed(f"{name}, of the type ecs")


def defaults(found: Mapping[str, Any]) -> dict[str, Any]:
    """The default of each variable of a base job template, whatever somebody made of it."""
    variables = found.get("variables")
    properties = variables.get("properties") if isinstance(variables, dict) else None
    of = properties.items() if isinstance(properties, dict) else ()
    return {name: item.get("default") for name, item in of if isinstance(item, dict)}


def ids(value: Any) -> tuple[str, ...]:
    """The ids that a default lists; none where it is no list."""
    return tuple(map(str, value)) if isinstance(value, list) else ()


def template(check: Check, found: Mapping[str, Any], wanted: Mapping[str, Any], mend: str) -> Iterator[Finding]:
    """Whether the pool's base job template is the one that is rendered for the environment."""
    differing = list(differences(wanted, found))
    if not differing:
        yield check.passed("as it is rendered for this environment")
        return
    more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    yield check.failed(f"it differs from what is rendered: {'; '.join(differing[:_SHOWN])}{more}", mend)


def worker(check: Check, found: Sequence[Worker], now: datetime, mend: str) -> Iterator[Finding]:
    """Whether a worker is alive that takes up what is due.

    Args:
        check: what is told of.
        found: the workers that the pool has heard of.
        now: by the clock of the API.
        mend: how to start one.
    """
    alive = [item for item in found if item.online]
    if alive:
        names = ", ".join(item.name for item in alive[:_SHOWN])
        more = f" and {len(alive) - _SHOWN} more" if len(alive) > _SHOWN else ""
        yield check.passed(f"{names}{more}, heard of {_ago(max(_heard(alive), default=None), now)}")
    elif found:
        last = max(_heard(found), default=None)
        yield check.failed(f"none is alive; the last was heard of {_ago(last, now)}: runs stay late", mend)
    else:
        yield check.failed("the pool has never heard of one: runs stay late", mend)


def _heard(workers: Sequence[Worker]) -> list[datetime]:
    return [item.heard for item in workers if item.heard]


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "at no known time"
    seconds = max(round((now - moment).total_seconds()), 0)
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago" if seconds < 7200 else f"on {moment:%F}"


def service(check: Check, found: Running | None, environment: str) -> Iterator[Finding]:
    """Whether the worker that a stack makes runs, as ECS tells it."""
    if found is None:
        yield check.failed("there is no ECS service `worker`, and the stack has one", make_it(environment))
    elif found.running < max(found.wanted, 1):
        said = f"; ECS says: {found.said[0]}" if found.said else ""
        yield check.failed(
            f"{found.running} of {found.wanted} tasks run{said}",
            f"see in {names.log_group(environment)} why it stopped, and whether its subnets reach the registry",
        )
    else:
        yield check.passed(f"{found.running} of {found.wanted} tasks run")


def results(check: Check, block: str, found: str | None, bucket: str | None, mend: str) -> Iterator[Finding]:
    """Whether the block for results is there, and stands for the environment's bucket.

    Args:
        check: what is told of.
        block: its name.
        found: the bucket that it stands for, with its folder.
        bucket: the environment's; None where it has none of its own.
        mend: how to make the block.
    """
    if found is None:
        yield check.failed(f"there is no block {block}: results would go to a task's own disk and be lost", mend)
    elif bucket is not None and found.partition("/")[0] != bucket:
        yield check.failed(f"{block} stands for {found}; the environment's bucket is {bucket}", mend)
    else:
        yield check.passed(f"{block} stands for {found}")


def late(
    check: Check, found: Sequence[LateRun], pool: StandingPool, workers: Sequence[Worker], now: datetime
) -> Iterator[Finding]:
    """Whether runs are late, and why as far as can be told.

    Args:
        check: what is told of.
        found: the late runs, longest due first.
        pool: theirs.
        workers: the pool's.
        now: by the clock of the API.
    """
    if not found:
        yield check.passed("none is late")
        return
    why, mend = _why_late(pool, workers)
    runs = "1 run is" if len(found) == 1 else f"{len(found)} runs are"
    yield check.failed(f"{runs} late, the first ({found[0].name}) was due {_ago(found[0].due, now)}: {why}", mend)


def _why_late(pool: StandingPool, workers: Sequence[Worker]) -> tuple[str, str]:
    if pool.paused:
        return "the work pool is paused", f"prefect work-pool resume {pool.name!r}"
    if not any(item.online for item in workers):
        return "no worker is alive", "start one: see the line of the worker"
    if pool.limit is not None:
        return (
            f"the pool lets {pool.limit} go at once",
            f"wait, or raise it: prefect work-pool set-concurrency-limit {pool.name!r} N",
        )
    return "a worker is alive, and does not take them up", "look at the worker's log, and at limits of the deployments"
