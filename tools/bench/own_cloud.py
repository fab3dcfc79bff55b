"""A local cloud beside the usual one: another Compose project, other ports, a copy of the repository that can change.

Takes an empty directory; gives the cloud while it is needed, and removes it with all its data.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.bench.environment import variables
from tools.clients.aws import session
from tools.clients.prefect_http import Http
from tools.errors import RemoteError
from tools.repository import ROOT
from tools.settings import Connection

CALL_SECONDS = 600


def free_port() -> int:
    """A port of the loopback interface that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class OwnCloud:
    """The repository's copy, and the environment in which its commands run."""

    root: Path
    prefect_port: int
    aws_port: int
    environment: dict[str, str] = field(repr=False)

    def call(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs `python -m tools` as a user does."""
        return subprocess.run(
            [sys.executable, "-m", "tools", *arguments],
            cwd=self.root,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
        )

    def done(self, *arguments: str, **more: str) -> None:
        """Runs a verb; see `call`.

        Raises:
            RemoteError: it failed.
        """
        came = self.call(*arguments, **more)
        if came.returncode:
            raise RemoteError(f"`python -m tools {' '.join(arguments)}` failed:\n{came.stdout}{came.stderr}")

    def prefect(self, method: str, path: str, body: object = None) -> Any:
        """Asks the Prefect API."""
        return Http(f"http://127.0.0.1:{self.prefect_port}/api").call(method, path, body)

    def aws(self, name: str) -> Any:
        """A client of the emulator."""
        connection = Connection("us-east-1", f"http://127.0.0.1:{self.aws_port}")
        made: Any = session(connection)
        return made.client(name, endpoint_url=connection.endpoint)


@contextmanager
def own_cloud(home: Path, services: Collection[str]) -> Iterator[OwnCloud]:
    """A cloud of one's own, which is gone afterwards.

    Args:
        home: an empty directory.
        services: which of the repository's services the copy has.
    """
    root = home / "data-flows"
    for name in tracked(services):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes((ROOT / name).read_bytes())
        (root / name).chmod((ROOT / name).stat().st_mode)
    (root / ".env").write_text((root / ".env.example").read_text())
    prefect_port, aws_port = free_port(), free_port()
    environment = variables(
        COMPOSE_PROJECT_NAME=f"data-flows-own-{prefect_port}",
        PREFECT_PORT=str(prefect_port),
        AWS_PORT=str(aws_port),
        COLUMNS="160",
    )
    for name in ("SOURCE_URL", "LAKE_URL"):
        environment.pop(name, None)
    made = OwnCloud(root, prefect_port, aws_port, environment)
    try:
        yield made
    finally:
        made.done("down", "--volumes")


def tracked(services: Collection[str]) -> Iterator[str]:
    """The files that git knows and that are there, less the other services'."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        parts = Path(name).parts
        other = parts[:1] == ("services",) and parts[1] not in services
        if name and not other and (ROOT / name).is_file():
            yield name
