"""The same questions to the tests' own ECS and to moto's; then to an ECS that refuses, is silent or slow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import boto3
import pytest
from ecs_server import ACCOUNT, REGION, EcsServer

from ecs import Ecs, EcsError
from verdicts import Cluster

CLUSTER = Cluster(ACCOUNT, REGION, "data-flows")


@dataclass
class World:
    """An ECS in which tasks can be started for a flow run, and stopped."""

    start: Callable[[str], str]
    stop: Callable[[str], object]


@pytest.fixture(params=["own", "moto"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    if request.param == "own":
        server: EcsServer = request.getfixturevalue("ecs_server")
        yield World(server.start, lambda arn: server.stop(arn, stoppedReason="because"))
        return
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("moto_address"))
    yield moto_world()


def moto_world() -> World:
    ecs, ec2 = boto3.client("ecs", region_name=REGION), boto3.client("ec2", region_name=REGION)
    ecs.create_cluster(clusterName="data-flows")
    container = {"name": "flow", "image": "flow", "essential": True, "memory": 512}
    ecs.register_task_definition(family="data-flows-Dev-x", containerDefinitions=[container])
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": ["sg-1"]}}

    def start(run: str) -> str:
        variables = [{"name": "PREFECT__FLOW_RUN_ID", "value": run}]
        answer = ecs.run_task(
            cluster="data-flows",
            taskDefinition="data-flows-Dev-x",
            launchType="FARGATE",
            networkConfiguration=network,
            overrides={"containerOverrides": [{"name": "flow", "environment": variables}]},
        )
        return str(answer["tasks"][0]["taskArn"])

    return World(start, lambda arn: ecs.stop_task(cluster="data-flows", task=arn, reason="because"))


def test_a_task_that_runs_lives_and_names_its_run(world: World) -> None:
    arn = world.start("run-1")
    task = Ecs().named(CLUSTER, [arn])[arn]
    assert task
    assert (task.lives, task.run_id, task.definition[:16]) == (True, "run-1", "data-flows-Dev-x")


def test_a_task_that_was_stopped_says_why(world: World) -> None:
    arn = world.start("run-2")
    world.stop(arn)
    task = Ecs().named(CLUSTER, [arn])[arn]
    assert task
    assert (task.lives, task.said) == (False, "because")


def test_every_task_is_listed_living_or_not(world: World) -> None:
    arns = [world.start(f"run-{number}") for number in range(5)]
    world.stop(arns[0])
    assert set(arns) <= {task.arn for task in Ecs().every(CLUSTER)}


def test_a_cluster_that_is_not_there_cannot_be_asked(world: World) -> None:
    with pytest.raises(EcsError, match="Cluster not found"):
        Ecs().named(Cluster(ACCOUNT, REGION, "nowhere"), ["arn:aws:ecs:eu-central-1:123456789012:task/nowhere/x"])


def test_a_task_that_is_missing_is_told_from_one_that_ecs_is_silent_about(ecs_server: EcsServer) -> None:
    there, silent = ecs_server.start("run"), ecs_server.start("run")
    missing = f"{there}0"
    ecs_server.silent = {silent}
    found = Ecs().named(CLUSTER, [there, missing, silent])
    assert set(found) == {there, missing}
    assert found[missing] is None
    with pytest.raises(EcsError, match=r"lists 2 tasks .* tells of 1"):
        Ecs().every(CLUSTER)


def test_more_tasks_than_one_call_takes_are_asked_for_in_several(ecs_server: EcsServer) -> None:
    arns = [ecs_server.start(number) for number in range(201)]
    assert len(Ecs().named(CLUSTER, arns)) == 201
    assert ecs_server.asked == ["DescribeTasks"] * 3


def test_a_refusal_is_not_repeated_and_says_what_is_missing(ecs_server: EcsServer) -> None:
    ecs_server.refuses = "AccessDeniedException"
    with pytest.raises(EcsError, match=r"AccessDenied.*not authorized to perform: ecs:DescribeTasks"):
        Ecs().named(CLUSTER, [ecs_server.start("run")])
    assert len(ecs_server.asked) == 1


def test_an_ecs_that_does_not_answer_is_given_up(ecs_server: EcsServer) -> None:
    ecs_server.slow = 2
    begun = time.monotonic()
    with pytest.raises(EcsError, match="Read timeout"):
        Ecs(seconds=0.2).named(CLUSTER, [ecs_server.start("run")])
    assert len(ecs_server.asked) == 4
    assert time.monotonic() - begun < 30


def test_without_credentials_it_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(EcsError, match="Unable to locate credentials"):
        Ecs().named(CLUSTER, ["arn:aws:ecs:eu-central-1:123456789012:task/data-flows/x"])
