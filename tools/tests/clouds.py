"""A local cloud of a test's own: another Compose project, other ports, a copy of the repository that can be changed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from tools.tests.servers import ask, bare_environment, free_port

ROOT = Path(__file__).resolve().parents[2]

SERVICE_TOML = """
[docker_storage]
entrypoint = "flow.py:{function}"

[[deployments]]
name = "manual"
schedules = [{{ slug = "nightly", cron = "15 6 * * *" }}]
"""


@dataclass
class Cloud:
    """The repository's copy and the environment in which its commands run."""

    root: Path
    prefect_port: int
    aws_port: int
    environment: dict[str, str] = field(repr=False)

    def tools(self, *arguments: str, code: int = 0, timeout: int = 600, **variables: str) -> str:
        """Runs `python -m tools` as a user does; gives what it printed on both outputs."""
        done = subprocess.run(
            [sys.executable, "-m", "tools", *arguments],
            cwd=self.root,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert "Traceback (most recent call last)" not in done.stderr, said
        return said

    def results(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """The results of a deploy by service."""
        said = self.tools("deploy", *arguments, "--json", code=code)
        answer = json.loads(said[said.index("{\n") : said.rindex("\n}") + 2])
        return {item["name"]: item for item in answer["services"]}

    def prefect(self, method: str, path: str, body: object = None) -> Any:
        """Asks the Prefect API."""
        answer = ask(method, f"http://127.0.0.1:{self.prefect_port}/api{path}", body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def aws(self, name: str) -> Any:
        """A client of the emulator."""
        return boto3.client(
            name,
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{self.aws_port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )  # type: ignore[call-overload]

    def write_service(self, name: str, code: str) -> None:
        """Adds a service of one small file."""
        home = self.root / "services" / name
        home.mkdir(parents=True, exist_ok=True)
        (home / "flow.py").write_text(code)
        (home / "service.toml").write_text(SERVICE_TOML.format(function=name))
        (home / "Dockerfile").write_text("FROM base\nCOPY . .\n")
        (home / ".dockerignore").write_text("service.toml\n")
        (home / "requirements.lock").write_text("")


@contextmanager
def own_cloud(home: Path, services: Collection[str]) -> Iterator[Cloud]:
    """A clone of the repository with a local cloud of its own, which is gone afterwards with all its data.

    Args:
        home: an empty directory.
        services: which of the repository's services the clone has.
    """
    root = home / "data-flows"
    for name in tracked(services):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes((ROOT / name).read_bytes())
        (root / name).chmod((ROOT / name).stat().st_mode)
    (root / ".env").write_text((root / ".env.example").read_text())
    prefect_port, aws_port = free_port(), free_port()
    project = f"data-flows-story-{prefect_port}"
    environment = bare_environment(
        COMPOSE_PROJECT_NAME=project, PREFECT_PORT=str(prefect_port), AWS_PORT=str(aws_port), COLUMNS="160"
    )
    for name in ("ENVIRONMENT", "COMPOSE_FILE", "SOURCE_URL", "LAKE_URL"):
        environment.pop(name, None)
    made = Cloud(root, prefect_port, aws_port, environment)
    try:
        yield made
    finally:
        made.tools("down", "--volumes")


def tracked(services: Collection[str]) -> Iterator[str]:
    """The files that git knows and that are there, less the other services'."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        parts = Path(name).parts
        other = parts[:1] == ("services",) and parts[1] not in services
        if name and not other and (ROOT / name).is_file():
            yield name


def wait(until: Callable[[], Any], what: str, seconds: int = 90) -> None:
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.5)
