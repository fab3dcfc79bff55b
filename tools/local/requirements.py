"""The locks: requirements files with hashes, compiled by uv. They name no package index.

Takes the repository; writes the locks, or tells which are out of date. What the base pins, a service pins alike: its
lock is compiled with the base's as a constraint.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.desired.discover import directories
from tools.desired.locks import pins
from tools.errors import UserError
from tools.local.venv import uv
from tools.repository import BASE_DIRECTORY


@dataclass(frozen=True)
class Lock:
    """A lock, what it is compiled from, and what it must agree with."""

    path: Path
    source: Path
    group: str | None = None
    with_project: bool = True
    constraint: Path | None = None


def all_locks(root: Path) -> list[Lock]:
    """Every lock of the repository; the base's first, since the services' depend on it."""
    base = root / BASE_DIRECTORY
    base_lock = base / "requirements.lock"
    benches = [root / "tools/bench/pyproject.toml", *sorted((root / "services").glob("*/bench/pyproject.toml"))]
    return [
        Lock(base_lock, base / "pyproject.toml"),
        Lock(
            base / "requirements-test.lock", base / "pyproject.toml", "test", with_project=False, constraint=base_lock
        ),
        Lock(root / "requirements.lock", root / "pyproject.toml", "dev"),
        Lock(root / "compose" / "aws" / "requirements.lock", root / "compose" / "aws" / "pyproject.toml"),
        *locks_of(root),
        *(service_lock(root, source) for source in benches),
    ]


def service_lock(root: Path, source: Path) -> Lock:
    """The lock beside a pyproject.toml whose packages are installed on top of the base's."""
    return Lock(source.with_name("requirements.lock"), source, constraint=root / BASE_DIRECTORY / "requirements.lock")


def locks_of(root: Path, names: Sequence[str] = ()) -> list[Lock]:
    """The locks of services; of all where no names are given.

    Raises:
        UserError: a name is malformed, or there is no such service.
    """
    return [service_lock(root, root / "services" / name / "pyproject.toml") for name in directories(root, names)]


def compile_lock(lock: Lock, *, upgrade: bool = False) -> bool:
    """Compiles a lock in place; versions that it has stay where they still fit.

    Args:
        lock: which.
        upgrade: take the newest versions that fit.

    Returns:
        Whether the file changed.

    Raises:
        UserError: there is nothing to compile it from, or no versions fit together; uv's reasons are given.
    """
    if not lock.source.is_file():
        raise UserError(
            f"{lock.source} is missing; the lock beside it is compiled from it",
            "write one with [project] name, version, requires-python and dependencies",
        )
    with tempfile.NamedTemporaryFile("r", suffix=".lock", delete=False, encoding="utf-8") as handle:
        fresh = Path(handle.name)
    try:
        if lock.path.is_file() and not upgrade:
            fresh.write_bytes(lock.path.read_bytes())  # uv keeps the versions of the output file that it finds
        _compile(lock, fresh, upgrade=upgrade)
        before = lock.path.read_bytes() if lock.path.is_file() else None
        after = fresh.read_bytes()
        if after != before:
            lock.path.write_bytes(after)
        return after != before
    finally:
        fresh.unlink()


def _compile(lock: Lock, output: Path, *, upgrade: bool) -> None:
    command = [
        uv(),
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--generate-hashes",
        "--python-version",
        "3.11",
        "--no-header",
        "--no-annotate",
        "--output-file",
        str(output),
    ]
    if upgrade:
        command.append("--upgrade")
    if lock.with_project:
        command.append(str(lock.source))
    if lock.group:
        command += ["--group", f"{lock.source}:{lock.group}"]
    if lock.constraint:
        command += ["--constraint", str(lock.constraint)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(
            f"{lock.source}: no versions fit together:\n{done.stderr.strip()}",
            "mend its dependencies; what the base pins, a service cannot change",
        )


def disagreements(root: Path) -> Iterator[str]:
    """Where a service pins another version than the base, so that installing it would change the base's."""
    base = pins(root / BASE_DIRECTORY / "requirements.lock")
    for path in sorted((root / "services").glob("*/requirements.lock")):
        for name, version in pins(path).items():
            if base.get(name, version) != version:
                yield f"{path.relative_to(root)}: {name}=={version}, the base has {base[name]}; run: make lock"


def missing(locks: Sequence[Lock], root: Path) -> Iterator[str]:
    """Locks that are not there."""
    for lock in locks:
        if not lock.path.is_file():
            yield f"{lock.path.relative_to(root)}: is missing; run: make lock"
