"""A flow as a process on this machine: its environment's Python, its variables, its exit code.

Starts processes and waits for them; their output goes where this one's goes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.errors import UserError
from tools.fingerprint import BASE_DIRECTORY
from tools.model import Service
from tools.settings import LOCAL, read_dotenv
from tools.venv import python

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
    home = root / ".local"
    for name in ("lake", "data", "prefect"):
        (home / name).mkdir(parents=True, exist_ok=True)
    variables = {
        "LAKE_URL": (home / "lake").as_uri(),
        "DATA_FLOWS_DATA": str(home / "data"),
        "PREFECT_HOME": str(home / "prefect"),
        **read_dotenv(root / ".env", LOCAL),
        **os.environ,
    }
    program = python(root, service.path, tell)
    entrypoint = service.declaration.docker_storage.entrypoint
    return _call(
        [str(program), str(root / BASE_DIRECTORY / "run_flow.py"), entrypoint, params], service.path, variables
    )


def test(root: Path, service: Service, arguments: Sequence[str], tell: Tell) -> int:
    """Runs a flow's own tests on its own locked dependencies; gives pytest's exit code.

    Raises:
        UserError: it has no tests.
    """
    if not (service.path / "tests").is_dir():
        raise UserError(f"services/{service.name}/tests is missing", "a flow without tests is not done; write one")
    program = python(root, service.path, tell)
    return _call([str(program), "-m", "pytest", "-ra", "tests", *arguments], service.path, dict(os.environ))


def test_all(root: Path, services: Sequence[Service], arguments: Sequence[str], tell: Tell) -> int:
    """Runs the tooling's tests, then those of each flow; gives the first exit code that is not 0."""
    tell("the tooling's tests")
    codes = [_call([sys.executable, "-m", "pytest", *arguments], root, dict(os.environ))]
    for service in services:
        tell(f"the tests of services/{service.name}")
        codes.append(test(root, service, arguments, tell))
    return next((code for code in codes if code), 0)


def ui(root: Path, tell: Tell) -> int:
    """Serves Prefect's UI over the runs of `run`, on loopback, until it is stopped."""
    program = python(root, None, tell)
    variables = {
        **os.environ,
        "PREFECT_HOME": str(root / ".local" / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{UI_PORT}/api",  # it takes port 4200 for granted
    }
    variables.pop("PREFECT_API_URL", None)
    tell(f"the runs of `make run-flow` are at http://127.0.0.1:{UI_PORT} until Ctrl-C")
    command = [str(program), "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(UI_PORT)]
    return _call(command, root, variables)


def _call(command: Sequence[str], cwd: Path, variables: dict[str, str]) -> int:
    returncode = subprocess.run(command, cwd=cwd, env=variables, check=False).returncode
    return returncode if returncode >= 0 else 128 - returncode
