"""Every kind of run and task, by a table; what must hold of all of them, by properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.client.schemas.objects import StateType

from task import Container, Task
from verdicts import ACTIVE, Address, Cluster, Limits, Run, judge

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIMITS = Limits(grace=timedelta(seconds=60), claim=timedelta(minutes=10))
CLUSTER_ARN = "arn:aws:ecs:eu-central-1:123456789012:cluster/data-flows"
CHINESE = "arn:aws-cn:ecs:cn-north-1:123456789012:task/data-flows/abc"
ARN = "arn:aws:ecs:eu-central-1:123456789012:task/data-flows/abc"
ADDRESS = Address(Cluster("123456789012", "eu-central-1", "data-flows"), ARN)
OUTER = UUID(int=9)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


RUN = Run(
    id=UUID(int=1),
    name="brave-owl",
    flow_id=UUID(int=2),
    state_id=UUID(int=3),
    state=StateType.RUNNING,
    state_name="Running",
    since=ago(3600),
    address=ADDRESS,
    root=UUID(int=1),
)
PENDING = replace(RUN, state=StateType.PENDING, state_name="Pending")
CANCELLING = replace(RUN, state=StateType.CANCELLING, state_name="Cancelling")
INSIDE = replace(RUN, root=OUTER, around="It was part of the run outer.")
LIVING = Task(ARN, "RUNNING", created_at=ago(3600))
DEAD = Task(
    ARN,
    "STOPPED",
    created_at=ago(3600),
    stopped_at=ago(300),
    stop_code="EssentialContainerExited",
    containers=(Container("flow", 1),),
)

NOTHING = [
    ("its task lives", RUN, [LIVING]),
    ("its task is being started", PENDING, [replace(LIVING, status="PROVISIONING")]),
    ("its task is being stopped", CANCELLING, [replace(LIVING, status="STOPPING")]),
    ("its task has a status that is new to us", RUN, [replace(LIVING, status="HIBERNATING")]),
    ("ECS could not be asked", RUN, None),
    ("it has ended", replace(RUN, state=StateType.COMPLETED), [DEAD]),
    ("it waits for a retry", replace(RUN, state=StateType.SCHEDULED, state_name="AwaitingRetry"), [DEAD]),
    ("it is paused", replace(RUN, state=StateType.PAUSED), [DEAD]),
    ("a second task of a repeated RunTask lives", RUN, [DEAD, LIVING]),
    ("its task has just ended", RUN, [replace(DEAD, stopped_at=ago(59))]),
    ("it has just become Running", replace(RUN, since=ago(59)), [DEAD]),
    ("it has just become Running and ECS does not know its task yet", replace(RUN, since=ago(59)), []),
    ("a worker has just claimed it", replace(PENDING, address=None, since=ago(599)), []),
    ("a worker has claimed it anew", replace(PENDING, since=ago(599)), [DEAD]),
    ("a worker has claimed it anew and ECS forgot the former task", replace(PENDING, since=ago(599)), []),
    ("nobody said where it runs", replace(RUN, address=None), []),
    ("nobody said where the run around it runs", replace(INSIDE, address=None), []),
]
SOMETHING = [
    ("its container exited", RUN, [DEAD], StateType.CRASHED, "exited with code 1 before the flow had ended"),
    (
        "it had no time to begin",
        PENDING,
        [replace(DEAD, created_at=PENDING.since)],
        StateType.CRASHED,
        "before the flow began",
    ),
    (
        "the clock of ECS is behind",
        PENDING,
        [replace(DEAD, created_at=PENDING.since - timedelta(seconds=4))],
        StateType.CRASHED,
        "before the flow began",
    ),
    (
        "it was seen to wait for its infrastructure",
        replace(PENDING, state_name="InfrastructurePending", since=ago(3000)),
        [DEAD],
        StateType.CRASHED,
        "before the flow began",
    ),
    ("it was being cancelled", CANCELLING, [DEAD], StateType.CANCELLED, "exited with code 1"),
    ("ECS forgot its task", RUN, [], StateType.CRASHED, "ECS no longer knows its task"),
    ("it was being cancelled and ECS forgot its task", CANCELLING, [], StateType.CANCELLED, "no longer knows"),
    ("its worker died", replace(PENDING, address=None), [], StateType.CRASHED, "claimed it 60 minutes ago"),
    (
        "the worker that claimed it anew died",
        replace(PENDING, since=ago(601)),
        [DEAD],
        StateType.CRASHED,
        "claimed it 10",
    ),
    ("the worker never got to tell of its task", replace(RUN, address=None), [DEAD], StateType.CRASHED, "code 1"),
    (
        "of two tasks the later one counts",
        RUN,
        [DEAD, replace(DEAD, arn="b", created_at=ago(1800), containers=(Container("flow", 7),))],
        StateType.CRASHED,
        "code 7",
    ),
    ("the task around it ended", INSIDE, [DEAD], StateType.CRASHED, "part of the run outer. Its container exited"),
    (
        "it never began in the task that ended",
        replace(INSIDE, state=StateType.PENDING, since=ago(3000)),
        [DEAD],
        StateType.CRASHED,
        "before the flow began",
    ),
    ("ECS forgot the task around it", INSIDE, [], StateType.CRASHED, "part of the run outer. ECS no longer knows"),
    (
        "the emulator was started anew and forgot when and why",
        RUN,
        [Task(ARN, "STOPPED", created_at=ago(3600), containers=(Container("flow"),))],
        StateType.CRASHED,
        "ECS does not say why",
    ),
]


@pytest.mark.parametrize(("run", "tasks"), [row[1:] for row in NOTHING], ids=[row[0] for row in NOTHING])
def test_a_run_is_left_alone_where(run: Run, tasks: list[Task] | None) -> None:
    assert judge(run, tasks, NOW, LIMITS) is None


@pytest.mark.parametrize(
    ("run", "tasks", "ends", "reason"), [row[1:] for row in SOMETHING], ids=[row[0] for row in SOMETHING]
)
def test_a_run_must_end_where(run: Run, tasks: list[Task], ends: StateType, reason: str) -> None:
    verdict = judge(run, tasks, NOW, LIMITS)
    assert verdict
    assert verdict.ends is ends
    assert reason in verdict.reason


moments = st.floats(0, 100_000).map(ago)
tasks = st.builds(
    Task,
    arn=st.sampled_from([ARN, ARN + "2", ARN + "3"]),
    status=st.sampled_from(["PROVISIONING", "PENDING", "RUNNING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED"]),
    memory=st.sampled_from(["", "512"]),
    created_at=moments,
    stopped_at=st.none() | moments,
    stop_code=st.sampled_from(["", "UserInitiated", "EssentialContainerExited", "SpotInterruption", "NewInAWS"]),
    stopped_reason=st.text(max_size=30),
    containers=st.lists(
        st.builds(Container, st.just("flow"), st.none() | st.integers(0, 255), st.text(max_size=30))
    ).map(tuple),
)
runs = st.builds(
    replace,
    st.sampled_from([RUN, PENDING, CANCELLING, INSIDE, replace(INSIDE, state=StateType.PENDING)]),
    state=st.sampled_from(list(StateType)),
    state_name=st.sampled_from(["Pending", "Submitting", "InfrastructurePending", "Running"]),
    since=moments,
    address=st.sampled_from([None, ADDRESS]),
)


@given(runs, st.lists(tasks, max_size=3))
def test_a_run_with_a_living_task_is_never_judged(run: Run, others: list[Task]) -> None:
    assert judge(run, [*others, LIVING], NOW, LIMITS) is None


@given(runs, st.lists(tasks, max_size=3))
def test_only_an_active_run_that_had_its_time_is_judged_and_always_with_a_reason(run: Run, known: list[Task]) -> None:
    verdict = judge(run, known, NOW, LIMITS)
    if verdict:
        assert run.state in ACTIVE
        assert run.since < NOW - LIMITS.grace
        assert verdict.ends is (StateType.CANCELLED if run.state is StateType.CANCELLING else StateType.CRASHED)
        assert len(verdict.reason) > 20


@given(runs)
def test_nothing_is_judged_blindly(run: Run) -> None:
    assert judge(run, None, NOW, LIMITS) is None


@given(runs, st.lists(tasks, max_size=3))
def test_a_run_with_an_address_whose_tasks_are_gone_is_judged_sooner_or_later(run: Run, known: list[Task]) -> None:
    gone = [task for task in known if not task.lives]
    later = NOW + timedelta(days=1)
    assert (judge(replace(run, address=ADDRESS), gone, later, LIMITS) is not None) == (run.state in ACTIVE)


@pytest.mark.parametrize(
    ("pid", "expected"),
    [
        (f"data-flows::{ARN}", ADDRESS),
        (f"{CLUSTER_ARN}::{ARN}", Address(Cluster("123456789012", "eu-central-1", CLUSTER_ARN), ARN)),
        (f"data-flows::{CHINESE}", Address(Cluster("123456789012", "cn-north-1", "data-flows"), CHINESE)),
        ("", None),
        ("::" + ARN, None),
        ("laptop:12345", None),
        ("data-flows::abc", None),
        (ARN, None),
    ],
)
def test_an_address_is_what_the_ecs_worker_leaves(pid: str, expected: Address | None) -> None:
    assert Address.parse(pid) == expected
