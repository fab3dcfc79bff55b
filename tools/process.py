"""A flow as a process on this machine: its environment's Python, its variables, its exit code.

Starts processes and waits for them; their output goes where this one's goes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from tools.errors import UserError
from tools.model.service import Service
from tools.repository import BASE_DIRECTORY
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


def test(root: Path, service: Service, arguments: Sequence[str], tell: Tell, output: IO[str] | None) -> int:
    """Runs a flow's own tests on its own locked dependencies; gives pytest's exit code.

    Args:
        root: the repository.
        service: whose tests.
        arguments: for pytest.
        tell: told when its environment is made, which takes a while.
        output: takes what pytest says; None lets it go where this process's goes.

    Raises:
        UserError: it has no tests.
    """
    if not (service.path / "tests").is_dir():
        raise UserError(f"services/{service.name}/tests is missing", "a flow without tests is not done; write one")
    program = python(root, service.path, tell)
    command = [str(program), "-m", "pytest", "-ra", "tests", *arguments]
    return _call(command, service.path, dict(os.environ), output)


def test_all(root: Path, services: Sequence[Service], arguments: Sequence[str], tell: Tell) -> int:
    """Runs the tooling's tests and beside them those of the flows; gives the first exit code that is not 0.

    Most of both is waiting. What the flows' tests say is told flow by flow after the tooling's.
    """
    with ThreadPoolExecutor(1) as pool:
        beside = [(service, pool.submit(_tested, root, service, arguments)) for service in services]
        tell("the tooling's tests; those of the flows run beside them and are told after them")
        codes = [_call([sys.executable, "-m", "pytest", *arguments], root, dict(os.environ))]
        for service, running in beside:
            tell(f"the tests of services/{service.name}")
            code, said = running.result()
            tell(said)
            codes.append(code)
    return next((code for code in codes if code), 0)


def _tested(root: Path, service: Service, arguments: Sequence[str]) -> tuple[int, str]:
    """The exit code of a flow's tests and what they said."""
    said: list[str] = []
    with tempfile.TemporaryFile("w+") as output:
        try:
            code = test(root, service, arguments, said.append, output)
        except UserError as error:
            return error.exit_code, f"error: {error.message}\n  → {error.hint}"
        output.seek(0)
        return code, "\n".join((*said, output.read()))


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


def _call(command: Sequence[str], cwd: Path, variables: dict[str, str], output: IO[str] | None = None) -> int:
    errors = subprocess.STDOUT if output else None
    returncode = subprocess.run(command, cwd=cwd, env=variables, stdout=output, stderr=errors, check=False).returncode
    return returncode if returncode >= 0 else 128 - returncode
