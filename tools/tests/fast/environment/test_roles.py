"""Before a release it is known whether its role has what is declared; what cannot be known is told, and quietly."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest

from tools.desired.discover import services
from tools.desired.draft import Desired, desire
from tools.desired.fingerprint import Fingerprint
from tools.environment.roles import look_at_roles, role_of_release
from tools.errors import RemoteError
from tools.model.observed import Observed, RoleObserved
from tools.model.permissions import Permission
from tools.model.release import Release
from tools.model.rules import PAST
from tools.model.stacks import Template
from tools.settings import Connection, Settings
from tools.stacks.inputs import Place, ServiceRoles
from tools.stacks.run import run_stack
from tools.tests.repositories import STORAGE, make_service
from tools.tests.stack_inputs import inputs
from tools.tests.worlds import release

ACCOUNT = "000000000000"
OURS = f"arn:aws:iam::{ACCOUNT}:role/data-flows-Dev-task-{{service}}"
RAW = f"arn:aws:s3:::data-flows-{ACCOUNT}-us-east-1-dev/raw/*"
READ = '\npermissions = [{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::{bucket}/raw/*"] }]\n'
READ_IN_RECORD = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::{bucket}/raw/*"]}
WHETHER = "whether the role {} has the permissions that are declared cannot be told here"


def settings(task_role: str, environment: str = "Dev") -> Settings:
    """An environment whose tasks have this role."""
    return Settings(
        environment=environment,
        prefect_api_url="https://prefect.example.com/api",
        aws=Connection("us-east-1"),
        work_pool="pool",
        execution_role="execution",
        task_role=task_role,
        log_group="/data-flows/Dev",
        lake_url="s3://bucket/lake",
    )


def stack(*services: ServiceRoles, environment: str = "Dev") -> Template:
    """The template of the environment's stack of roles, where these services were there when it was made."""
    place = Place(environment, "aws", "us-east-1", ACCOUNT)
    return run_stack(inputs(place=place, services=services)).template


def reader(**more: Any) -> ServiceRoles:
    """The service hello as it was when the stack was made."""
    return ServiceRoles("hello", permissions=(Permission.model_validate(READ_IN_RECORD | more),))


def wanted(root: Path, ecs_run: str, of: Settings) -> Desired:
    """What the repository declares of the service hello."""
    make_service(root, "hello", {"service.toml": f"{STORAGE}\n[ecs_run]{ecs_run}"})
    (service,) = services(root)
    return desire(service, Fingerprint("0" * 16, {}), of)


def looked(root: Path, ecs_run: str, template: Template, of: Settings | None = None) -> RoleObserved:
    """What is known of the role of the service hello before its release."""
    of = of or settings(OURS)
    state = look_at_roles({"hello": Observed(), "other": Observed()}, [wanted(root, ecs_run, of)], of, lambda: template)
    assert state["other"].role == RoleObserved()
    return state["hello"].role


def unasked() -> NoReturn:
    """CloudFormation, where there is nothing to ask it."""
    pytest.fail("it was asked")


def test_a_role_that_has_what_is_declared_is_no_problem(tmp_path: Path) -> None:
    assert looked(tmp_path, READ, stack(reader())) == RoleObserved()
    assert looked(tmp_path, "", stack(ServiceRoles("hello"))) == RoleObserved()


def test_what_a_role_has_beyond_that_is_told_and_keeps_nothing(tmp_path: Path) -> None:
    assert looked(tmp_path, "", stack(reader())) == RoleObserved(
        note=f"the role data-flows-Dev-task-hello allows s3:GetObject on {RAW}, which is not declared; "
        "make bootstrap ENVIRONMENT=Dev takes that away"
    )


@pytest.mark.parametrize(
    ("ecs_run", "standing", "says"),
    [
        (READ, (ServiceRoles("hello"),), f"the role data-flows-Dev-task-hello lacks s3:GetObject on {RAW}"),
        (
            READ,
            (reader(conditions={"Bool": {"aws:SecureTransport": "true"}}),),
            f"the role data-flows-Dev-task-hello lacks s3:GetObject on {RAW}",
        ),
        (
            READ.replace('"s3:GetObject"', '"s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:GetObjectAcl"'),
            (ServiceRoles("hello"),),
            f"the role data-flows-Dev-task-hello lacks s3:DeleteObject on {RAW}, s3:GetObject on {RAW}, "
            f"s3:GetObjectAcl on {RAW} and 1 more",
        ),
        (READ, (ServiceRoles("other"),), "there is no role data-flows-Dev-task-hello yet"),
        ("", (ServiceRoles("other"),), "there is no role data-flows-Dev-task-hello yet"),
    ],
)
def test_what_a_role_lacks_comes_with_what_makes_it(
    tmp_path: Path, ecs_run: str, standing: tuple[ServiceRoles, ...], says: str
) -> None:
    assert looked(tmp_path, ecs_run, stack(*standing)).problems == (f"make bootstrap ENVIRONMENT=Dev first: {says}",)


def test_local_whose_emulator_checks_no_role_is_told_and_goes_on(tmp_path: Path) -> None:
    local = settings(OURS.replace("Dev", "Local"), "Local")

    role = looked(tmp_path, "", stack(ServiceRoles("other"), environment="Local"), local)

    assert role == RoleObserved(
        note="there is no role data-flows-Local-task-hello yet; make up makes it as it is declared"
    )
    assert looked(tmp_path, READ, stack(reader(), environment="Local"), local) == RoleObserved()


def test_a_permission_that_aws_does_not_know_is_no_matter_of_a_role(tmp_path: Path) -> None:
    of = settings(OURS)
    item = wanted(tmp_path, READ.replace("GetObject", "GetObjct"), of)

    (problem,) = look_at_roles({"hello": Observed()}, [item], of, unasked)["hello"].role.problems

    assert "AWS has no action s3:GetObjct; did you mean s3:GetObject?" in problem


@pytest.mark.parametrize(
    "task_role", ["data-flows-task", f"arn:aws:iam::{ACCOUNT}:role/team/flows", "data-flows-Dev-task-{service}"]
)
def test_of_a_role_that_no_stack_makes_nothing_is_asked_and_a_word_said_where_something_is_declared(
    tmp_path: Path, task_role: str
) -> None:
    of = settings(task_role)
    for ecs_run, note in ((READ, WHETHER.format(task_role.replace("{service}", "hello"))), ("", "")):
        item = wanted(tmp_path, ecs_run, of)
        state = look_at_roles({"hello": Observed()}, [item], of, unasked)
        assert state["hello"].role == RoleObserved(note=note)


def test_without_a_stack_a_word_is_said_where_something_is_declared(tmp_path: Path) -> None:
    role = OURS.replace("{service}", "hello")

    assert looked(tmp_path, READ, {}) == RoleObserved(note=WHETHER.format(role))
    assert looked(tmp_path, "", {}) == RoleObserved()


def test_a_service_s_own_role_is_its_own_business(tmp_path: Path) -> None:
    of = settings(OURS)
    item = wanted(tmp_path, f'\ntask_role = "{OURS.replace("{service}", "hello")}"\n', of)

    assert look_at_roles({"hello": Observed()}, [item], of, unasked)["hello"].role == RoleObserved()


# What a rollback says of it -------------------------------------------------------------------------------------------


def old(task_role: str = OURS.replace("{service}", "hello")) -> Release:
    """A release of long ago that declared more."""
    return release(3, ecs_run={"task_role": task_role, "permissions": [READ_IN_RECORD]})


def test_a_rollback_says_what_the_role_lacks_of_what_the_release_declared() -> None:
    told = role_of_release(old(), settings(OURS), lambda: stack(ServiceRoles("hello")))

    assert told == RoleObserved(
        note=f"the role data-flows-Dev-task-hello lacks s3:GetObject on {RAW}, which release 3 declares; a rollback "
        "changes no role, bootstrap makes them as the repository says"
    )
    assert role_of_release(old(), settings(OURS), lambda: stack(reader())) == RoleObserved()


def test_what_a_release_of_another_version_declared_is_compared_as_it_is_written() -> None:
    odd = (
        {"actions": [], "resources": ["x"]},
        {"actions": ["s3:Get*"], "resources": ["{moon}"], "conditions": {"A": {}}},
    )
    values = {**old().model_dump(), "ecs_run": {**old().ecs_run.model_dump(), "permissions": odd}}
    past = Release.model_validate(values, context=PAST)

    told = role_of_release(past, settings(OURS), lambda: stack(ServiceRoles("hello")))

    assert 'lacks s3:Get* on {moon} where {"A": {}}, which release None declares' in told.note


def test_a_rollback_is_not_kept_by_what_cannot_be_told() -> None:
    def refused() -> NoReturn:
        raise RemoteError("AWS does not allow it")

    whether = WHETHER.format(OURS.replace("{service}", "hello"))
    assert role_of_release(old(), settings(OURS), refused).note == f"{whether}: AWS does not allow it"
    assert role_of_release(old("guest"), settings(OURS), unasked).note == WHETHER.format("guest")
