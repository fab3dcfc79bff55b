"""A family with records of every version: history, status, plan, prune and rollback as a user meets them (I19)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.clients.aws import session
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.clients.task_definition import LABEL
from tools.model.release import Release, UnreadRelease
from tools.plan.deployments import prefect_deployments
from tools.settings import Connection
from tools.tests.repositories import Repository, make_service
from tools.tests.servers import make_pool

RECORDS = sorted((Path(__file__).parents[1] / "records").glob("*.json"))
FLOW, FAMILY = "database-to-lake", "data-flows-Dev-database-to-lake"
LATER = "written by a later version of the tools"


class Dev:
    """An environment whose flow was released by every version of the tools, last by a later one."""

    def __init__(self, home: Path, prefect_url: str, aws: Connection) -> None:
        self.repository = Repository(home)
        make_service(home, FLOW)
        self.api, self.ecs = PrefectApi(prefect_url), Ecs(aws)
        self.variables = {
            "PREFECT_API_URL": prefect_url,
            "AWS_ENDPOINT_URL": str(aws.endpoint),
            "AWS_REGION": aws.region,
            "REGISTRY": "registry.test",
            "WORK_POOL": "pool",
            "EXECUTION_ROLE": "data-flows-execution",
            "TASK_ROLE": "data-flows-task",
            "LOG_GROUP": "/data-flows/Dev",
            "LAKE_URL": "s3://example-dev/lake",
            "ENVIRONMENT": "Dev",
        }

    def said(self, *arguments: str, code: int = 0) -> str:
        """What a verb says."""
        came = self.repository.run(*arguments, **self.variables)
        assert came.returncode == code, came.stdout + came.stderr
        assert "Traceback" not in came.stderr
        return came.stdout + came.stderr

    def told(self, *arguments: str) -> Any:
        """What a verb tells machines."""
        came = self.repository.run(*arguments, "--json", **self.variables)
        assert came.returncode in (0, 2), came.stdout + came.stderr
        return json.loads(came.stdout)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory, prefect_api_url: str, moto: Connection) -> Iterator[Dev]:
    """The environment; what it holds in the shared servers is gone afterwards."""
    make_pool(prefect_api_url)
    made = Dev(tmp_path_factory.mktemp("dev"), prefect_api_url, moto)
    client: Any = session(moto)
    ecs, ssm = (client.client(name, endpoint_url=moto.endpoint) for name in ("ecs", "ssm"))
    definitions = [json.loads(path.read_text("utf-8")) for path in RECORDS]
    later = json.loads(RECORDS[-1].read_text("utf-8"))
    later["containerDefinitions"][0]["dockerLabels"][LABEL] = json.dumps({"version": 99})
    for definition in (*definitions, later):
        ecs.register_task_definition(**definition)
    ssm.put_parameter(Name=f"/DataFlows/Dev/{FLOW}/SOURCE_URL", Value="x", Type="SecureString")
    *read, last = made.ecs.releases(FAMILY)[::-1]
    assert (len(read), isinstance(last, UnreadRelease)) == (len(RECORDS), True)
    newest = read[-1]
    assert isinstance(newest, Release)
    for wanted in prefect_deployments(newest, "pool").values():
        made.api.create(wanted.model_copy(update={"version": "5", "job_variables": {"task_definition_arn": last.arn}}))
    yield made
    for item in made.api.deployments([FLOW]):
        made.api.remove(item.id)
    for release in made.ecs.releases(FAMILY):
        made.ecs.deregister(release.arn)


def test_history_shows_each_and_which_cannot_be_read(dev: Dev) -> None:
    said = dev.said("history", FLOW)
    assert [line.split("  ")[0] for line in said.splitlines() if line.startswith("release ")] == [
        f"release {number}" for number in range(5, 0, -1)
    ]
    assert f"release 5  live\n  {LATER}" in said
    assert [item["unreadable"] for item in dev.told("history", FLOW)] == [LATER, None, None, None, None]


def test_status_shows_what_is_live(dev: Dev) -> None:
    (flow,) = [item for item in dev.told("status")["flows"] if item["name"] == FLOW]
    assert (flow["release"], flow["unreadable"]) == (5, LATER)
    assert LATER in dev.said("status", FLOW)


def test_a_plan_beside_it_finds_no_drift(dev: Dev) -> None:
    told = dev.told("plan", FLOW)
    (flow,) = told["flows"]
    assert (flow["drift"], flow["refused"]) == ([], [])
    assert {"subject": "release 5", "text": LATER} in flow["notes"]


def test_prune_deletes_nothing_of_it(dev: Dev) -> None:
    told = dev.told("prune")
    assert [name for name in told["deployments"] if name.startswith(FLOW)] == []
    assert [arn for arn in told["releases"] if FAMILY in arn] == []


def test_a_rollback_names_what_it_cannot_go_back_to_and_does_not_go_where_the_image_is_gone(dev: Dev) -> None:
    assert f"{FLOW} cannot go back to release 5: {LATER}" in dev.said("rollback", FLOW, "--to", "5", code=2)
    assert "its image" in dev.said("rollback", FLOW, "--to", "1", code=2)


def test_a_rollback_goes_back_to_a_record_of_before_the_first_version(dev: Dev, moto: Connection) -> None:
    client: Any = session(moto)
    ecr = client.client("ecr", endpoint_url=moto.endpoint)
    ecr.create_repository(repositoryName=f"data-flows/{FLOW}")
    digest = f"sha256:{'3f2a9c1e5b7d8046' * 4}"
    media = "application/vnd.oci.image.manifest.v1+json"
    body = {"schemaVersion": 2, "mediaType": media, "config": {"digest": digest, "size": 1}, "layers": []}
    image = {"imageManifest": json.dumps(body), "imageTag": "x", "imageDigest": digest}
    ecr.put_image(repositoryName=f"data-flows/{FLOW}", **image)

    said = dev.said("rollback", FLOW, "--to", "1")

    assert "patched daily" in said
    found = {item.name: item for item in dev.api.deployments([FLOW])}
    assert {item.job_variables["task_definition_arn"].rpartition(":")[2] for item in found.values()} == {"1"}
    assert {item.slug for item in found["daily"].schedules} == {"daily", "often", "rule"}
    assert "Nothing differs" in dev.said("rollback", FLOW, "--to", "1")
    ecr.delete_repository(repositoryName=f"data-flows/{FLOW}", force=True)
