"""What is promised of deploys and rollbacks holds on real Prefect servers, on SQLite and PostgreSQL (I6 to I9, I13).

Where only Prefect matters, releases and images are in memory; else an AWS emulator stands beside it, and an image is a
manifest that is put into the emulator's registry. Nothing is built.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools.bench.own_cloud import free_port
from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.environment.apply import Clients
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.service import Deployment, Schedule
from tools.settings import Connection
from tools.show.plan import plan_json
from tools.tests.fakes import FakeEcr, FakeEcs, FakeEngine
from tools.tests.memory import service
from tools.tests.proxy import Proxy
from tools.tests.real import DAILY, Engine, Real, an_environment, comparable, remove_deployments
from tools.tests.repositories import Repository
from tools.tests.servers import ask, bare_environment, make_pool, serving

POSTGRES = Path(__file__).parents[3] / "services/database-to-lake/tests/postgres_server.py"


@pytest.fixture(scope="session")
def prefect_on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Prefect server on PostgreSQL."""
    spec = importlib.util.spec_from_file_location("postgres_server", POSTGRES)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not module.postgres_program("initdb"):
        pytest.skip("needs PostgreSQL's initdb and postgres: .ci/postgresql")
    home, port = tmp_path_factory.mktemp("prefect-postgres"), free_port()
    with module.running_postgres({"fsync": "off"}) as database:
        environment = bare_environment(
            PREFECT_HOME=str(home),
            PREFECT_SERVER_ANALYTICS_ENABLED="false",
            PREFECT_LOGGING_LEVEL="WARNING",
            PREFECT_SERVER_DATABASE_CONNECTION_URL=f"{database.replace('://', '+asyncpg://')}/postgres",
        )
        program = str(Path(sys.executable).with_name("prefect"))
        command = [program, "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
        api = f"http://127.0.0.1:{port}/api"
        for _ in serving(command, f"{api}/health", home / "server.log", environment):
            yield api


SERVERS = {"sqlite": "prefect_api_url", "postgresql": "prefect_on_postgres"}


@pytest.fixture(scope="module", params=SERVERS.values(), ids=list(SERVERS))
def recorded(request: pytest.FixtureRequest) -> Iterator[tuple[str, str, Proxy]]:
    """The address of each kind of server, that of a recorder before it, and the recorder."""
    url = request.getfixturevalue(request.param)
    make_pool(url)
    recorder = Proxy(url.removesuffix("/api"))
    with recorder.serving() as port:
        yield url, f"http://127.0.0.1:{port}/api", recorder


@pytest.fixture
def real(recorded: tuple[str, str, Proxy]) -> Iterator[Real]:
    """A flow whose releases and images are in memory."""
    url, through, recorder = recorded
    recorder.requests.clear()
    ecr = FakeEcr()
    clients = Clients(FakeEngine(ecr), ecr, FakeEcs(), PrefectApi(through))
    made = Real(url, clients, an_environment(through, Connection("us-east-1")), recorder)
    yield made
    remove_deployments(url, made.flow)


@pytest.fixture
def whole(recorded: tuple[str, str, Proxy], moto: Connection) -> Iterator[Real]:
    """A flow whose releases and images are in an AWS emulator."""
    url, through, recorder = recorded
    recorder.requests.clear()
    beside = Proxy(str(moto.endpoint))
    with beside.serving() as port:
        aws = replace(moto, endpoint=f"http://127.0.0.1:{port}")
        clients = Clients(Engine(aws), Ecr(aws, "registry.test"), Ecs(aws), PrefectApi(through))
        made = Real(url, clients, an_environment(through, aws), recorder, beside)
        yield made
    remove_deployments(url, made.flow)


# I6: no schedule is lost, unpaused or left behind ---------------------------------------------------------------------

EXTRA = {"schedule": {"cron": "0 12 * * *", "timezone": "UTC"}, "active": True}
NINE = {"schedule": {"cron": "0 9 * * *", "timezone": "UTC"}}
RENAMED = Schedule(slug="morning", cron="15 6 * * *")
OTHER = Schedule(slug="other", cron="45 6 * * *")

Edit = Callable[[Real, PrefectDeployment, PrefectSchedule], object]
EDITS: dict[str, Edit] = {
    "schedule paused": lambda real, live, daily: real.hand(
        "PATCH", f"/deployments/{live.id}/schedules/{daily.id}", {"active": False}
    ),
    "deployment paused": lambda real, live, _: real.hand("POST", f"/deployments/{live.id}/pause_deployment"),
    "extra one made": lambda real, live, _: real.hand("POST", f"/deployments/{live.id}/schedules", [EXTRA]),
}
REDEPLOYS: dict[str, tuple[Schedule, ...]] = {
    "redeployed": (DAILY, OTHER),
    "moved": (DAILY.model_copy(update={"cron": "30 6 * * *"}), OTHER),
    "renamed": (RENAMED, OTHER),
    "removed": (OTHER,),
}


@pytest.mark.parametrize("schedules", REDEPLOYS.values(), ids=REDEPLOYS)
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_no_schedule_is_lost_unpaused_or_left_behind(real: Real, edit: Edit, schedules: tuple[Schedule, ...]) -> None:
    assert not real.deploy(real.service(DAILY, OTHER)).error
    before = real.live
    edit(real, before, next(item for item in before.schedules if item.slug == "daily"))
    edited = real.live

    declared = real.service(*schedules, memory=1024)
    result = real.deploy(declared)

    assert result.error is None
    after = real.live
    assert after.paused == edited.paused
    assert {item.slug for item in after.schedules if item.slug} == {item.slug for item in schedules}
    assert [item for item in after.schedules if not item.slug] == [item for item in edited.schedules if not item.slug]
    paused = {item.slug for item in edited.schedules if not item.active}
    expected = {"morning" if item == "daily" and schedules[0] is RENAMED else item for item in paused}
    assert {item.slug for item in after.schedules if not item.active} == expected & {item.slug for item in schedules}
    ids = {item.slug: item.id for item in before.schedules}
    assert all(item.id == ids[item.slug] for item in after.schedules if item.slug in ids)
    assert real.plan(declared).changes == 0


@pytest.mark.parametrize("schedules", REDEPLOYS.values(), ids=REDEPLOYS)
def test_an_edited_schedule_refuses_each_of_these(real: Real, schedules: tuple[Schedule, ...]) -> None:
    real.deploy(real.service(DAILY, OTHER))
    live = real.live
    daily = next(item for item in live.schedules if item.slug == "daily")
    real.hand("PATCH", f"/deployments/{live.id}/schedules/{daily.id}", NINE)
    edited = real.live
    assert real.writes

    result = real.deploy(real.service(*schedules, memory=1024))

    assert result.error is not None
    assert "schedule daily was changed by hand: it is 0 9 * * * UTC" in result.error.message
    assert (real.writes, real.live) == ([], edited)
    kept = real.deploy(real.service(*schedules, memory=1024), on_drift="keep")
    assert kept.error is None
    assert next(item for item in real.live.schedules if item.slug == "daily") == next(
        item for item in edited.schedules if item.slug == "daily"
    )


# I7: what was changed by hand is kept or reported ---------------------------------------------------------------------

FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "description": ({"description": "mine"}, "description"),
    "tags": ({"tags": ["mine"]}, "tags"),
    "parameters": ({"parameters": {"mine": 1}}, "parameters"),
    "entrypoint": ({"entrypoint": "mine.py:main"}, "entrypoint"),
    "path": ({"path": "/mine"}, "path"),
    "version": ({"version": "mine"}, "version"),
    "work pool": ({"work_pool_name": "mine"}, "work pool"),
    "job variables": ({"job_variables": {"cpu": "4096"}}, "job variables"),
    "parameter schema": ({"parameter_openapi_schema": {"type": "object", "title": "mine"}}, "parameter schema"),
}


@pytest.mark.parametrize(("change", "called"), FIELDS.values(), ids=FIELDS)
def test_each_field_that_was_changed_by_hand_is_reported_and_left(
    real: Real, change: dict[str, Any], called: str
) -> None:
    ask("POST", f"{real.direct_url}/work_pools/", {"name": "mine", "type": "process"})
    real.deploy(real.service())
    real.hand("PATCH", f"/deployments/{real.live.id}", {"enforce_parameter_schema": False, **change})
    edited = real.live
    assert real.writes

    result = real.deploy(real.service(memory=1024))

    assert result.error is not None
    assert f"{real.flow}/main: {called} was changed by hand" in result.error.message
    assert (real.writes, real.live) == ([], edited)
    assert real.deploy(real.service(memory=1024), on_drift="overwrite").error is None
    assert real.plan(real.service(memory=1024)).services[0].drift == ()


# I8, I9: nothing to do writes nothing; what is written is what the plan says ------------------------------------------


def test_a_second_deploy_writes_nothing_and_leaves_the_scheduled_runs(real: Real) -> None:
    def scheduled() -> set[str]:
        which = {"deployments": {"id": {"any_": [real.live.id]}}}
        return {item["id"] for item in real.hand("POST", "/flow_runs/filter", which)}

    real.deploy(real.service())
    until = time.monotonic() + 30
    while not scheduled():
        assert time.monotonic() < until, "the server has scheduled nothing"
        time.sleep(0.5)
    before = scheduled()
    assert real.writes

    result = real.deploy(real.service())

    assert (result.said, result.error, real.writes) == ([], None, [])
    assert scheduled() >= before


_ID = r"[0-9a-f-]{36}"
WRITES: dict[tuple[str, bool], str] = {
    # an action's verb, whether it is on a schedule -> what it sends
    ("create", False): r"POST /api/flows/,POST /api/deployments/",
    ("patch", False): rf"PATCH /api/deployments/{_ID}",
    ("add", True): rf"POST /api/deployments/{_ID}/schedules",
    ("change", True): rf"PATCH /api/deployments/{_ID}/schedules/{_ID}",
    ("delete", True): rf"DELETE /api/deployments/{_ID}/schedules/{_ID}",
    ("push", False): r"POST / CreateRepository,POST / PutImage",
    ("release", False): r"POST / RegisterTaskDefinition",
    ("build", False): "",
    ("import", False): "",
}


def sent(told: dict[str, Any]) -> str:
    """A pattern of the writes that a plan's JSON promises: those to Prefect, then those to AWS."""
    actions = told["flows"][0]["actions"]
    patterns = {id(item): WRITES[item["verb"], ": schedule " in item["subject"]] for item in actions}
    prefect = [patterns[id(item)] for item in actions if item["stage"] == "register"]
    aws = [patterns[id(item)] for item in actions if item["stage"] != "register"]
    return ",".join(filter(None, [*prefect, *aws]))


def test_what_is_written_is_what_the_plan_said_and_then_the_plan_is_empty(whole: Real) -> None:
    first = service(
        whole.flow,
        Deployment(name="main", schedules=(DAILY, Schedule(slug="gone", cron="0 1 * * *"))),
        Deployment(name="same"),
    )
    then = service(
        whole.flow,
        Deployment(name="main", description="new", schedules=(DAILY.model_copy(update={"cron": "0 2 * * *"}), OTHER)),
        Deployment(name="same"),
        Deployment(name="more"),
        memory=1024,
    )
    for declared, fingerprint in ((first, "1" * 16), (then, "1" * 16), (then, "2" * 16)):
        told = json.loads(json.dumps(plan_json(whole.plan(declared, fingerprint), datetime.now(UTC))))
        assert whole.writes == []

        assert whole.deploy(declared, fingerprint).error is None

        written = ",".join(whole.writes)
        expected = sent(told)
        if fingerprint == "2" * 16:
            assert "CreateRepository" in written  # asked for again; it is there
        assert re.fullmatch(expected, written), f"{expected}\n{written}"
        assert whole.plan(declared, fingerprint).changes == 0


# I13: rollback, with git, Docker and the repository taken away --------------------------------------------------------


def tools(real: Real, root: Path, *arguments: str) -> tuple[int, str]:
    """Runs a verb where there is nothing but the tools: no PATH, no services, no git."""
    done = Repository(root).run(
        *arguments,
        "--environment",
        real.settings.environment,
        PATH="",
        AWS_ENDPOINT_URL=str(real.settings.aws.endpoint),
        AWS_REGION="us-east-1",
        PREFECT_API_URL=real.settings.prefect_api_url,
        REGISTRY="registry.test",
        WORK_POOL="pool",
        EXECUTION_ROLE="execution",
        TASK_ROLE="task",
        LOG_GROUP="/data-flows/test",
        LAKE_URL="s3://lake",
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def test_a_rollback_is_exactly_the_release_and_needs_neither_git_nor_docker_nor_the_repository(
    whole: Real, tmp_path: Path
) -> None:
    a = service(whole.flow, Deployment(name="main", parameters={}, schedules=(DAILY, OTHER)), Deployment(name="old"))
    b = service(
        whole.flow,
        Deployment(name="main", description="b", schedules=(DAILY.model_copy(update={"cron": "0 1 * * *"}),)),
        Deployment(name="new", schedules=(Schedule(slug="new", cron="0 3 * * *"),)),
        memory=1024,
        capacity="FARGATE_SPOT",
    )
    assert not whole.deploy(a, "1" * 16).error
    at_a = comparable(whole.clients.prefect.deployments([whole.flow]))
    assert not whole.deploy(b, "2" * 16).error
    main = next(item for item in whole.clients.prefect.deployments([whole.flow]) if item.name == "main")
    whole.hand("PATCH", f"/deployments/{main.id}/schedules/{main.schedules[0].id}", {"active": False})
    assert whole.writes

    code, said = tools(whole, tmp_path, "rollback", whole.flow)

    assert code == 0, said
    for item in at_a:
        for one in item["schedules"]:
            one["active"] = one["slug"] != "daily"
    assert comparable(whole.clients.prefect.deployments([whole.flow])) == at_a
    assert not [item for item in whole.writes if "RegisterTaskDefinition" in item]


def test_a_rollback_to_an_image_that_is_gone_says_so_before_anything_is_written(whole: Real, tmp_path: Path) -> None:
    whole.deploy(whole.service(), "1" * 16)
    whole.deploy(whole.service(memory=1024), "2" * 16)
    ecr = Ecr(whole.settings.aws, None)
    (image,) = [item for item in ecr.images(f"data-flows/{whole.flow}") if item.tags == ("1" * 16,)]
    ecr.remove(image)
    before = whole.live
    assert whole.writes

    code, said = tools(whole, tmp_path, "rollback", whole.flow)

    assert (code, whole.writes, whole.live) == (2, [], before)
    assert (
        f"{whole.flow} cannot go back to release 1: its image registry.test/data-flows/{whole.flow}@{image.digest}"
        in said
    )
    assert "nothing was written" in said
