"""Runs on a real Prefect server: which are looked at, how they end, and what stops that; which are old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from ecs_server import ACCOUNT, REGION
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry, Cancelling, Completed, Failed, Pending, Running, Scheduled
from prefect_runs import Prefect, inner_victim

import runs
from verdicts import Run, Verdict

ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/data-flows/abc"


def found(prefect: Prefect, run: FlowRun) -> Run:
    (one,) = [item for item in runs.active(prefect.client, prefect.pool) if item.id == run.id]
    return one


def ids(prefect: Prefect) -> set[UUID]:
    return {run.id for run in runs.active(prefect.client, prefect.pool)}


def test_the_pools_active_runs_are_found_with_their_addresses(prefect: Prefect) -> None:
    states: list[State[None]] = [Pending(), Running(), Cancelling()]
    others: list[State[None]] = [Scheduled(), AwaitingRetry(), Completed(), Failed()]
    active = [prefect.run(state, arn=ARN) for state in states]
    for other in others:
        prefect.run(other, arn=ARN)
    assert ids(prefect) == {run.id for run in active}
    run = found(prefect, active[1])
    assert run.address
    assert (run.address.arn, run.address.cluster.name, run.state) == (ARN, "data-flows", StateType.RUNNING)
    assert timedelta(seconds=3590) < datetime.now(UTC) - run.since < timedelta(seconds=3700)


def test_runs_of_other_pools_and_of_other_infrastructure_are_not(prefect: Prefect) -> None:
    other = Prefect(prefect.client, "process")
    other.run(arn=ARN)
    elsewhere = prefect.run()
    prefect.client.update_flow_run(elsewhere.id, infrastructure_pid="laptop:4711")
    assert ids(prefect) == set()


def test_the_run_of_a_subflow_has_the_address_of_the_outermost_run(prefect: Prefect) -> None:
    outer = prefect.run(arn=ARN)
    inner = prefect.run(inside=outer)
    innermost = prefect.run(inside=inner)
    run = found(prefect, innermost)
    assert (run.root, run.inside) == (outer.id, True)
    assert run.address == found(prefect, outer).address
    assert outer.name in run.around


def test_the_run_of_a_subflow_is_found_where_the_run_around_it_has_ended(prefect: Prefect) -> None:
    outer = prefect.run(Failed(), arn=ARN)
    inner = prefect.run(inside=outer)
    assert found(prefect, inner).around == f"It was part of the run {outer.name}, which ended Failed."


def test_a_run_that_a_flow_started_in_a_pool_has_an_address_of_its_own(prefect: Prefect) -> None:
    outer = prefect.run(arn=ARN)
    other = Prefect(prefect.client)
    inner = prefect.run(inside=outer)
    assert ids(other) == set()
    assert inner.id in ids(prefect)


def test_more_runs_than_a_page_holds_are_all_found(prefect: Prefect) -> None:
    for _ in range(201):
        prefect.client.create_flow_run(inner_victim, work_pool_name=prefect.pool, state=Pending())
    assert len(ids(prefect)) == 201


@pytest.mark.parametrize("state", [Running(), Pending()])
def test_a_run_is_crashed_with_the_reason(prefect: Prefect, state: State[None]) -> None:
    run = prefect.run(state, arn=ARN)
    assert runs.end(prefect.client, Verdict(found(prefect, run), "because")) == ""
    ended = prefect.state(run)
    assert (ended.type, ended.message) == (StateType.CRASHED, "because")


def test_a_run_that_was_being_cancelled_is_cancelled(prefect: Prefect) -> None:
    run = prefect.run(Cancelling(), arn=ARN)
    assert runs.end(prefect.client, Verdict(found(prefect, run), "because")) == ""
    ended = prefect.state(run)
    assert (ended.type, ended.message) == (StateType.CANCELLED, "because")


@pytest.mark.parametrize("state", [Completed(), Failed(), AwaitingRetry(), Running(name="Retrying")])
def test_a_run_that_moved_on_meanwhile_is_left_alone(prefect: Prefect, state: State[None]) -> None:
    run = prefect.run(arn=ARN)
    verdict = Verdict(found(prefect, run), "because")
    prefect.client.set_flow_run_state(run.id, state, force=True)
    before = prefect.state(run)
    assert f"has become {before.name} meanwhile" in runs.end(prefect.client, verdict)
    assert prefect.state(run).id == before.id


def test_a_run_that_got_another_task_meanwhile_is_left_alone(prefect: Prefect) -> None:
    run = prefect.run(Pending())
    verdict = Verdict(found(prefect, run), "because")
    prefect.client.update_flow_run(run.id, infrastructure_pid=f"data-flows::{ARN}")
    assert "another task" in runs.end(prefect.client, verdict)
    assert prefect.state(run).is_pending()


def test_a_run_that_was_deleted_meanwhile_is_no_trouble(prefect: Prefect) -> None:
    run = prefect.run(arn=ARN)
    verdict = Verdict(found(prefect, run), "because")
    prefect.client.delete_flow_run(run.id)
    assert "deleted" in runs.end(prefect.client, verdict)


def test_prefect_itself_refuses_to_crash_a_run_that_ends_in_the_moment_between(prefect: Prefect) -> None:
    run = prefect.run(Completed(), arn=ARN)
    between = prefect.state(run)
    stale = Run(
        id=run.id,
        name=run.name,
        flow_id=run.flow_id,
        state_id=between.id,  # as if the second look had come before the end
        state=StateType.RUNNING,
        state_name="Running",
        since=between.timestamp,
        address=None,
        root=run.id,
    )
    verdict = Verdict(replace(stale, root=uuid4()), "because")
    assert "already in terminal state" in runs.end(prefect.client, verdict)
    assert prefect.state(run).is_completed()


def test_only_runs_of_the_pool_that_ended_long_ago_are_old(prefect: Prefect) -> None:
    day = 24 * 3600
    ended: list[State[None]] = [Completed(), Failed()]
    old = [prefect.run(state, age=100 * day) for state in ended]
    prefect.run(Completed(), age=80 * day)
    prefect.run(Running(), age=100 * day)
    prefect.run(Scheduled(), age=100 * day)
    Prefect(prefect.client).run(Completed(), age=100 * day)
    before = datetime.now(UTC) - timedelta(days=90)
    assert set(runs.old(prefect.client, prefect.pool, before, 10)) == {run.id for run in old}
    assert len(runs.old(prefect.client, prefect.pool, before, 1)) == 1


def test_old_runs_of_one_flow_can_be_told_from_the_others(prefect: Prefect) -> None:
    prefect.run(Completed())
    mine = prefect.run(Completed(), of=inner_victim)
    assert runs.old(prefect.client, prefect.pool, datetime.now(UTC), 10, "inner-victim") == [mine.id]


def test_an_old_run_goes_with_its_subflows_runs_the_innermost_first(prefect: Prefect) -> None:
    outer = prefect.run(Completed(), age=1000)
    inner = prefect.run(Completed(), inside=outer, age=1100)
    innermost = prefect.run(Completed(), inside=inner, age=1200)
    old = runs.old(prefect.client, prefect.pool, datetime.now(UTC), 1)
    assert old == [innermost.id, inner.id, outer.id]
    for run in old:
        runs.delete(prefect.client, run)
        runs.delete(prefect.client, run)
        with pytest.raises(ObjectNotFound):
            prefect.read(run)


def test_flows_are_named(client: SyncPrefectClient, prefect: Prefect) -> None:
    run = prefect.run(of=inner_victim)
    assert runs.flow_names(client, [found(prefect, run)]) == {run.flow_id: "inner-victim"}
