"""The real things that tests run against, each started once: a Prefect server, two AWS emulators, a Docker engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tools.bench.own_cloud import free_port
from tools.settings import Connection
from tools.tests.servers import bare_environment, serving

#: How deep hypothesis looks: a little at each save, all the way in CI.
settings.register_profile("local", max_examples=10, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the Prefect server of `prefect_api_url` has its database."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def prefect_api_url(prefect_home: Path) -> Iterator[str]:
    """The address of a real Prefect server on SQLite."""
    home, port = prefect_home, free_port()
    environment = bare_environment(
        PREFECT_HOME=str(home), PREFECT_SERVER_ANALYTICS_ENABLED="false", PREFECT_LOGGING_LEVEL="WARNING"
    )
    program = str(Path(sys.executable).with_name("prefect"))
    command = [program, "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
    api = f"http://127.0.0.1:{port}/api"
    for _ in serving(command, f"{api}/health", home / "server.log", environment):
        yield api


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """An AWS emulator, as in compose/, without the Docker engine behind it."""
    home, port = tmp_path_factory.mktemp("ministack"), free_port()
    environment = bare_environment(
        GATEWAY_PORT=str(port), BIND_HOST="127.0.0.1", MINISTACK_HOST="localhost", DOCKER_HOST="unix:///nonexistent"
    )
    command = [sys.executable, "-m", "ministack"]
    for address in serving(command, f"http://127.0.0.1:{port}", home / "ministack.log", environment):
        yield Connection("us-east-1", address)


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A second AWS emulator, written independently of the first."""
    home, port = tmp_path_factory.mktemp("moto"), free_port()
    program = str(Path(sys.executable).with_name("moto_server"))
    command = [program, "-H", "127.0.0.1", "-p", str(port)]
    for address in serving(command, f"http://127.0.0.1:{port}", home / "moto.log", bare_environment()):
        yield Connection("us-east-1", address)


def docker_missing() -> str:
    """Why the tests that need Docker cannot run here; empty where they can."""
    if not shutil.which("docker"):
        return "docker is not installed"
    for command in (["docker", "version"], ["docker", "buildx", "version"], ["docker", "compose", "version"]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            return f"`{' '.join(command)}` fails: {done.stderr.strip()[:200]}"
    image = subprocess.run(["docker", "image", "inspect", "python:3.13-slim"], capture_output=True, check=False)
    if (
        image.returncode
        and subprocess.run(
            ["docker", "pull", "-q", "python:3.13-slim"], capture_output=True, check=False, timeout=300
        ).returncode
    ):
        return "the image python:3.13-slim is not there and cannot be pulled (see .ci/python-image)"
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips the tests that need Docker, with the reason, where it is missing. In CI a skip is a failure."""
    marked = [item for item in items if item.get_closest_marker("docker")]
    reason = docker_missing() if marked else ""
    if reason:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=f"needs Docker: {reason}"))
