"""The doctor's looks at this machine: programs, the tooling's own environment, the containers of the local cloud."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from tools.clients import bake
from tools.desired.locks import allowed, normalised
from tools.doctor import machine as judge
from tools.environment.doctor.looks import Look, Looks
from tools.errors import UserError
from tools.local import cloud
from tools.model.findings import Check, Finding

CLOUD = "local cloud"
_SECONDS = 20


def look_at_machine(looks: Looks, root: Path, variables: Mapping[str, str]) -> Look[str]:
    """Begins the looks at what the tools need of this machine; gives the one at the Docker engine.

    Args:
        looks: takes them.
        root: the repository.
        variables: of this process.
    """

    def version(of: str, at: Callable[[], str]) -> Look[str]:
        return looks.look(judge.GROUP, of, at, lambda check, found: [check.passed(found)])

    version("Python", platform.python_version)
    version("git", lambda: _version("git"))
    version("make", lambda: _version("make"))
    engine = version("Docker engine", lambda: cloud.docker_engine(variables))
    version("buildx", bake.buildx)
    version("Docker Compose", lambda: cloud.docker_compose(variables))
    looks.look(
        judge.GROUP,
        "tooling's .venv",
        lambda: (allowed(root / "requirements.lock"), _installed()),
        lambda check, both: judge.packages(check, *both),
    )
    return engine


def look_at_cloud(looks: Looks, engine: Look[str], root: Path, variables: Mapping[str, str]) -> None:
    """Begins the look at the containers of the local cloud.

    Args:
        looks: takes it.
        engine: the look at the Docker engine.
        root: the repository.
        variables: of `.env` and of this process.
    """

    def parts() -> Mapping[str, Mapping[str, Any]]:
        engine.value()
        return cloud.parts(root, variables)

    looks.look(CLOUD, "containers", parts, tell_parts)


def tell_parts(check: Check, parts: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Whether each part of the local cloud runs and answers, or has done its work."""
    if not parts:
        yield check.failed("none is there", "make up")
        return
    ill = {service: _ailment(parts.get(service)) for service in cloud.PARTS}
    for service, how in ill.items():
        if how:
            yield check.failed(f"{service} {how}", "make up")
    if not any(ill.values()):
        yield check.passed(f"{', '.join(cloud.PARTS)}: all well")


def _ailment(part: Mapping[str, Any] | None) -> str:
    if part is None:
        return "is not there"
    if part["State"] in ("created", "paused"):
        return f"does not run, it is {part['State']}"
    return cloud.ailment(part)


def _version(program: str) -> str:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"{program} cannot be started: {error}", f"install {program}") from error
    found = re.search(r"\d+(\.\d+)+", done.stdout)
    if done.returncode or not found:
        raise UserError(f"{program} --version fails: {done.stderr.strip()[:200]}", f"install {program} again")
    return found[0]


def _installed() -> dict[str, str]:
    return {normalised(item.metadata["Name"]): item.version for item in distributions()}
