"""The janitor on real parts: containers that die in four ways and one that lives, judged in one run of it.

The chapters follow each other, in a local cloud of this test's own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import uuid4

import docker
import pytest
import requests
from docker.models.containers import Container

from tools.settings import LOCAL
from tools.tests import rights
from tools.tests.call_needs import Derived, needed
from tools.tests.clouds import Cloud, own_cloud, record, wait
from tools.tests.recorded import ONLOOKER, recorded

pytestmark = pytest.mark.docker

MIB = 2**20
GRACE = 30
"""Seconds: the least that the janitor takes."""

PATIENT = '''
import os
import time
from pathlib import Path

from prefect import flow


@flow(name="{name}")
def {name}(does: str = "sleep"):
    """Sleeps, ends its process, or needs more memory than it has as soon as its container has a limit."""
    if does == "exit":
        os._exit(0)
    if does == "allocate":
        # Of all processes the kernel is to take the container's first one, as it may: then nobody is left to tell.
        Path("/proc/1/oom_score_adj").write_text("1000")
        limits = [Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")]
        while not any(limit.exists() and limit.read_text().strip() == "{limit}" for limit in limits):
            time.sleep(0.2)
        held = []
        while True:
            held.append(bytearray(16 * 2**20))
    while True:
        time.sleep(1)
'''
LIMIT = 512 * MIB


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with own_cloud(tmp_path_factory.mktemp("janitor"), ["janitor"]) as made:
        record(made)
        for name in ("patient", "gone"):
            made.write_service(name, PATIENT.format(name=name, limit=LIMIT))
        yield made


@pytest.fixture(scope="module")
def runs() -> dict[str, str]:
    """The runs' ids by what befalls them."""
    return {}


def state(cloud: Cloud, run: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.prefect("GET", f"/flow_runs/{run}")["state"]
    return found


def task(cloud: Cloud, run: str) -> dict[str, Any]:
    """The run's task as ECS describes it."""
    cluster, arn = cloud.prefect("GET", f"/flow_runs/{run}")["infrastructure_pid"].split("::")
    found: dict[str, Any] = cloud.aws("ecs").describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]
    return found


def container(cloud: Cloud, run: str) -> Container:
    mine = f"com.amazonaws.ecs.task-arn={task(cloud, run)['taskArn']}"
    (found,) = docker.from_env().containers.list(filters={"label": mine})
    return found


def start(cloud: Cloud, name: str, does: str) -> str:
    """Creates a run for the worker; gives its id."""
    deployment = cloud.prefect("GET", f"/deployments/name/{name}/manual")["id"]
    body = {"parameters": {"does": does}, "idempotency_key": str(uuid4())}
    found: list[str] = []

    def created() -> bool:
        # While the worker writes, the server on SQLite may have no time for others.
        with suppress(requests.HTTPError):
            found.append(cloud.prefect("POST", f"/deployments/{deployment}/create_flow_run", body)["id"])
        return bool(found)

    wait(created, "the run is created")
    return found[0]


def test_the_janitor_is_deployed_with_a_schedule_that_is_active_here(cloud: Cloud) -> None:
    cloud.tools("up")
    results = cloud.results()
    assert all(result["error"] is None for result in results.values())
    deployment = cloud.prefect("GET", "/deployments/name/janitor/every-5-minutes")
    (schedule,) = deployment["schedules"]
    assert (schedule["active"], schedule["schedule"]["interval"]) == (True, 300)
    # From here on it runs when this test says so.
    cloud.prefect("PATCH", f"/deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": False})


def test_containers_die_and_their_runs_hang(cloud: Cloud, runs: dict[str, str]) -> None:
    remove_image(cloud, "gone")
    runs["gone"] = start(cloud, "gone", "sleep")
    for befalls, does in {"alive": "sleep", "killed": "sleep", "memory": "allocate", "exit": "exit"}.items():
        runs[befalls] = start(cloud, "patient", does)
    for befalls in ("alive", "killed", "memory"):
        wait(partial(has_state, cloud, runs[befalls], "RUNNING"), f"{befalls} runs")
    container(cloud, runs["killed"]).kill()
    # The emulator gives containers no limit; on Fargate the task definition's memory is one.
    hungry = container(cloud, runs["memory"])
    hungry.update(mem_limit=LIMIT, memswap_limit=LIMIT)
    assert hungry.wait(timeout=60)["StatusCode"] == 137
    hungry.reload()
    assert hungry.attrs["State"]["OOMKilled"]
    for befalls in ("gone", "killed", "memory", "exit"):
        wait(partial(has_stopped, cloud, runs[befalls]), f"the task of {befalls} has stopped")
    for befalls in ("alive", "killed", "memory", "exit"):
        assert state(cloud, runs[befalls])["type"] == "RUNNING"
    assert state(cloud, runs["gone"])["type"] == "PENDING"


def has_state(cloud: Cloud, run: str, kind: str) -> bool:
    return bool(state(cloud, run)["type"] == kind)


def has_stopped(cloud: Cloud, run: str) -> bool:
    pid = cloud.prefect("GET", f"/flow_runs/{run}")["infrastructure_pid"]
    return bool(pid and task(cloud, run)["lastStatus"] == "STOPPED")


def remove_image(cloud: Cloud, name: str) -> None:
    """Takes a service's image from the registry and from the engine."""
    repository = f"data-flows/{name}"
    # Not by ecr:BatchDeleteImage, after which the emulator's registry still serves the image.
    for image in cloud.aws("ecr").list_images(repositoryName=repository)["imageIds"]:
        url = f"http://127.0.0.1:{cloud.aws_port}/v2/{repository}/manifests/{image['imageDigest']}"
        requests.delete(url, headers={"User-Agent": ONLOOKER}, timeout=30).raise_for_status()
    engine = docker.from_env()
    for image in engine.images.list():
        if any(
            f"{repository}:" in tag or f"{repository}@" in tag for tag in [*image.tags, *image.attrs["RepoDigests"]]
        ):
            engine.images.remove(str(image.id), force=True)


def test_one_run_of_the_janitor_ends_the_four_and_leaves_the_fifth(cloud: Cloud, runs: dict[str, str]) -> None:
    time.sleep(GRACE + 1)
    said = cloud.tools("trigger", "janitor", "--params", f'{{"grace_seconds": {GRACE}}}')
    assert "● Completed" in said
    told = {befalls: state(cloud, run) for befalls, run in runs.items()}
    assert told.pop("alive")["type"] == "RUNNING"
    assert {item["type"] for item in told.values()} == {"CRASHED"}
    assert told["killed"]["message"].startswith("Its container was killed (exit code 137) before the flow had ended")
    assert "its task has 512 MiB" in told["memory"]["message"]
    assert told["gone"]["message"].startswith("The image of its container could not be pulled.")
    assert told["exit"]["message"].startswith("Its container exited with code 0, as if all were well, but before")


def test_it_says_so_in_its_artifacts(cloud: Cloud) -> None:
    summary = cloud.prefect("GET", "/artifacts/janitor/latest")["data"]
    assert "4 without a living task" in summary
    assert "gone/" in summary


def test_run_again_it_finds_nothing_to_do(cloud: Cloud, runs: dict[str, str]) -> None:
    said = cloud.tools("trigger", "janitor", "--params", f'{{"grace_seconds": {GRACE}}}')
    assert "looked at: 1, ended: 0, removed: 0" in said
    assert state(cloud, runs["alive"])["type"] == "RUNNING"


def test_all_of_that_was_allowed_and_the_janitor_needed_all_that_it_alone_may(cloud: Cloud) -> None:
    calls = recorded(cloud.root)
    local = rights.inputs(cloud, LOCAL)
    needs, allowed = needed(calls, Derived(local.place)), rights.policies(local)

    assert {"ecs:DescribeTasks", "ecs:ListTasks"} <= {need.action for need in needs["task-janitor"]}
    assert rights.refused(needs, allowed) == []
    idle = rights.idle_of_flows(needs, allowed, LOCAL)
    assert [item for item in idle if not item.startswith("every flow: ")] == []
