"""What the stages rely on, proven alike on the fakes and on the real things."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from tools.clients import ssm
from tools.clients.aws import session
from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.errors import RemoteError, UserError
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.model.service import Deployment, ECSRun, Schedule
from tools.settings import Connection
from tools.tests.conftest import ask, free_port
from tools.tests.fakes import FakeEcr, FakeEcs, FakePrefect

EMULATORS = ["ministack", "moto"]


def unique(name: str) -> str:
    """A name that no other test uses: the real things are shared."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(params=["fake", *EMULATORS])
def ecs(request: pytest.FixtureRequest) -> FakeEcs | Ecs:
    """Each kind of ECS."""
    return FakeEcs() if request.param == "fake" else Ecs(request.getfixturevalue(request.param))


@pytest.fixture(params=["fake", *EMULATORS])
def ecr(request: pytest.FixtureRequest) -> FakeEcr | Ecr:
    """Each kind of ECR."""
    return FakeEcr() if request.param == "fake" else Ecr(request.getfixturevalue(request.param), "registry.test")


@pytest.fixture(params=["fake", "real"])
def prefect(request: pytest.FixtureRequest) -> FakePrefect | PrefectApi:
    """Each kind of Prefect API."""
    if request.param == "fake":
        return FakePrefect()
    api = PrefectApi(request.getfixturevalue("prefect_api_url"))
    make_pool(request.getfixturevalue("prefect_api_url"))
    return api


def make_pool(url: str) -> None:
    """The work pool that the deployments name."""
    ask("POST", f"{url}/work_pools/", {"name": "pool", "type": "process"})


def draft(service: str, **changes: object) -> Release:
    """A release as a deploy registers it."""
    values: dict[str, object] = {
        "service": service,
        "environment": "Local",
        "fingerprint": "0123456789abcdef",
        "image": f"registry.test/data-flows/{service}@sha256:{'a' * 64}",
        "entrypoint": "flow.py:main",
        "platform": "linux/amd64",
        "ecs_run": ECSRun(
            env={"GREETING": "héllo → 世界"},
            task_role="data-flows-task",
            execution_role="data-flows-execution",
            ephemeral_storage=30,
        ),
        "platform_env": {"AWS_REGION": "us-east-1"},
        "secret_paths": {"SOURCE_URL": f"/DataFlows/Local/{service}/SOURCE_URL"},
        "log_group": "/data-flows/Local",
        "deployments": (
            Deployment(
                name="daily",
                parameters={"table": "flights", "nested": {"limit": 1.5, "on": True, "none": None}},
                schedules=(Schedule(slug="daily", cron="15 6 * * *", timezone="Europe/Berlin"),),
                active_in=("Prod",),
            ),
        ),
        "parameter_schema": {"type": "object", "properties": {"table": {"type": "string"}}},
        "commit": "abc",
        "by": "someone",
        "at": "2026-01-01T00:00:00+00:00",
    }
    return Release.model_validate({**values, **changes})


def prefect_deployment(flow: str, **changes: object) -> PrefectDeployment:
    """A deployment as a deploy registers it."""
    values: dict[str, object] = {
        "flow": flow,
        "name": "daily",
        "description": "Copies rows",
        "version": "3",
        "tags": ("data-flows:Local", "lake"),
        "parameters": {"table": "flights"},
        "entrypoint": "flow.py:main",
        "path": "/opt/flow",
        "work_pool": "pool",
        "job_variables": {"task_definition_arn": "arn:aws:ecs:us-east-1:000000000000:task-definition/x:3"},
        "parameter_schema": {"type": "object", "properties": {"table": {"type": "string", "title": "table"}}},
        "concurrency_limit": 2,
        "schedules": (
            PrefectSchedule(
                slug="daily", schedule={"cron": "15 6 * * *", "timezone": "UTC"}, parameters={"table": "x"}
            ),
            PrefectSchedule(slug="often", schedule={"interval": 600.0, "timezone": "UTC"}, active=False),
            PrefectSchedule(slug="rule", schedule={"rrule": "FREQ=DAILY;COUNT=5", "timezone": "UTC"}),
        ),
    }
    return PrefectDeployment.model_validate({**values, **changes})


def without_ids(item: PrefectDeployment) -> dict[str, object]:
    """A deployment to compare: ids are the server's, the order of schedules is nobody's."""
    values = item.model_dump(exclude={"id"})
    values["schedules"] = sorted(
        ({**schedule, "id": ""} for schedule in values["schedules"]), key=lambda schedule: str(schedule["slug"])
    )
    return values


# ECS ----------------------------------------------------------------------------------------------------------------


def test_a_family_that_was_never_released_has_no_release(ecs: FakeEcs | Ecs) -> None:
    assert ecs.release(draft(unique("never")).family) is None


def test_a_registered_release_reads_back_whole(ecs: FakeEcs | Ecs) -> None:
    wanted = draft(unique("whole"))
    registered = ecs.make_release(wanted)
    assert registered.revision == 1
    assert registered.arn.endswith(f"{wanted.family}:1")
    assert ecs.release(wanted.family) == registered == ecs.release(registered.arn)
    assert registered.model_dump() == wanted.model_dump()


def test_the_family_names_the_newest_release_and_the_arn_an_older_one(ecs: FakeEcs | Ecs) -> None:
    name = unique("history")
    first = ecs.make_release(draft(name))
    second = ecs.make_release(draft(name, fingerprint="f" * 16))
    assert ecs.release(second.family) == second
    assert ecs.release(first.arn) == first
    assert second.revision == 2


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_task_definition_of_somebody_else_is_no_release(emulator: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    family = unique("data-flows-Local-foreign")
    client = session(connection).client("ecs", endpoint_url=connection.endpoint)
    client.register_task_definition(
        family=family, containerDefinitions=[{"name": "x", "image": "x", "memory": 128, "essential": True}]
    )
    assert Ecs(connection).release(family) is None


# ECR ----------------------------------------------------------------------------------------------------------------


def test_an_image_of_a_repository_that_is_missing_has_no_digest(ecr: FakeEcr | Ecr) -> None:
    assert ecr.digest(unique("data-flows/none"), "0123456789abcdef") is None


def test_a_repository_is_made_once_and_is_empty_at_first(ecr: FakeEcr | Ecr) -> None:
    repository = unique("data-flows/fresh")
    ecr.ensure(repository)
    ecr.ensure(repository)
    assert ecr.digest(repository, "0123456789abcdef") is None
    assert ecr.address(repository) == f"registry.test/{repository}"


def test_a_login_has_a_user_and_a_password_that_repr_does_not_show(ecr: FakeEcr | Ecr) -> None:
    login = ecr.login()
    assert login.username == "AWS"
    assert login.password
    assert login.password not in repr(login)


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_repository_gets_immutable_tags_and_is_scanned(emulator: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    repository = unique("data-flows/settings")
    Ecr(connection, None).ensure(repository)
    client = session(connection).client("ecr", endpoint_url=connection.endpoint)
    (found,) = client.describe_repositories(repositoryNames=[repository])["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"]["scanOnPush"] is True


@pytest.mark.parametrize("emulator", EMULATORS)
def test_without_a_setting_the_registry_is_the_one_that_ecr_names(
    emulator: str, request: pytest.FixtureRequest
) -> None:
    registry = Ecr(request.getfixturevalue(emulator), None)
    repository = unique("data-flows/address")
    registry.ensure(repository)
    assert registry.address(repository).endswith(f".amazonaws.com/{repository}")


# The Parameter Store ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("emulator", EMULATORS)
def test_an_environments_tree_is_read_decrypted_and_without_what_lies_deeper(
    emulator: str, request: pytest.FixtureRequest
) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    root = f"/DataFlows/{unique('Env')}"
    client = session(connection).client("ssm", endpoint_url=connection.endpoint)
    wanted = {f"NAME_{number:02}": f"value {number}" for number in range(25)}
    for name, value in wanted.items():
        client.put_parameter(Name=f"{root}/{name}", Value=value, Type="String")
    client.put_parameter(Name=f"{root}/PREFECT_API_KEY", Value="canary", Type="SecureString")
    client.put_parameter(Name=f"{root}/service/SOURCE_URL", Value="deeper", Type="String")
    assert ssm.tree(connection, root) == {**wanted, "PREFECT_API_KEY": "canary"}


@pytest.mark.parametrize("emulator", EMULATORS)
def test_missing_parameters_are_named(emulator: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    root = f"/DataFlows/{unique('Env')}"
    client = session(connection).client("ssm", endpoint_url=connection.endpoint)
    for number in range(0, 24, 2):
        client.put_parameter(Name=f"{root}/P{number:02}", Value="v", Type="String")
    absent = [f"{root}/P{number:02}" for number in range(1, 24, 2)]
    assert sorted(ssm.missing(connection, [f"{root}/P{number:02}" for number in range(24)])) == absent


# Prefect ------------------------------------------------------------------------------------------------------------


def test_flows_that_were_never_registered_have_no_deployments(prefect: FakePrefect | PrefectApi) -> None:
    assert prefect.deployments([unique("never"), unique("never")]) == []


def test_a_created_deployment_reads_back_whole(prefect: FakePrefect | PrefectApi) -> None:
    wanted = prefect_deployment(unique("whole"))
    made = prefect.create(wanted)
    assert made.id
    assert all(schedule.id for schedule in made.schedules)
    assert without_ids(made) == without_ids(wanted)
    assert prefect.deployments([wanted.flow]) == [made]


def test_deployments_of_other_flows_are_not_given(prefect: FakePrefect | PrefectApi) -> None:
    one, other = unique("one"), unique("other")
    prefect.create(prefect_deployment(one))
    prefect.create(prefect_deployment(other))
    prefect.create(prefect_deployment(one, name="hourly"))
    assert [item.full_name for item in prefect.deployments([one])] == [f"{one}/daily", f"{one}/hourly"]


Change = dict[str, object]


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Other words"},
        {"description": ""},
        {"version": "4"},
        {"tags": ("data-flows:Local",)},
        {"parameters": {"table": "weather"}},
        {"parameters": {}},
        {"entrypoint": "other.py:main"},
        {"path": "/elsewhere"},
        {"job_variables": {"task_definition_arn": "arn:y:4", "launch_type": "FARGATE_SPOT"}},
        {"parameter_schema": {"type": "object", "properties": {}}},
        {"concurrency_limit": 5},
        {"concurrency_limit": None},
    ],
    ids=lambda change: "-".join(f"{key}={value}"[:30] for key, value in change.items()),
)
def test_a_patch_writes_its_fields_and_nothing_else(prefect: FakePrefect | PrefectApi, change: Change) -> None:
    live = prefect.create(prefect_deployment(unique("patch")))
    wanted = live.model_copy(update={**change, "version": change.get("version", "not to be written")})
    prefect.patch(live, wanted, list(change))
    (after,) = prefect.deployments([live.flow])
    assert after == live.model_copy(update=change)


def test_a_paused_schedule_stays_paused_when_its_time_is_changed(prefect: FakePrefect | PrefectApi) -> None:
    live = prefect.create(prefect_deployment(unique("pause")))
    paused = next(item for item in live.schedules if item.slug == "often")
    assert paused.active is False
    wanted = paused.model_copy(update={"schedule": {"interval": 900.0, "timezone": "UTC"}, "active": True})
    prefect.change_schedule(live.id, paused, wanted, active=None)
    (after,) = prefect.deployments([live.flow])
    changed = next(item for item in after.schedules if item.slug == "often")
    assert changed == wanted.model_copy(update={"active": False})
    assert len(after.schedules) == len(live.schedules)


@pytest.mark.parametrize("active", [True, False])
def test_a_schedule_is_switched_where_that_is_asked_for(prefect: FakePrefect | PrefectApi, active: bool) -> None:
    live = prefect.create(prefect_deployment(unique("switch")))
    for schedule in live.schedules:
        prefect.change_schedule(live.id, schedule, schedule, active=active)
    (after,) = prefect.deployments([live.flow])
    assert {item.active for item in after.schedules} == {active}


def test_a_schedule_is_added_and_removed_and_the_others_stay(prefect: FakePrefect | PrefectApi) -> None:
    live = prefect.create(prefect_deployment(unique("add")))
    extra = PrefectSchedule(slug="extra", schedule={"cron": "0 0 * * *", "timezone": "UTC"})
    prefect.add_schedule(live.id, extra)
    (more,) = prefect.deployments([live.flow])
    assert {item.slug for item in more.schedules} == {"daily", "often", "rule", "extra"}
    daily = next(item for item in more.schedules if item.slug == "daily")
    prefect.remove_schedule(live.id, daily.id)
    prefect.remove_schedule(live.id, daily.id)  # gone already is done
    (after,) = prefect.deployments([live.flow])
    assert {item.slug: item.id for item in after.schedules} == {
        item.slug: item.id for item in more.schedules if item.slug != "daily"
    }


def test_more_deployments_than_one_page_are_all_read(prefect_api_url: str) -> None:
    make_pool(prefect_api_url)
    api, flow = PrefectApi(prefect_api_url), unique("many")
    names = [f"d{number:03}" for number in range(205)]
    for name in names:
        api.create(prefect_deployment(flow, name=name, schedules=()))
    assert [item.name for item in api.deployments([flow])] == names


# Faults -------------------------------------------------------------------------------------------------------------


NOBODY = f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: PrefectApi(f"{NOBODY}/api").deployments(["x"]), "nothing answers"),
        (lambda: Ecs(Connection("us-east-1", NOBODY)).release("x"), "does not answer"),
        (lambda: Ecr(Connection("us-east-1", NOBODY), None).digest("data-flows/x", "y"), "does not answer"),
        (lambda: ssm.tree(Connection("us-east-1", NOBODY), "/DataFlows/X"), "does not answer"),
    ],
    ids=["prefect", "ecs", "ecr", "ssm"],
)
def test_a_system_that_does_not_answer_is_one_clear_error(call: Callable[[], object], said: str) -> None:
    with pytest.raises(RemoteError, match=said) as caught:
        call()
    assert caught.value.hint


def test_what_answers_but_is_no_prefect_api_is_told_so(moto: Connection) -> None:
    with pytest.raises(RemoteError, match=r"404|no Prefect API"):
        PrefectApi(f"{moto.endpoint}/moto-api").deployments(["x"])


def test_without_credentials_the_error_says_how_to_log_in(monkeypatch: pytest.MonkeyPatch, moto: Connection) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(UserError, match="no usable credentials"):
        ssm.tree(Connection("us-east-1"), "/DataFlows/Dev")
