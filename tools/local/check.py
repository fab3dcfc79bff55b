"""What must hold of the repository before it is committed: lint, format, types, locks, services, compose file.

Takes the repository; gives each check with its problems. Writes nothing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tools.desired import fingerprint, permissions
from tools.desired.discover import services
from tools.errors import ToolsError
from tools.local import compose_file
from tools.local import requirements as locks
from tools.local.venv import python

Problems = Sequence[str]


def checks(root: Path) -> Iterator[tuple[str, Problems]]:
    """Each check by its name, with what is wrong; nothing where it is fine."""
    yield "lint (ruff check)", _command(root, "ruff", "check", "--quiet", ".")
    yield "format (ruff format)", _command(root, "ruff", "format", "--quiet", "--check", ".")
    yield "types of tools/ (mypy)", _command(root, "mypy", "--no-error-summary")
    for service in sorted((root / "services").glob("*/service.toml")):
        yield f"types of services/{service.parent.name}/ (mypy)", service_types(root, service.parent)
    yield "walls between rooms (import-linter)", _walls(root)
    yield "locks are there", list(locks.missing(locks.all_locks(root), root))
    yield "services pin what the base pins", list(locks.disagreements(root))
    yield "services are valid", _raised(lambda: fingerprint.of_services(root, services(root)))
    yield "AWS knows what services may do", _raised(lambda: permissions.check(services(root)))
    yield "compose/flows.yaml is in step with services/", _raised(lambda: _compose_in_step(root))


def service_types(root: Path, service: Path) -> Problems:
    """What mypy finds in a service and its tests, with the service's own dependencies.

    Args:
        root: the repository.
        service: the service's directory. Its `bench/` has dependencies of its own and is left out.
    """
    told: list[str] = []
    try:
        program = python(root, service, told.append)
    except ToolsError as error:
        return [error.message]
    options = (f"--config-file={root / 'pyproject.toml'}", f"--cache-dir={root / '.mypy_cache' / service.name}")
    return _command(
        service, "mypy", "--no-error-summary", f"--python-executable={program}", *options, "--exclude=^bench/", "."
    )


def _walls(root: Path) -> Problems:
    program = str(Path(sys.executable).with_name("lint-imports"))
    done = subprocess.run([program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    _, _, broken = done.stdout.partition("Broken contracts")
    told = (broken or done.stdout + done.stderr).splitlines()
    return [line for line in told if line.strip() and not line.startswith("---")]


def _command(root: Path, *arguments: str) -> Problems:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] or [
        f"exit code {done.returncode}"
    ]


def _raised(check: Callable[[], object]) -> Problems:
    try:
        check()
    except ToolsError as error:
        return [*error.message.splitlines(), *([f"→ {error.hint}"] if error.hint else [])]
    return []


def _compose_in_step(root: Path) -> None:
    compose_file.check(root, services(root))
