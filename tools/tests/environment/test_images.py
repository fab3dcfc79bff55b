"""What is proven is what is released, on a real engine and a real registry that disagree (I4, I5, I21)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import requests

from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.engine import Engine
from tools.desired.draft import desire
from tools.desired.fingerprint import Fingerprint
from tools.environment.apply import Clients, apply
from tools.environment.observe import observe
from tools.model.images import Login, OnProgress, Target
from tools.model.release import Release
from tools.model.service import Declaration, DockerStorage, Service
from tools.plan.actions import ServicePlan
from tools.plan.deploy import plan
from tools.plan.results import Provenance, Result
from tools.repository import BASE_DIRECTORY, ROOT
from tools.settings import Connection, Settings
from tools.tests.fakes import FakePrefect
from tools.tests.samples import unique

pytestmark = pytest.mark.docker

FLOW = "from prefect import flow\n\n\n@flow(name='{name}')\ndef main({parameter}: int = 1) -> None:\n    pass\n"
PRINT = "0123456789abcdef"


def quiet(*_: str) -> None:
    """Nobody looks."""


class Team:
    """Machines with one engine, a registry that they share, and a service of one file."""

    def __init__(self, home: Path, aws: Connection) -> None:
        self.host = str(aws.endpoint).removeprefix("http://").replace("127.0.0.1", "localhost")
        self.name = unique("images")
        self.home, self.aws, self.ecr, self.ecs = home, aws, Ecr(aws, self.host), Ecs(aws)
        self.prefect, self.engine = FakePrefect(), Engine()
        self.settings = Settings(
            environment="Local",
            prefect_api_url="http://prefect.test/api",
            aws=aws,
            work_pool="pool",
            execution_role="execution",
            task_role="task",
            log_group="/data-flows/Local",
            lake_url="s3://lake",
        )

    @property
    def blobs(self) -> str:
        """Where the registry has the parts of the service's images."""
        return f"http://{self.host}/v2/data-flows/{self.name}"

    def write(self, parameter: str) -> Service:
        """The service as its files stand."""
        (self.home / "flow.py").write_text(FLOW.format(name=self.name, parameter=parameter))
        (self.home / "Dockerfile").write_text("FROM base\nCOPY . .\n")
        (self.home / ".dockerignore").write_text("Dockerfile\n")
        declaration = Declaration(docker_storage=DockerStorage(entrypoint="flow.py:main"))
        return Service(name=self.name, path=self.home, declaration=declaration)

    def plan(self, service: Service) -> ServicePlan:
        """What a deploy would do; the fingerprint is the same whatever the files say."""
        desired = [desire(service, Fingerprint(PRINT, {}), self.settings)]
        state = observe(desired, self.ecs, self.ecr, self.prefect, lambda _: [])
        return plan("Local", desired, state).services[0]

    def deploy(self, service: Service) -> Result:
        """Plans and applies."""
        desired = [desire(service, Fingerprint(PRINT, {}), self.settings)]
        state = observe(desired, self.ecs, self.ecr, self.prefect, lambda _: [])
        clients = Clients(self.engine, self.ecr, self.ecs, self.prefect)
        (result,) = apply(plan("Local", desired, state), ROOT, clients, lambda: Provenance("", "", ""), quiet)
        return result

    def build_elsewhere(self, service: Service) -> None:
        """Another machine's engine has another image under the same tag."""
        tag = f"data-flows/{self.name}:{PRINT}"
        docker.from_env().images.remove(tag)
        target = Target(self.name, PRINT, service.path, "Dockerfile", {}, "linux/amd64")
        assert self.engine.build(ROOT / BASE_DIRECTORY, [target], quiet) == {}


@pytest.fixture
def team(tmp_path: Path, ministack: Connection) -> Iterator[Team]:
    made = Team(tmp_path, ministack)
    yield made
    client = docker.from_env()
    for image in client.images.list(filters={"reference": f"*/data-flows/{made.name}"}):
        client.images.remove(str(image.id), force=True)


def newest(team: Team) -> Release:
    """What ECS has."""
    (found, *_) = team.ecs.releases(f"data-flows-Local-{team.name}")
    assert isinstance(found, Release)
    return found


def test_a_part_that_vanishes_between_push_and_release_stops_the_release_and_is_pushed_anew(team: Team) -> None:
    class Careless(Engine):
        def push(self, tag: str, address: str, login: Login, step: OnProgress) -> None:
            super().push(tag, address, login, step)
            manifest = requests.get(f"{team.blobs}/manifests/{PRINT}", timeout=30).json()
            lost = manifest["layers"][-1]["digest"]
            requests.delete(f"{team.blobs}/blobs/{lost}", timeout=30).raise_for_status()

    team.engine = Careless()
    service = team.write("first")

    result = team.deploy(service)

    assert result.error is not None
    assert "is missing" in result.error.message
    assert team.ecs.releases(f"data-flows-Local-{team.name}") == []
    # The mend that it names: once it is deleted, a deploy pushes it anew.
    (image,) = team.ecr.images(f"data-flows/{team.name}")
    team.ecr.remove(image)
    team.engine = Engine()
    again = team.deploy(service)
    assert again.error is None, again.error
    assert again.said[:3] == ["built already", "pushed", "imported"]


def test_what_the_registry_has_is_imported_and_released_whatever_the_engine_has_under_the_tag(team: Team) -> None:
    assert team.deploy(team.write("first")).error is None
    colleague = newest(team)
    # On another machine the same tag is another image; nobody pushed that.
    team.ecs.deregister(colleague.arn)
    other = team.write("other")
    team.build_elsewhere(other)

    result = team.deploy(other)

    assert result.said == ["imported", "released"]
    assert newest(team).image == colleague.image
    assert list(newest(team).parameter_schema["properties"]) == ["first"]


def test_a_tag_that_is_overwritten_changes_nothing_that_runs_and_is_told_and_mended(team: Team) -> None:
    assert team.deploy(team.write("first")).error is None
    before = newest(team)
    other = team.write("other")
    team.build_elsewhere(other)
    (image,) = team.ecr.images(f"data-flows/{team.name}")
    team.ecr.remove(image)
    repository = f"data-flows/{team.name}"
    team.engine.push(f"{repository}:{PRINT}", team.ecr.address(repository), team.ecr.login(), quiet)

    assert newest(team).image == before.image
    now = team.ecr.digest(f"data-flows/{team.name}", PRINT)
    assert now not in (None, before.image_digest)
    told = [reason for action in team.plan(other).actions for reason in action.why]
    assert f"another image of the same fingerprint: {before.image_digest[7:19]} → {str(now)[7:19]}" in told

    assert team.deploy(other).said == ["imported", "released"]
    assert newest(team).image_digest == now
    assert list(newest(team).parameter_schema["properties"]) == ["other"]
    assert team.plan(other).actions == ()
