"""Nobody may do more than the story took, and all of it was allowed: its recorded calls beside the rendered policies.

Told after the story (test_story.py), in its cloud, whose emulator has written down what it was asked. First comes what
that left out: what ECS tells of a task that died, the removal of a release, an environment whose settings lie in AWS.
"""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from tools.environment.connect import connect
from tools.environment.prune import remove
from tools.model import names
from tools.model.release import Release
from tools.plan.prune import Leftovers
from tools.settings import LOCAL
from tools.stacks.inputs import Inputs
from tools.stacks.run import run_stack
from tools.tests import rights
from tools.tests.call_needs import Derived, needed, started
from tools.tests.clouds import CLUSTER, Cloud, wait
from tools.tests.recorded import RECORD, Call, recorded
from tools.tests.stack_inputs import of_kind

pytestmark = pytest.mark.docker

#: What no story on an emulator reaches, and when it is asked for.
UNREACHED: Mapping[str, str] = {
    "worker: ReadTaskEvents: sqs:ChangeMessageVisibility": "after four minutes of work on one message",
    "worker: StopAndSeeTasks: ecs:StopTask": "five minutes after a run was cancelled whose container goes on",
    "every flow: UseLake: s3:AbortMultipartUpload": "where an upload in parts fails",
}
#: Begins what is allowed for `make doctor` alone, whose calls are not judged (Cloud.call).
NOT_TOLD = "deployer: Doctor"


@pytest.fixture(scope="module")
def told(cloud: Cloud) -> Cloud:
    """The cloud, after the story."""
    assert (cloud.root / RECORD).exists(), "run test_story.py before: it is judged here"
    return cloud


@pytest.fixture(scope="module")
def calls(told: Cloud) -> list[Call]:
    """All that the story asked of AWS."""
    return recorded(told.root)


@pytest.fixture(scope="module")
def far(told: Cloud, calls: list[Call]) -> Inputs:
    """What another environment would be rendered from. Asking for it is no part of the story, so that is over."""
    assert calls
    return rights.inputs(told, rights.FAR)


@pytest.fixture(scope="module")
def far_calls(told: Cloud, far: Inputs) -> list[Call]:
    """What is asked of AWS to reach that environment, to which the branch deploys, and to plan there."""
    branch = {"Name": names.branch("main"), "Type": "String", "Value": rights.FAR}
    for parameter in (branch, *of_kind("SSM::Parameter", run_stack(far)).values()):
        told.aws("ssm").put_parameter(**parameter, Overwrite=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", str(told.root)], check=True)
    before = len(recorded(told.root))
    address = f"http://127.0.0.1:{told.aws_port}"
    said = told.tools("plan", code=2, AWS_ENDPOINT_URL=address, AWS_REGION=far.place.region)
    assert f"the branch main deploys to {rights.FAR}" in said
    assert "SOURCE_URL" in said
    return [call for call in recorded(told.root)[before:] if call.caller == "host"]


@pytest.fixture(scope="module")
def local(far: Inputs) -> Inputs:
    """What the cloud's own environment would be rendered from in AWS."""
    return replace(far, place=replace(far.place, environment=LOCAL))


@pytest.fixture(scope="module")
def needs(calls: list[Call], local: Inputs) -> rights.Needs:
    """What the story needed, by role; among it what ECS itself needed to start its tasks."""
    derived = Derived(local.place)
    found = needed(calls, derived)
    starting = [need for definition in derived.definitions.values() for need in started(definition, derived.place)]
    return {**found, "execution": starting}


@pytest.fixture(scope="module")
def allowed(local: Inputs, needs: rights.Needs) -> rights.Policies:
    """The policies."""
    return rights.policies(local, {role.removeprefix("task-") for role in needs if role.startswith("task-")})


def test_the_worker_hears_of_a_task_that_died_before_its_run_began(told: Cloud) -> None:
    queue = the_workers_queue(told)
    run = a_pending_run(told)
    task = a_task_of(told, run)
    # As EventBridge delivers it; the emulator's ECS tells nobody.
    event = {
        "id": str(uuid.uuid4()),
        "detail-type": "ECS Task State Change",
        "time": "2026-01-01T00:00:00Z",
        "detail": {
            **{key: task[key] for key in ("taskArn", "clusterArn", "taskDefinitionArn")},
            "lastStatus": "STOPPED",
            "containers": [{"name": "flow", "exitCode": 1}],
        },
    }
    told.aws("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))

    wait(lambda: told.prefect("GET", f"/flow_runs/{run}")["state"]["type"] == "CRASHED", "the worker has heard of it")
    done = {"GetLogEvents", "DeleteMessage"}
    wait(lambda: done <= {call.operation for call in recorded(told.root)}, "the worker has done with the message")


def the_workers_queue(cloud: Cloud) -> str:
    """The address of the queue that the worker reads; it looks for it when it starts."""
    sqs, name = cloud.aws("sqs"), names.events_queue(LOCAL)
    if not sqs.list_queues(QueueNamePrefix=name).get("QueueUrls"):
        sqs.create_queue(QueueName=name)
        docker.from_env().containers.get(f"{cloud.environment['COMPOSE_PROJECT_NAME']}-worker-1").restart()
    return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])


def a_pending_run(cloud: Cloud) -> str:
    """A run that no worker takes: it is about to begin."""
    deployment = cloud.prefect("GET", "/deployments/name/healthcheck/manual")["id"]
    body = {"state": {"type": "PENDING", "name": "Pending"}}
    return str(cloud.prefect("POST", f"/deployments/{deployment}/create_flow_run", body)["id"])


def a_task_of(cloud: Cloud, run: str) -> dict[str, Any]:
    """A task that bears the name of a run, and has stopped."""
    ecs = cloud.aws("ecs")
    made = ecs.run_task(
        cluster=CLUSTER,
        taskDefinition=names.family(LOCAL, "healthcheck"),
        launchType="FARGATE",
        overrides={"containerOverrides": [{"name": "flow", "command": ["true"]}]},
        tags=[
            {"key": f"prefect.io/flow-run-{key}", "value": value} for key, value in {"id": run, "name": "a run"}.items()
        ],
    )["tasks"][0]

    def now() -> dict[str, Any]:
        found: dict[str, Any] = ecs.describe_tasks(cluster=CLUSTER, tasks=[made["taskArn"]])["tasks"][0]
        return found

    wait(lambda: now()["lastStatus"] == "STOPPED", "the task has stopped")
    return now()


def test_what_a_prune_finds_is_removed(told: Cloud) -> None:
    ports = {"PREFECT_PORT": str(told.prefect_port), "AWS_PORT": str(told.aws_port)}
    environment = connect(LOCAL, ports, Path("/nowhere"))
    family = names.family(LOCAL, "sleeper")
    found = Leftovers(
        tuple(environment.prefect.deployments(["sleeper"])),
        tuple(release for release in environment.ecs.releases(family) if isinstance(release, Release)),
        tuple(environment.ecr.images(names.repository("sleeper"))),
    )
    assert len(found) == 3
    remove(found, environment, lambda *_: None, lambda: None)
    assert environment.ecs.releases(family) == []


def test_every_call_was_allowed(needs: rights.Needs, allowed: rights.Policies) -> None:
    assert {"deployer", "worker", "execution", "task-healthcheck", "task-database-to-lake"} <= set(needs)
    assert rights.refused(needs, allowed) == []


def test_so_was_every_call_of_an_environment_whose_settings_lie_in_aws(far: Inputs, far_calls: list[Call]) -> None:
    assert {call.operation for call in far_calls} >= {"GetCallerIdentity", "GetParametersByPath", "DescribeParameters"}
    assert rights.refused(needed(far_calls, Derived(far.place)), rights.policies(far)) == []


def test_nothing_is_allowed_that_no_call_needed(
    needs: rights.Needs, allowed: rights.Policies, far: Inputs, far_calls: list[Call]
) -> None:
    far_needs = needed(far_calls, Derived(far.place))
    far_idle = rights.idle("deployer", far_needs, rights.policies(far), rights.FAR)
    idle = {
        *rights.idle("deployer", needs, allowed, LOCAL) & far_idle,
        *rights.idle("worker", needs, allowed, LOCAL),
        *rights.idle_of_flows(needs, allowed, LOCAL),
    }
    found = {item.partition(" on ")[0] for item in idle if not item.startswith(NOT_TOLD)}
    assert found == set(UNREACHED), sorted(idle)
