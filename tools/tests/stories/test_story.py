"""One story on real parts: a data team clones the repository, starts the local cloud and takes flows to it.

The chapters follow each other; each stands on what the one before left. The cloud is this test's own: another Compose
project, other ports, a copy of the repository that can be changed.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import docker
import pyarrow.parquet
import pytest
import requests

from tools.tests.clouds import BUCKET, CLUSTER, Cloud, wait
from tools.tests.proxy import Proxy
from tools.tests.recorded import ONLOOKER

pytestmark = pytest.mark.docker

FLIGHTS = 336_776

SLEEPER = '''
import time
from prefect import flow


@flow(name="sleeper", log_prints=True)
def sleeper(seconds: int = 300):
    """Sleeps.

    Args:
        seconds: how long.
    """
    print("asleep")
    for _ in range(seconds):
        time.sleep(1)
'''
GREETER = """
from prefect import flow


@flow(name="greeter", log_prints=True)
def greeter():
    print("greetings from {version}")
"""
BROKEN = "import nowhere_to_be_found\n" + SLEEPER.replace("sleeper", "broken")


def test_before_the_cloud_is_up_a_deploy_says_what_to_do(cloud: Cloud) -> None:
    said = cloud.tools("deploy", "healthcheck", code=1)
    assert "make up" in said


def test_up_starts_everything_and_prints_where_it_is(cloud: Cloud) -> None:
    said = cloud.tools("up")
    assert f"http://127.0.0.1:{cloud.prefect_port}" in said
    assert cloud.prefect("GET", "/work_pools/data-flows")["type"] == "ecs"
    assert cloud.aws("ecs").describe_clusters(clusters=[CLUSTER])["clusters"][0]["status"] == "ACTIVE"
    assert "nothing differs" in cloud.tools("bootstrap")


def test_a_second_up_changes_nothing(cloud: Cloud) -> None:
    def containers() -> set[str]:
        mine = f"com.docker.compose.project={cloud.environment['COMPOSE_PROJECT_NAME']}"
        return {item.id or "" for item in docker.from_env().containers.list(filters={"label": mine})}

    def parameters() -> list[int]:
        pages = cloud.aws("ssm").get_paginator("get_parameters_by_path").paginate(Path="/DataFlows/Local")
        return [item["Version"] for page in pages for item in page["Parameters"]]

    before = containers(), parameters(), cloud.prefect("GET", "/work_pools/data-flows")["base_job_template"]
    assert len(before[0]) == 4
    cloud.tools("up")
    assert (containers(), parameters()) == before[:2]
    assert cloud.prefect("GET", "/work_pools/data-flows")["base_job_template"] == before[2]


def test_everything_is_published_on_loopback_only(cloud: Cloud) -> None:
    mine = f"com.docker.compose.project={cloud.environment['COMPOSE_PROJECT_NAME']}"
    for container in docker.from_env().containers.list(filters={"label": mine}):
        for bindings in (container.attrs["NetworkSettings"]["Ports"] or {}).values():
            assert {binding["HostIp"] for binding in bindings or []} <= {"127.0.0.1"}


def test_a_deploy_takes_both_flows_all_the_way(cloud: Cloud) -> None:
    results = cloud.results("database-to-lake", "healthcheck")
    for name, result in results.items():
        assert result["error"] is None
        assert result["release"] == 1
        assert re.fullmatch(rf"localhost:{cloud.aws_port}/data-flows/{name}@sha256:[0-9a-f]{{64}}", result["image"])
    assert results["healthcheck"]["done"][1:] == ["pushed", "imported", "released", "created manual"]


def test_the_doctor_finds_nothing_to_mend(cloud: Cloud) -> None:
    said = cloud.tools("doctor")
    assert "2 deployments, each points at an active release" in said
    assert not re.search(r"^ +(fail|\?) ", said, re.MULTILINE), said


def test_the_doctor_tells_a_worker_that_was_stopped(cloud: Cloud) -> None:
    worker = docker.from_env().containers.get(f"{cloud.environment['COMPOSE_PROJECT_NAME']}-worker-1")
    worker.kill()
    said = cloud.tools("doctor", code=2)
    worker.start()
    assert "worker ended with exit code 137" in said
    assert "→ make up" in said


def test_a_second_deploy_reads_only(cloud: Cloud) -> None:
    def scheduled() -> set[str]:
        body = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
        return {item["id"] for item in cloud.prefect("POST", "/flow_runs/filter", body)}

    before = scheduled()
    prefect, aws = Proxy(f"http://127.0.0.1:{cloud.prefect_port}"), Proxy(f"http://127.0.0.1:{cloud.aws_port}")
    with prefect.serving() as prefect_port, aws.serving() as aws_port:
        # Not by --json: this is what a user reads.
        said = cloud.tools("deploy", PREFECT_PORT=str(prefect_port), AWS_PORT=str(aws_port))
    assert "Nothing differs in Local: 2 flows, nothing written." in said
    assert prefect.requests
    assert aws.requests
    assert prefect.writes == aws.writes == []
    assert scheduled() == before


def test_healthcheck_passes_in_a_task(cloud: Cloud) -> None:
    said = cloud.tools("trigger", "healthcheck")
    assert "● Completed" in said
    assert "release: data-flows-Local-healthcheck:1" in said
    again = cloud.tools("logs", "healthcheck")
    assert "release: data-flows-Local-healthcheck:1" in again
    assert "container of " in again
    assert again.count("release: data-flows-Local-healthcheck:1") == 1, "the container prints the run's log too"


def test_a_triggered_run_is_a_container_of_the_released_digest_whatever_its_tag_is_now(cloud: Cloud) -> None:
    with overwritten_tag(cloud, "database-to-lake", by="healthcheck"):
        assert "another image of the same fingerprint" in cloud.tools("plan", "database-to-lake")
        said = cloud.tools("trigger", "database-to-lake", "--params", '{"table": "flights"}')
    assert "● Completed" in said
    assert "336,776 rows" in said
    described = one_task(cloud, "data-flows-Local-database-to-lake")
    release = cloud.aws("ecs").describe_task_definition(taskDefinition=described["taskDefinitionArn"])["taskDefinition"]
    assert described["containers"][0]["image"] == release["containerDefinitions"][0]["image"]
    assert "@sha256:" in described["containers"][0]["image"]
    assert rows_in_lake(cloud, "flights") == FLIGHTS


@contextmanager
def overwritten_tag(cloud: Cloud, service: str, by: str) -> Iterator[None]:
    """In the registry, the tag of a service's image names another service's image for a while: somebody allowed it."""
    mine, other = (Manifest.of(cloud, name) for name in (service, by))
    tags = cloud.aws("ecr").put_image_tag_mutability
    tags(repositoryName=f"data-flows/{service}", imageTagMutability="MUTABLE")
    mine.put(other)
    yield
    mine.put(mine)
    tags(repositoryName=f"data-flows/{service}", imageTagMutability="IMMUTABLE")


@dataclass(frozen=True)
class Manifest:
    """What a registry holds under the tag of a service's image."""

    url: str
    kind: str
    content: bytes

    @classmethod
    def of(cls, cloud: Cloud, service: str) -> Manifest:
        """The newest image's of a service."""
        repository = f"data-flows/{service}"
        (image,) = cloud.aws("ecr").describe_images(repositoryName=repository)["imageDetails"]
        url = f"http://127.0.0.1:{cloud.aws_port}/v2/{repository}/manifests/{image['imageTags'][0]}"
        headers = {"Accept": image["imageManifestMediaType"], "User-Agent": ONLOOKER}
        answer = requests.get(url, headers=headers, timeout=30)
        return cls(url, answer.headers["Content-Type"], answer.content)

    def put(self, other: Manifest) -> None:
        """Writes another manifest under the same tag."""
        headers = {"Content-Type": other.kind, "User-Agent": ONLOOKER}
        requests.put(self.url, data=other.content, headers=headers, timeout=30).raise_for_status()


def one_task(cloud: Cloud, family: str) -> Any:
    """A task of a family, whether or not it has stopped yet: a run may end a little before its container."""
    ecs = cloud.aws("ecs")
    arns = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster=CLUSTER, family=family, desiredStatus=status)["taskArns"]
    ]
    return ecs.describe_tasks(cluster=CLUSTER, tasks=arns[:1])["tasks"][0]


def rows_in_lake(cloud: Cloud, table: str) -> int:
    """Counts the rows of the Parquet files that lie in the lake."""
    s3 = cloud.aws("s3")
    total = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"lake/{table}/"):
        for item in page.get("Contents", []):
            if item["Key"].endswith(".parquet"):
                body = s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
                total += pyarrow.parquet.ParquetFile(pyarrow.BufferReader(body)).metadata.num_rows
    return total


def test_a_second_run_copies_nothing_twice(cloud: Cloud) -> None:
    said = cloud.tools("trigger", "database-to-lake", "--params", '{"table": "flights"}')
    assert "● Completed" in said
    assert rows_in_lake(cloud, "flights") == FLIGHTS


def test_a_failed_run_ends_with_exit_code_1_and_its_reason(cloud: Cloud) -> None:
    said = cloud.tools("trigger", "database-to-lake", "--params", '{"table": "nowhere"}', code=1)
    assert "● Failed" in said
    assert "no table nowhere" in said


def test_a_changed_file_releases_only_its_flow(cloud: Cloud) -> None:
    path = cloud.root / "services" / "healthcheck" / "flow.py"
    path.write_text(path.read_text() + "\n# changed\n")
    results = cloud.results()
    built, *done = results["healthcheck"]["done"]
    assert built in ("built", "built already")  # an earlier run of this test left the same image
    assert done == ["pushed", "imported", "released", "patched manual"]
    assert results["database-to-lake"]["done"] == []


def test_a_changed_schedule_is_released_without_a_build_and_a_pause_stays(cloud: Cloud) -> None:
    (daily,) = cloud.prefect("GET", "/deployments/name/database-to-lake/daily")["schedules"]
    deployment = cloud.prefect("GET", "/deployments/name/database-to-lake/daily")["id"]
    cloud.prefect("PATCH", f"/deployments/{deployment}/schedules/{daily['id']}", {"active": False})
    path = cloud.root / "services" / "database-to-lake" / "service.toml"
    text = path.read_text()
    assert '"15 6 * * *"' in text
    path.write_text(text.replace('"15 6 * * *"', '"30 6 * * *"'))
    results = cloud.results()
    assert results["database-to-lake"]["done"] == ["released", "changed daily/daily", "patched daily"]
    assert results["healthcheck"]["done"] == []
    (after,) = cloud.prefect("GET", "/deployments/name/database-to-lake/daily")["schedules"]
    assert (after["id"], after["active"], after["schedule"]["cron"]) == (daily["id"], False, "30 6 * * *")


def test_a_flow_that_cannot_be_imported_is_refused_and_the_other_is_deployed(cloud: Cloud) -> None:
    cloud.write_service("broken", BROKEN)
    cloud.write_service("sleeper", SLEEPER)
    said = cloud.tools("deploy", code=2)
    assert "No module named 'nowhere_to_be_found'" in said
    assert "flow.py:1" in said
    assert cloud.prefect("POST", "/deployments/filter", {"flows": {"name": {"any_": ["broken"]}}}) == []
    assert len(cloud.prefect("POST", "/deployments/filter", {"flows": {"name": {"any_": ["sleeper"]}}})) == 1
    families = cloud.aws("ecs").list_task_definition_families(familyPrefix="data-flows-Local")["families"]
    assert "data-flows-Local-broken" not in families


def test_cancelling_a_run_ends_its_container(cloud: Cloud) -> None:
    said = cloud.tools("trigger", "sleeper", "--no-follow")
    found = re.search(r"flow-run/([0-9a-f-]{36})", said)
    assert found
    run = found[1]

    def state() -> str:
        return str(cloud.prefect("GET", f"/flow_runs/{run}")["state"]["type"])

    def tasks() -> list[str]:
        answer = cloud.aws("ecs").list_tasks(
            cluster=CLUSTER, family="data-flows-Local-sleeper", desiredStatus="RUNNING"
        )
        return list(answer["taskArns"])

    wait(lambda: state() == "RUNNING", "the run is Running")
    time.sleep(3)  # into the flow's own code
    assert len(tasks()) == 1
    cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    cloud.prefect("POST", f"/flow_runs/{run}/set_state", cancelling)
    wait(lambda: state() == "CANCELLED", "the run is Cancelled")
    wait(lambda: not tasks(), "its task has ended")


def test_a_rollback_without_git_and_docker_runs_the_code_of_the_release_before(cloud: Cloud) -> None:
    for version in ("one", "two"):
        cloud.write_service("greeter", GREETER.format(version=version))
        assert "released" in cloud.tools("deploy", "greeter")
    said = cloud.tools("rollback", "greeter", PATH="", DOCKER_HOST="unix:///nowhere")
    assert "patched manual" in said
    said = cloud.tools("plan", "greeter", "--check", code=3, PATH="", DOCKER_HOST="unix:///nowhere")
    assert "release 1 is live, the repository declares release 2" in said
    said = cloud.tools("trigger", "greeter")
    assert "greetings from one" in said
    assert "● Completed" in said


def test_a_flow_that_left_the_repository_is_pruned(cloud: Cloud) -> None:
    shutil.rmtree(cloud.root / "services" / "greeter")
    before = [item["name"] for item in cloud.prefect("POST", "/deployments/filter", {})]
    assert (
        "deployment greeter/manual: no longer declared; until `prune` deletes it, its schedules go on"
        in cloud.tools("plan")
    )
    assert "greeter/manual" in cloud.tools("prune")
    assert "1 deployment, " in cloud.tools("prune", "--yes")
    assert len(cloud.prefect("POST", "/deployments/filter", {})) == len(before) - 1
    assert "Nothing to prune" in cloud.tools("prune")


def test_an_image_that_ecr_lost_is_told_and_pushed_again(cloud: Cloud) -> None:
    repository = "data-flows/healthcheck"
    images = cloud.aws("ecr").describe_images(repositoryName=repository)["imageDetails"]
    lost = [{"imageDigest": image["imageDigest"]} for image in images]
    cloud.aws("ecr").batch_delete_image(repositoryName=repository, imageIds=lost)
    assert "image gone" in cloud.tools("status", "healthcheck")
    assert "its runs cannot start" in cloud.tools("plan", "healthcheck")
    done = cloud.results("healthcheck")["healthcheck"]["done"]
    assert done == ["built already", "pushed", "imported", "released", "patched manual"]
    assert "in step" in cloud.tools("status", "healthcheck")


def test_what_was_pushed_and_run_is_still_there_after_down_and_up(cloud: Cloud) -> None:
    runs = cloud.prefect("POST", "/flow_runs/count", {})
    cloud.tools("down")
    said = cloud.tools("deploy", "healthcheck", code=1)
    assert "make up" in said
    cloud.tools("up")
    assert cloud.prefect("POST", "/flow_runs/count", {}) >= runs
    assert "nothing differs" in cloud.tools("bootstrap")
    assert "Nothing differs" in cloud.tools("deploy", "healthcheck")
    assert "● Completed" in cloud.tools("trigger", "healthcheck")
