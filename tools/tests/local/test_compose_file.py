"""compose/flows.yaml: what it says of a service, and when it is out of step. Read by Docker Compose itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tools.desired.discover import services
from tools.errors import UserError
from tools.local import compose_file, flow
from tools.model.service import Declaration, DockerStorage, Service

ROOT = Path(__file__).parents[3]


def service(name: str = "copy", more: Mapping[str, Any] | None = None, **storage: Any) -> Service:
    docker_storage = DockerStorage(**{"entrypoint": "flow.py:copy", **storage})
    declaration = Declaration.model_validate({"docker_storage": docker_storage, **(more or {})})
    return Service(name=name, path=ROOT / "services" / name, declaration=declaration)


def read(tmp_path: Path, text: str, **variables: str) -> dict[str, Any]:
    """The compose services that Compose finds in a text."""
    file = tmp_path / "compose" / "flows.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, "utf-8")
    command = ["docker", "compose", "--file", str(file), "--profile", "flows", "config", "--format", "json"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin:/usr/local/bin", **variables}
    )
    found: dict[str, Any] = json.loads(done.stdout).get("services", {})
    return found


def test_the_repositorys_file_is_in_step_with_its_services() -> None:
    compose_file.check(ROOT, services(ROOT))


def test_writing_changes_the_file_once(tmp_path: Path) -> None:
    (tmp_path / "compose").mkdir()
    assert compose_file.write(tmp_path, [service()])
    assert not compose_file.write(tmp_path, [service()])
    compose_file.check(tmp_path, [service()])


@pytest.mark.parametrize(
    "declared",
    [[], [service("other")], [service(), service("other")], [service(entrypoint="flow.py:other")]],
    ids=["gone", "renamed", "added", "changed"],
)
def test_a_file_that_is_out_of_step_is_refused(tmp_path: Path, declared: list[Service]) -> None:
    (tmp_path / "compose").mkdir()
    compose_file.write(tmp_path, [service()])
    with pytest.raises(UserError, match="out of step") as raised:
        compose_file.check(tmp_path, declared)
    assert "python -m tools compose" in raised.value.hint


def test_a_missing_file_is_out_of_step(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="out of step"):
        compose_file.check(tmp_path, [])


def test_the_order_of_services_does_not_matter() -> None:
    assert compose_file.text([service("a"), service("b")]) == compose_file.text([service("b"), service("a")])


@pytest.mark.docker
def test_each_flow_is_built_on_the_base_and_run_by_its_entrypoint(tmp_path: Path) -> None:
    found = read(tmp_path, compose_file.text([service(), service("other", entrypoint="sub/main.py:run")]))
    assert set(found) == {"copy", "other"}
    assert found["copy"]["build"]["context"] == str(tmp_path / "services" / "copy")
    assert found["copy"]["build"]["additional_contexts"] == {"base": "docker-image://data-flows/base"}
    assert found["copy"]["image"] == "data-flows/copy:compose"
    assert found["copy"]["pull_policy"] == "build"
    assert found["copy"]["profiles"] == ["flows"]
    assert found["copy"]["entrypoint"][-2:] == ["run-flow", "flow.py:copy"]
    assert found["other"]["entrypoint"][-2:] == ["run-flow", "sub/main.py:run"]


@pytest.mark.docker
def test_a_flow_depends_on_nothing_of_the_local_cloud(tmp_path: Path) -> None:
    found = read(tmp_path, compose_file.text([service()]))
    assert "depends_on" not in found["copy"]
    assert "PREFECT_API_URL" not in found["copy"]["environment"]


@pytest.mark.docker
def test_the_lake_is_the_repositorys_unless_a_variable_says_otherwise(tmp_path: Path) -> None:
    text = compose_file.text([service()])
    assert read(tmp_path, text)["copy"]["environment"]["LAKE_URL"] == "file:///local/lake"
    assert str(tmp_path / ".local") in [volume["source"] for volume in read(tmp_path, text)["copy"]["volumes"]]
    assert read(tmp_path, text, LAKE_URL="s3://mine/lake")["copy"]["environment"]["LAKE_URL"] == "s3://mine/lake"


@pytest.mark.docker
def test_build_arguments_reach_the_build_as_they_are(tmp_path: Path) -> None:
    arguments = {"PRICE": "5 $ ${HOME}", "QUOTE": "a\"b'c", "COLON": "a: b # c", "TRUE": "true", "WORD": "größer"}
    found = read(tmp_path, compose_file.text([service(build_args=arguments, dockerfile="docker/Dockerfile")]))
    shown = {name: value.replace("$$", "$") for name, value in found["copy"]["build"]["args"].items()}
    assert shown == arguments
    assert found["copy"]["build"]["dockerfile"] == "docker/Dockerfile"


@pytest.mark.docker
def test_a_repository_without_services_has_a_valid_file(tmp_path: Path) -> None:
    cloud = "include: [flows.yaml]\nservices: { a: { image: python:3.13-slim } }\n"
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "flows.yaml").write_text(compose_file.text([]), "utf-8")
    (tmp_path / "compose" / "compose.yaml").write_text(cloud, "utf-8")
    file = str(tmp_path / "compose" / "compose.yaml")
    subprocess.run(["docker", "compose", "--file", file, "config", "--quiet"], check=True)


PRICE = '5 $ ${HOME} "it\'s" #1'
DECLARED = {
    "ecs_run": {"env": {"PRICE": PRICE, "NO": "no"}, "secrets": {"TOKEN": "TOKEN"}},
    "environments": {"Prod": {"ecs_run": {"env": {"REGION_NAME": "north"}, "secrets": {"SOURCE_URL": "SOURCE_URL"}}}},
}
DOTENV = """
COMPOSE_FILE=compose/flows.yaml
PREFECT_API_KEY=canary
AWS_SECRET_ACCESS_KEY=canary
OTHER=canary
LAKE_URL=s3://mine/lake
SOURCE_URL='postgres://u:pa$$w0rd"x@h/d?a=b#c'
REGION_NAME=here
"""
GIVEN = {"LAKE_URL": "s3://mine/lake", "SOURCE_URL": 'postgres://u:pa$$w0rd"x@h/d?a=b#c', "REGION_NAME": "here"}


@pytest.mark.docker
def test_a_flow_gets_what_it_declares_and_nothing_else_of_dotenv_in_its_image_as_in_a_process(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(DOTENV)
    (tmp_path / "compose").mkdir()
    copy = service(more=DECLARED)
    (tmp_path / "compose" / "flows.yaml").write_text(compose_file.text([copy]), "utf-8")
    command = ["docker", "compose", "--profile", "flows", "config", "--format", "json"]
    bare = {"PATH": "/usr/bin:/bin:/usr/local/bin"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=bare)
    shown = json.loads(done.stdout)["services"]["copy"]["environment"]
    # What is null is absent; a dollar is written twice.
    in_image = {name: value.replace("$$", "$") for name, value in shown.items() if value is not None}
    in_process = flow.variables(tmp_path, copy, {})
    for found in (in_image, in_process):
        del found["DATA_FLOWS_DATA"]
    assert in_process.pop("PREFECT_HOME")  # the image has one of its own
    assert in_image == in_process == {**GIVEN, "PRICE": PRICE, "NO": "no"}
    assert "canary" not in done.stdout


def test_a_flow_that_declares_nothing_gets_nothing_of_dotenv_but_the_lake(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(DOTENV)
    found = flow.variables(tmp_path, service(), {"HOME": "/home/me"})
    assert set(found) == {"LAKE_URL", "DATA_FLOWS_DATA", "PREFECT_HOME", "HOME"}
    assert found["LAKE_URL"] == "s3://mine/lake"


def test_the_shell_goes_before_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(DOTENV)
    assert (
        flow.variables(tmp_path, service(more=DECLARED), {"SOURCE_URL": "sqlite:///x"})["SOURCE_URL"] == "sqlite:///x"
    )
