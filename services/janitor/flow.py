"""Ends the runs that nobody will end any more, says why, and removes the old ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import httpx
from prefect import flow, get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run as own
from prefect.states import Failed
from pydantic import Field

import report
import runs
from ecs import Ecs
from report import Deeds, Ended
from tasks import find
from verdicts import Address, Limits, Verdict, judge

NAME = "janitor"
Report = dict[str, int]
#: Flow, or all flows where None, and after how many days its runs are removed.
Keep = list[tuple[str | None, int | None]]


@flow(name=NAME, persist_result=False, timeout_seconds=900)
def janitor(
    work_pool: str | None = None,
    grace_seconds: Annotated[int, Field(ge=30, le=3600)] = 60,
    claim_minutes: Annotated[int, Field(ge=2, le=1440)] = 10,
    keep_days: Annotated[int, Field(ge=1)] | None = 90,
    keep_own_days: Annotated[int, Field(ge=1)] | None = 7,
    remove_at_most: Annotated[int, Field(ge=1, le=200)] = 200,
    dry_run: bool = False,
) -> Report | State[Report]:
    """Ends the runs of a work pool whose ECS task is gone, with the reason that ECS gives, and removes old runs.

    It fails where ECS or Prefect could not be asked; of what it could not be sure, it touches nothing.

    Args:
        work_pool: whose runs; the pool of this run itself where absent.
        grace_seconds: how long after its task ended a run may still end by itself.
        claim_minutes: how long a run may stay Pending without a task before its worker is taken for dead.
        keep_days: after how many days a run that has ended is removed; never where absent.
        keep_own_days: the same for the janitor's own runs, of which there are many.
        remove_at_most: how many old runs are removed at one time.
        dry_run: only say what would be done.
    """
    with get_client(sync_client=True) as client:
        me = client.read_flow_run(UUID(own.id))
        pool = work_pool or me.work_pool_name
        if not pool:
            get_run_logger().info(
                "this run is a plain process and belongs to no work pool, so there is nothing to look after; "
                'another pool is named by the parameter {"work_pool": "..."}'
            )
            return {}
        deeds = Deeds(pool, dry_run)
        _check_type(client, pool)
        _end_hanging(client, deeds, me, Limits(timedelta(seconds=grace_seconds), timedelta(minutes=claim_minutes)))
        _remove_old(client, deeds, [(None, keep_days), (NAME, keep_own_days)], remove_at_most)
    return _told(deeds)


def _check_type(client: SyncPrefectClient, pool: str) -> None:
    kind = client.read_work_pool(pool).type
    if kind != "ecs":
        raise ValueError(f"the work pool {pool} is of the type {kind}; the janitor knows only the tasks of ecs")


def _end_hanging(client: SyncPrefectClient, deeds: Deeds, me: FlowRun, limits: Limits) -> None:
    now = datetime.now(UTC)
    active = [run for run in runs.active(client, deeds.pool) if run.root != me.id]
    deeds.looked_at = len(active)
    # What was claimed or moved on within the grace period gets no verdict in any case; ECS need not be asked about it.
    settled = [run for run in active if now - run.since > limits.grace]
    if not settled:
        return
    known = find(Ecs(), settled, Address.parse(me.infrastructure_pid or ""))
    deeds.troubles += known.problems
    verdicts = [judge(run, known.of(run), now, limits) for run in settled]
    found = [verdict for verdict in verdicts if verdict]
    names = runs.flow_names(client, [verdict.run for verdict in found])
    for verdict in found:
        flow_name = names.get(verdict.run.flow_id, "?")
        with _noting(deeds, f"the run {flow_name}/{verdict.run.name} could not be ended"):
            _end(client, deeds, verdict, flow_name)


def _end(client: SyncPrefectClient, deeds: Deeds, verdict: Verdict, flow_name: str) -> None:
    left = "" if deeds.dry else runs.end(client, verdict)
    ended = verdict.ends.value.capitalize()
    if deeds.dry:
        ended = f"would be {ended}"
    done = Ended(verdict.run, flow_name, *(("left alone", left) if left else (ended, verdict.reason)))
    deeds.ended.append(done)
    get_run_logger().warning("%s", done)


def _remove_old(
    client: SyncPrefectClient, deeds: Deeds, keep: list[tuple[str | None, int | None]], at_most: int
) -> None:
    for flow_name, days in keep:
        if days is None:
            continue
        before = datetime.now(UTC) - timedelta(days=days)
        with _noting(deeds, f"runs that ended before {before:%Y-%m-%d} could not all be removed"):
            for run in runs.old(client, deeds.pool, before, at_most, flow_name):
                if not deeds.dry:
                    runs.delete(client, run)
                deeds.removed += 1
    if deeds.removed:
        get_run_logger().info("%s%s old runs", "would remove " if deeds.dry else "removed ", deeds.removed)


@contextmanager
def _noting(deeds: Deeds, what: str) -> Iterator[None]:
    """Goes on after Prefect refused or did not answer, and keeps what it could not do for the end."""
    try:
        yield
    except (httpx.HTTPError, PrefectException) as exc:
        deeds.troubles.append(f"{what}: {' '.join(str(exc).split()) or type(exc).__name__}")


def _told(deeds: Deeds) -> Report | State[Report]:
    for trouble in deeds.troubles:
        get_run_logger().error("%s", trouble)
    if deeds:
        report.publish(deeds)
    if deeds.troubles:
        return Failed(message="; ".join(deeds.troubles))
    found = {"looked at": deeds.looked_at, "ended": len(deeds.ended), "removed": deeds.removed}
    get_run_logger().info("%s", ", ".join(f"{what}: {count}" for what, count in found.items()))
    return found
