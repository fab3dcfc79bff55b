"""The local cloud's addresses, its refusals before anything is started, and whom it blames. test_story.py starts it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.bench.own_cloud import free_port
from tools.errors import UserError
from tools.local.cloud import PARTS, Addresses, culprit, down, up

ROOT = Path(__file__).parents[3]
WELL = {"State": "running", "Health": "healthy", "ExitCode": 0}
DONE = {"State": "exited", "Health": "", "ExitCode": 0}
FAILED = {"State": "exited", "Health": "", "ExitCode": 1}
WAITING = {"State": "created", "Health": "", "ExitCode": 0}
SILENT = {"State": "running", "Health": "unhealthy", "ExitCode": 0}
LOOPING = {"State": "restarting", "Health": "", "ExitCode": 0}


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def variables() -> dict[str, str]:
    """Those of a local cloud that nobody has started."""
    name = f"data-flows-test-{os.getpid()}"
    ports = {"PREFECT_PORT": str(free_port()), "AWS_PORT": str(free_port())}
    return {**os.environ, "COMPOSE_PROJECT_NAME": name, **ports}


def nothing() -> None:
    """Makes no environment: it is not come to."""
    pytest.fail("an environment was made where nothing was started")


def networks() -> str:
    return subprocess.run(["docker", "network", "ls"], capture_output=True, text=True, check=True).stdout


def test_addresses_follow_the_ports() -> None:
    addresses = Addresses(prefect_port=5200, aws_port=5566)
    assert addresses.api == "http://127.0.0.1:5200/api"
    assert dict(addresses.lines()) == {
        "Prefect UI": "http://127.0.0.1:5200",
        "Prefect API": "http://127.0.0.1:5200/api",
        "AWS endpoint": "http://127.0.0.1:5566",
        "ECR registry": "localhost:5566",
    }


@pytest.mark.parametrize(
    ("states", "blamed"),
    [
        ((WELL, WELL, WELL, WELL), None),
        ((WELL, WELL, WELL, WAITING), None),
        ((WELL, WELL, SILENT, WAITING), ("aws", "does not answer")),
        ((WELL, LOOPING, SILENT, WAITING), ("engine", "ends as soon as it has started")),
        ((LOOPING, WELL, WELL, WAITING), ("prefect-server", "ends as soon as it has started")),
        ((WELL, WELL, FAILED, WAITING), ("aws", "ended with exit code 1")),
        ((WELL, WELL, WELL, DONE), ("worker", "ended with exit code 0")),
        ((WELL, WELL, SILENT, FAILED), ("aws", "does not answer")),
    ],
)
def test_the_first_part_that_failed_by_itself_is_blamed(states: tuple[dict[str, Any], ...], blamed: object) -> None:
    assert culprit(dict(zip(PARTS, states, strict=True))) == blamed


def test_nobody_is_blamed_where_nothing_was_started() -> None:
    assert culprit({}) is None


@pytest.mark.parametrize("name", ["PREFECT_PORT", "AWS_PORT"])
def test_a_port_that_is_no_number_is_refused(variables: dict[str, str], name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is 'high'"):
        up(ROOT, {**variables, name: "high"}, print, nothing)


def test_a_machine_without_docker_is_told_so(variables: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Docker is not installed"):
        up(ROOT, {**variables, "PATH": str(tmp_path)}, print, nothing)


@pytest.mark.docker
def test_an_engine_that_does_not_answer_is_told(variables: dict[str, str]) -> None:
    nowhere = {**variables, "DOCKER_HOST": "unix:///nonexistent"}
    with pytest.raises(UserError, match="the Docker engine does not answer"):
        up(ROOT, nowhere, print, nothing)
    with pytest.raises(UserError, match="the Docker engine does not answer"):
        down(ROOT, nowhere, volumes=False)


@pytest.mark.docker
@pytest.mark.parametrize("name", ["PREFECT_PORT", "AWS_PORT"])
def test_a_taken_port_is_told_with_its_variable_and_nothing_is_started(
    variables: dict[str, str], taken_port: int, name: str
) -> None:
    with pytest.raises(UserError, match=f"port {taken_port} of 127.0.0.1 is taken by another program") as raised:
        up(ROOT, {**variables, name: str(taken_port)}, print, nothing)
    assert f"{name}={taken_port + 100}" in raised.value.hint or f"{name}=14000" in raised.value.hint
    assert variables["COMPOSE_PROJECT_NAME"] not in networks()


@pytest.mark.docker
def test_stopping_what_does_not_run_is_fine(variables: dict[str, str]) -> None:
    down(ROOT, variables, volumes=True)
