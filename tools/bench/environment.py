"""Where benches run: environments of their own, and the variables that all contenders get alike.

Takes locks; gives a Python that has just what they pin.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.errors import RemoteError
from tools.local.venv import uv

#: What leads to somebody's cloud, and what slows down every import.
_LEFT_OUT = ("AWS_", "PREFECT_", "DOCKER_DEFAULT_PLATFORM", "ENVIRONMENT", "COMPOSE_", "PYTHONDONTWRITEBYTECODE")
_KEPT = ("AWS_CA_BUNDLE",)


def environment(home: Path, locks: Sequence[Path]) -> Path:
    """The Python of an environment in a directory, made of locks; takes no time where it is made already.

    Args:
        home: the directory, below `.local/`.
        locks: all that it is to hold.

    Raises:
        RemoteError: the packages cannot be installed; what uv said is above.
    """
    python = home / "bin" / "python"
    if not python.exists():
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(home))
    _uv("pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode", "--python", str(python), *map(str, locks))
    return python


def variables(**more: str) -> dict[str, str]:
    """This process's variables, less those that lead to a cloud or slow down imports, and some more."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or not name.startswith(_LEFT_OUT)}
    return {**kept, **more}


def _uv(*arguments: str) -> None:
    if subprocess.run([uv(), *arguments], env=variables(), check=False).returncode:
        raise RemoteError(f"uv {arguments[0]} failed; what it said is above", "check the network and run this again")
