"""Which tasks of runs are known, and which not, where ECS answers and where it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from ecs_server import ACCOUNT, EcsServer
from prefect.client.schemas.objects import StateType

from ecs import Ecs
from tasks import find
from verdicts import Address, Run


def run(arn: str = "", root: UUID | None = None, cluster: str = "data-flows") -> Run:
    me = root or uuid4()
    return Run(
        id=me,
        name="brave-owl",
        flow_id=uuid4(),
        state_id=uuid4(),
        state=StateType.RUNNING,
        state_name="Running",
        since=datetime(2026, 11, 23, tzinfo=UTC),
        address=Address.parse(f"{cluster}::{arn}"),
        root=me,
    )


def test_where_every_task_lives_one_question_is_enough(ecs_server: EcsServer) -> None:
    runs = [run(ecs_server.start("x")) for _ in range(3)]
    known = find(Ecs(), runs, None)
    assert all(known.lives(item.address) for item in runs)
    assert ecs_server.asked == ["DescribeTasks"]


def test_a_second_task_that_prefect_does_not_know_is_found(ecs_server: EcsServer) -> None:
    victim = run()
    first = ecs_server.start(victim.id)
    ecs_server.stop(first)
    second = ecs_server.start(victim.id)
    ecs_server.start("somebody else")
    known = run(first, root=victim.id)
    tasks = find(Ecs(), [known], None).of(known)
    assert tasks
    assert {task.arn for task in tasks} == {first, second}


def test_the_task_of_a_run_without_an_address_is_found_on_the_clusters_of_the_others(ecs_server: EcsServer) -> None:
    lost, other = run(), run(ecs_server.start("other"))
    arn = ecs_server.start(lost.id)
    tasks = find(Ecs(), [lost, other], None).of(lost)
    assert tasks
    assert [task.arn for task in tasks] == [arn]


def test_a_run_without_an_address_is_not_found_where_no_cluster_is_known(ecs_server: EcsServer) -> None:
    lost = run()
    assert find(Ecs(), [lost], None).of(lost) is None
    assert ecs_server.asked == []


def test_a_cluster_that_cannot_be_asked_hides_its_own_runs_and_those_without_an_address(ecs_server: EcsServer) -> None:
    gone = run(ecs_server.start("x", cluster="deleted"), cluster="deleted")
    fine, lost = run(ecs_server.start("y")), run()
    known = find(Ecs(), [gone, fine, lost], None)
    assert known.of(gone) is None
    assert known.of(lost) is None
    assert known.of(fine)
    (trouble,) = known.problems
    assert "deleted" in trouble


def test_a_task_that_ecs_is_silent_about_hides_its_run_only(ecs_server: EcsServer) -> None:
    arn = f"{ecs_server.start('x')}0"
    ecs_server.silent = {arn}
    silent, fine = run(arn), run(ecs_server.start("y"))
    known = find(Ecs(), [silent, fine], None)
    assert known.of(silent) is None
    assert known.of(fine)
    assert arn in known.problems[0]


def test_an_ecs_that_does_not_know_the_janitors_own_task_is_not_believed(ecs_server: EcsServer) -> None:
    victim = run(ecs_server.start("x").replace("task/data-flows/", "task/data-flows/0"))
    own = Address.parse(f"data-flows::arn:aws:ecs:eu-central-1:{ACCOUNT}:task/data-flows/own")
    known = find(Ecs(), [victim], own)
    assert known.of(victim) is None
    assert "does not know the janitor's own task" in known.problems[0]


def test_an_ecs_that_knows_the_janitors_own_task_is_believed(ecs_server: EcsServer) -> None:
    victim = run(ecs_server.start("x").replace("task/data-flows/", "task/data-flows/0"))
    own = Address.parse(f"data-flows::{ecs_server.start('janitor')}")
    known = find(Ecs(), [victim], own)
    assert known.of(victim) == []
    assert known.problems == []
