"""The doctor as a user meets it where nothing of the local cloud is there, and on arguments that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.bench.own_cloud import free_port
from tools.tests.repositories import Repository, make_service
from tools.tests.samples import unique


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with one service."""
    made = Repository(tmp_path)
    make_service(tmp_path, "hello")
    (tmp_path / "requirements.lock").write_text("pytest==0.0.1 \\\n    --hash=sha256:0\n")
    return made


def nowhere(**more: str) -> dict[str, str]:
    """The variables of a local cloud that nobody has started."""
    ports = {"PREFECT_PORT": str(free_port()), "AWS_PORT": str(free_port())}
    return {**ports, "COMPOSE_PROJECT_NAME": unique("nobody"), **more}


def test_where_nothing_is_there_each_thing_is_told_once_with_what_to_do(repository: Repository) -> None:
    before = repository.files()
    done = repository.run("doctor", **nowhere(DOCKER_HOST="unix:///nonexistent"))

    assert (done.returncode, done.stderr) == (2, "")
    lines = done.stdout.splitlines()
    assert [line.split()[1:3] for line in lines if line.lstrip().startswith("fail")] == [
        ["Docker", "engine"],
        ["tooling's", ".venv"],
        ["credentials", "the"],
        ["API", "Prefect:"],
    ]
    assert "→ start the local cloud: make up" in done.stdout
    assert "→ make setup" in done.stdout
    told = " ".join(done.stdout.split())
    assert "containers not looked at, for want of this machine: Docker engine" in told
    assert "roles not looked at, for want of AWS: credentials" in told
    assert lines[-1].startswith("Local: ")
    assert "4 to mend" in lines[-1]
    assert repository.files() == before


def test_the_same_for_machines(repository: Repository) -> None:
    done = repository.run("doctor", "--json", **nowhere(PATH=""))
    told = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (2, "")
    assert told["environment"] == "Local"
    assert told["failed"] == sum(item["verdict"] == "fail" for item in told["findings"])
    found = {item["what"]: item for item in told["findings"]}
    assert found["git"]["verdict"] == "fail"
    assert found["git"]["mend"] == "install git"
    assert found["buildx"]["mend"] == "install Docker's buildx plug-in"
    assert found["files"] == {"group": "flows", "what": "files", "verdict": "pass", "found": "1 declared", "mend": None}
