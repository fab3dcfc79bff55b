"""A flow as a process on this machine: its environment's Python, its variables, its exit code.

Starts processes and waits for them; their output goes where this one's goes.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from tools.local.venv import python
from tools.model.service import Service
from tools.repository import BASE_DIRECTORY
from tools.settings import LOCAL, read_dotenv

UI_PORT = 4201

Tell = Callable[[str], None]


def run(root: Path, service: Service, params: str, tell: Tell) -> int:
    """Runs a flow with an embedded Prefect API; everything it keeps lies in `.local/`.

    Args:
        root: the repository.
        service: whose flow.
        params: its parameters, a JSON object.
        tell: told when its environment is made, which takes a while.

    Returns:
        The exit code.
    """
    for name in ("lake", "data", "prefect"):
        (root / ".local" / name).mkdir(parents=True, exist_ok=True)
    program = python(root, service.path, tell)
    entrypoint = service.declaration.docker_storage.entrypoint
    command = [str(program), str(root / BASE_DIRECTORY / "run_flow.py"), entrypoint, params]
    given = variables(root, service, os.environ)
    for name in sorted(service.ecs_run(LOCAL).secrets.keys() - given.keys()):
        tell(f"{name} is a secret of {service.name} that is not set: make set-secret NAME={service.name} SECRET={name}")
    return call(command, service.path, given)


def variables(root: Path, service: Service, shell: Mapping[str, str]) -> dict[str, str]:
    """What a flow gets: the shell's variables; of `.env` only LAKE_URL and those that its service.toml names."""
    home, given = root / ".local", read_dotenv(root / ".env", LOCAL)
    return {
        "LAKE_URL": (home / "lake").as_uri(),
        "DATA_FLOWS_DATA": str(home / "data"),
        "PREFECT_HOME": str(home / "prefect"),
        **{name: given[name] for name in ("LAKE_URL", *service.variables) if name in given},
        **service.declaration.ecs_run.env,
        **shell,
    }


def ui(root: Path, tell: Tell) -> int:
    """Serves Prefect's UI over the runs of `run`, on loopback, until it is stopped."""
    program = python(root, None, tell)
    variables = {
        **os.environ,
        "PREFECT_HOME": str(root / ".local" / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_API_URL": "/api",  # it takes port 4200 for granted
        "PYTHONPATH": str(root / "compose"),
    }
    variables.pop("PREFECT_API_URL", None)
    tell(f"the runs of `make run-flow` are at http://127.0.0.1:{UI_PORT} until Ctrl-C")
    command = [str(program), "-m", "guard.prefect_server", "127.0.0.1", str(UI_PORT)]
    return call(command, root, variables)


def call(command: Sequence[str], cwd: Path, variables: dict[str, str], output: IO[str] | None = None) -> int:
    errors = subprocess.STDOUT if output else None
    returncode = subprocess.run(command, cwd=cwd, env=variables, stdout=output, stderr=errors, check=False).returncode
    return returncode if returncode >= 0 else 128 - returncode
