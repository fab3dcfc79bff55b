"""Builds images through `docker buildx bake`: one BuildKit session for all, in parallel, linked to the base by a name.

Takes build contexts; the images are on the engine afterwards. Says who failed and why.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.errors import ToolsError, UserError
from tools.model.images import OnProgress, Target
from tools.model.names import BASE_IMAGE, PLATFORM

_STEP = re.compile(r"^#\d+ \[(?P<target>[^\s\]]+)(?P<stage> \S+)? +(?P<at>\d+/\d+)\] (?P<what>.*)")
_FAILED_TARGET = re.compile(r"^(?:ERROR: )?target (?P<target>[^:\s]+): (?P<why>.*)", re.MULTILINE)


def build(base: Path, targets: Sequence[Target], step: OnProgress) -> dict[str, ToolsError]:
    """Builds images in one session, in parallel, the base first. One that fails does not stop the others.

    Args:
        base: the base image's build context.
        targets: what to build.
        step: told of each step.

    Returns:
        The error of each service whose image could not be built.
    """
    left, failed = list(targets), dict[str, ToolsError]()
    while left:
        said = _bake(base, left, step)
        if said is None:
            break
        culprit = _FAILED_TARGET.search(said)
        name = culprit["target"] if culprit else ""
        if name not in {target.service for target in left}:
            failed |= {target.service: _build_error(target.service, said) for target in left}
            break
        failed[name] = _build_error(name, said)
        left = [target for target in left if target.service != name]
    return failed


def _bake(base: Path, targets: Sequence[Target], step: OnProgress) -> str | None:
    """Runs bake; None where all went well, otherwise the end of what it said."""
    command = ["docker", "buildx", "bake", "--progress=plain", "--file=-", *(target.service for target in targets)]
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
        own_base = f"base-{target.platform.replace('/', '-')}"
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


def _build_error(service: str, said: str) -> ToolsError:
    reason = _FAILED_TARGET.search(said)
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith(("#", "WARNING"))]
    shown = "\n".join(lines[-25:])
    why = reason["why"].strip() if reason else "docker buildx bake failed"
    return UserError(
        f"{service}: its image cannot be built: {why}\n{shown}", "mend the Dockerfile, or what it installs"
    )
