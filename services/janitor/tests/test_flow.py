"""The flow as a whole, between a real Prefect server and an ECS that says what AWS documents."""

from __future__ import annotations

import pytest
from ecs_server import EcsServer
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling, Completed, Pending
from prefect_runs import Prefect

from flow import Report, janitor

DAY = 24 * 3600
#: As Prefect types the state of a flow that may itself give one.
Ended = State[Report | State[Report]]


def clean(prefect: Prefect, **parameters: object) -> Ended:
    """Runs the janitor for the test's pool; gives the state in which it ended."""
    return janitor(work_pool=prefect.pool, return_state=True, **parameters)


def artifacts(prefect: Prefect, state: Ended) -> dict[str, str]:
    run = state.state_details.flow_run_id
    assert run
    by_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
    return {item.key or "": str(item.data) for item in prefect.client.read_artifacts(artifact_filter=by_run)}


def test_as_a_plain_process_it_has_nothing_to_look_after(prefect_server: None, ecs_server: EcsServer) -> None:
    assert janitor() == {}
    assert ecs_server.asked == []


def test_runs_whose_tasks_are_gone_end_and_those_whose_tasks_live_do_not(
    prefect: Prefect, ecs_server: EcsServer
) -> None:
    alive = prefect.run(arn=ecs_server.start("x"))
    killed, failed, cancelled = (ecs_server.start("x") for _ in range(3))
    ecs_server.stop(killed)
    ecs_server.stop(
        failed, None, stopCode="TaskFailedToStart", stoppedReason="CannotPullContainerError: not found", createdAt=9e9
    )
    ecs_server.stop(cancelled, 0)
    dead = prefect.run(arn=killed)
    inside = prefect.run(inside=dead)
    never = prefect.run(Pending(), arn=failed)
    stuck = prefect.run(Cancelling(), arn=cancelled)
    forgotten = prefect.run(arn=killed + "0")
    unclaimed = prefect.run(Pending())
    fresh = prefect.run(arn=killed, age=20)

    state = clean(prefect)
    assert state.is_completed()
    assert prefect.state(alive).is_running()
    assert prefect.state(fresh).is_running()
    for run, words in (
        (dead, "killed (exit code 137)"),
        (inside, f"part of the run {dead.name}. Its container was killed"),
        (never, "could not be pulled"),
        (forgotten, "ECS no longer knows its task"),
        (unclaimed, "the worker most likely died"),
    ):
        ended = prefect.state(run)
        assert ended.is_crashed()
        assert words in (ended.message or "")
    assert prefect.state(stuck).is_cancelled()

    told = artifacts(prefect, state)
    assert "8 active runs looked at, 6 without a living task, 0 old runs removed." in told["janitor"]
    assert all(run.name in told["janitor-runs"] for run in (dead, inside, never, stuck, forgotten, unclaimed))


def test_run_again_it_finds_nothing_and_leaves_no_artifact(prefect: Prefect, ecs_server: EcsServer) -> None:
    arn = ecs_server.start("x")
    ecs_server.stop(arn)
    prefect.run(arn=arn)
    assert clean(prefect).is_completed()
    again = clean(prefect)
    assert again.is_completed()
    assert artifacts(prefect, again) == {}


def test_where_ecs_refuses_it_touches_nothing_and_fails_with_the_reason(
    prefect: Prefect, ecs_server: EcsServer
) -> None:
    run = prefect.run(arn=ecs_server.start("x"))
    unclaimed = prefect.run(Pending())
    ecs_server.refuses = "AccessDeniedException"
    state = clean(prefect)
    assert state.is_failed()
    assert "not authorized to perform: ecs:DescribeTasks" in (state.message or "")
    assert prefect.state(run).is_running()
    assert prefect.state(unclaimed).is_pending()
    assert "What could not be done" in artifacts(prefect, state)["janitor"]


def test_a_cluster_that_is_gone_does_not_keep_the_others_runs_from_ending(
    prefect: Prefect, ecs_server: EcsServer
) -> None:
    arn = ecs_server.start("x")
    ecs_server.stop(arn)
    fine, hidden = prefect.run(arn=arn), prefect.run()
    prefect.client.update_flow_run(hidden.id, infrastructure_pid=f"deleted::{arn}")
    state = clean(prefect)
    assert state.is_failed()
    assert "deleted" in (state.message or "")
    assert prefect.state(fine).is_crashed()
    assert prefect.state(hidden).is_running()


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(prefect: Prefect, ecs_server: EcsServer) -> None:
    arn = ecs_server.start("x")
    ecs_server.stop(arn)
    run, old = prefect.run(arn=arn), prefect.run(Completed(), age=100 * DAY)
    state = clean(prefect, dry_run=True)
    told = artifacts(prefect, state)["janitor"]
    assert "would be Crashed" in told
    assert "1 old runs would be removed" in told
    assert prefect.state(run).is_running()
    assert prefect.read(old.id)


def test_old_runs_are_removed_in_batches_and_its_own_sooner(
    prefect: Prefect, ecs_server: EcsServer, client: SyncPrefectClient
) -> None:
    old = [prefect.run(Completed(), age=(100 + days) * DAY) for days in range(3)]
    recent = prefect.run(Completed(), age=10 * DAY)
    own = prefect.run(Completed(), age=10 * DAY, of=janitor)
    assert clean(prefect, remove_at_most=2).is_completed()
    gone = []
    for run in [*old, recent, own]:
        try:
            client.read_flow_run(run.id)
        except ObjectNotFound:
            gone.append(run.id)
    assert len(gone) == 3
    assert own.id in gone
    assert recent.id not in gone
    assert clean(prefect, keep_days=None, keep_own_days=None).is_completed()
    assert len([run for run in old if run.id not in gone]) == 1


def test_a_pool_of_another_type_is_refused(client: SyncPrefectClient, ecs_server: EcsServer) -> None:
    other = Prefect(client, "process")
    run = other.run(Pending())
    state = clean(other)
    assert state.is_failed()
    assert "of the type process" in (state.message or "")
    assert other.state(run).is_pending()


@pytest.mark.parametrize("parameters", [{"grace_seconds": 5}, {"claim_minutes": 0}, {"keep_days": 0}])
def test_limits_that_would_end_healthy_runs_are_refused(prefect: Prefect, parameters: dict[str, int]) -> None:
    state = clean(prefect, **parameters)
    assert state.is_failed()
    assert next(iter(parameters)) in (state.message or "")
