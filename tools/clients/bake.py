"""Builds images through `docker buildx bake`: one BuildKit session for all, in parallel, linked to the base by a name.

Takes build contexts; the images are on the engine afterwards. Says who failed and why.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.clients.stage import staged
from tools.errors import ToolsError, UserError
from tools.model.images import OnProgress, Target
from tools.model.names import BASE_IMAGE, PLATFORM

_STEP = re.compile(r"^#\d+ \[(?P<target>[^\s\]]+)(?P<stage> \S+)? +(?P<at>\d+/\d+)\] (?P<what>.*)")
#: Who failed, as newer versions of buildx say it, and as BuildKit heads the output of the step that failed.
_CULPRIT = re.compile(r"^(?:ERROR: )?target (?P<newer>[^:\s]+): |^ > \[(?P<step>[^\s\]]+)[^\]]*\]", re.MULTILINE)
_REASON = re.compile(r"^ERROR: (?:target [^:\s]+: )?(?:failed to solve: )?(?P<why>.*)", re.MULTILINE)
OLDEST = (0, 13)
"""The oldest buildx with which this was tried."""


def build(base: Path, targets: Sequence[Target], step: OnProgress) -> dict[str, ToolsError]:
    """Builds images in one session, in parallel, the base first. One that fails does not stop the others.

    Args:
        base: the base image's build context.
        targets: what to build.
        step: told of each step.

    Returns:
        The error of each service whose image could not be built.

    Raises:
        UserError: there is no buildx, or too old a one.
    """
    if not targets:
        return {}
    _check_home()
    buildx()
    with staged([(base, "Dockerfile"), *((item.context, item.dockerfile) for item in targets)]) as copies:
        own = [replace(item, context=copies[item.context, item.dockerfile]) for item in targets]
        return _build(copies[base, "Dockerfile"], own, step)


def _build(base: Path, targets: Sequence[Target], step: OnProgress) -> dict[str, ToolsError]:
    left, failed = list(targets), dict[str, ToolsError]()
    while left:
        said = _bake(base, left, [item.service for item in left], step)
        if said is None:
            break
        of_base = _bake(base, left, sorted({_base_name(item) for item in left}), step)
        if of_base is not None:
            return failed | {item.service: _error("the base image", of_base, _BASE_HINT) for item in left}
        culprit = _culprit(said, left)
        failed |= _failed(culprit, said) if culprit else _one_by_one(base, left, step)
        left = [item for item in left if item is not culprit] if culprit else []
    return failed


_BASE_HINT = "mend base-image/, or see what the engine lacks"


def _culprit(said: str, left: Sequence[Target]) -> Target | None:
    """Who failed; None where nobody is named. A single one has nobody to share the blame with."""
    if len(left) == 1:
        return left[0]
    found = _CULPRIT.search(said)
    name = (found["newer"] or found["step"]) if found else ""
    return next((item for item in left if item.service == name), None)


def _one_by_one(base: Path, left: Sequence[Target], step: OnProgress) -> dict[str, ToolsError]:
    """Where nobody was named, each is built alone: those that can be built come from the cache."""
    failed: dict[str, ToolsError] = {}
    for item in left:
        said = _bake(base, [item], [item.service], step)
        if said is not None:
            failed |= _failed(item, said)
    return failed


def _failed(target: Target, said: str) -> dict[str, ToolsError]:
    return {target.service: _error("its image", said, "mend the Dockerfile, or what it installs")}


def _error(what: str, said: str, hint: str) -> ToolsError:
    """The reason, and the end of what the failing step itself said."""
    reason = _REASON.search(said)
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith(("#", "WARNING"))]
    shown = "\n".join(lines[-25:])
    return UserError(f"{what} cannot be built: {reason['why'].strip() if reason else 'bake failed'}\n{shown}", hint)


def _check_home() -> None:
    """Docker's builder keeps what it knows in the user's home; where it cannot, no Dockerfile is to blame."""
    config = Path(os.environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser())
    place = Path(os.environ.get("BUILDX_CONFIG") or config / "buildx")
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", "") or error
        raise UserError(
            f"docker buildx cannot write to {place}: {why}",
            "mend HOME, or set BUILDX_CONFIG to a directory that it can write to",
        ) from error


def buildx() -> str:
    """The version of Docker's buildx.

    Raises:
        UserError: there is none, or it is too old.
    """
    missing = "install Docker's buildx plug-in"
    try:
        done = subprocess.run(["docker", "buildx", "version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"docker cannot be started: {error}", missing) from error
    if done.returncode:
        raise UserError("Docker has no buildx", missing)
    version = re.search(r"\bv?(\d+)\.(\d+)(\.\d+)?", done.stdout)
    if version and (int(version[1]), int(version[2])) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise UserError(f"buildx {version[0]} is too old; {needed} or newer is needed", "update Docker or its plug-in")
    return version[0] if version else done.stdout.strip()


def _bake(base: Path, targets: Sequence[Target], names: Sequence[str], step: OnProgress) -> str | None:
    """Runs bake for some names of its file; None where all went well, otherwise the end of what it said."""
    command = ["docker", "buildx", "bake", "--progress=plain", "--file=-", *names]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise UserError(f"docker cannot be started: {error}", "install Docker with its buildx plug-in") from error
    if process.stdin is None or process.stderr is None:
        raise AssertionError("both were asked for as pipes")
    last: deque[str] = deque(maxlen=60)
    try:
        process.stdin.write(json.dumps(bake_file(base, targets)))
        process.stdin.close()
        for line in process.stderr:
            last.append(line.rstrip())
            seen = _STEP.match(line)
            if seen:
                # Only the base's Dockerfile names its stages.
                step("base" if seen["stage"] else seen["target"], f"{seen['at']} {seen['what'].strip()}")
    finally:
        if process.poll() is None and process.stderr.closed is False:
            process.stderr.close()
        code = process.wait()
    return "\n".join(last) if code else None


def bake_file(base: Path, targets: Sequence[Target]) -> dict[str, Any]:
    """What `docker buildx bake` is given: the base and, linked to it by a named context, each service.

    Args:
        base: the base image's build context.
        targets: what to build.
    """
    found: dict[str, Any] = {}
    for target in targets:
        own_base = _base_name(target)
        found[own_base] = {"context": str(base), "tags": [f"{BASE_IMAGE}:latest"], "platforms": [target.platform]}
        found[target.service] = {
            "context": str(target.context),
            "dockerfile": target.dockerfile,
            "contexts": {"base": f"target:{own_base}"},
            "args": {name: value.replace("${", "$${") for name, value in target.build_args.items()},
            "labels": {
                "org.opencontainers.image.title": target.service,
                f"{PLATFORM}.fingerprint": target.fingerprint,
            },
            "tags": [target.tag],
            "platforms": [target.platform],
        }
    return {"target": found}


def _base_name(target: Target) -> str:
    return f"base-{target.platform.replace('/', '-')}"
