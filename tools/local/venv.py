"""A service's own Python environment on this machine: the base's lock, its own and the tests' on top.

Takes a service, gives the path of a Python in `services/<name>/.venv`, made by uv where it is missing or where a lock
changed. Installs with hashes only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools.errors import RemoteError, UserError
from tools.repository import BASE_DIRECTORY

STAMP = ".locks"


def uv() -> str:
    """The uv program: the one beside this Python, else on PATH.

    Raises:
        UserError: there is none.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise UserError("uv is not installed beside this Python", "install the tooling again: make setup")
    return found


def locks(root: Path, service: Path | None) -> list[Path]:
    """The locks that an environment is made of; only the base's without a service."""
    base = [root / BASE_DIRECTORY / name for name in ("requirements.lock", "requirements-test.lock")]
    return [*base, service / "requirements.lock"] if service else base


def python(root: Path, service: Path | None, tell: Callable[[str], None]) -> Path:
    """The Python of a service's environment, or, without a service, of one that has just the base's packages.

    Args:
        root: the repository.
        service: the service's directory.
        tell: told when something is installed, which takes a while.

    Raises:
        UserError: a lock is missing.
        RemoteError: the packages cannot be installed; what uv said is above.
    """
    home = (service or root / ".local" / "base") / ".venv"
    needed = locks(root, service)
    for lock in needed:
        if not lock.is_file():
            raise UserError(f"{lock.relative_to(root)} is missing", "make it: make lock")
    stamp = hashlib.sha256(b"".join(lock.read_bytes() for lock in needed)).hexdigest()
    program = home / "bin" / "python"
    marker = home / STAMP
    if program.exists() and marker.is_file() and marker.read_text("ascii") == stamp:
        return program
    tell(f"setting up {home.relative_to(root)} from its locks")
    if not program.exists():
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(home))
    _uv("pip", "sync", "--quiet", "--require-hashes", "--python", str(program), *map(str, needed))
    marker.write_text(stamp, "ascii")
    return program


def _uv(*arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    if subprocess.run([uv(), *arguments], env=environment, check=False).returncode:
        raise RemoteError(
            f"uv {arguments[0]} failed; what it said is above",
            "check the network; a home that cannot be written needs UV_CACHE_DIR to name a directory that can",
        )
