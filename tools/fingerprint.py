"""Directory + base -> fingerprint.

Takes build contexts on disk; gives 16 hex digits that stand for everything that decides an image, before anything is
built. The same fingerprint means the same image. Reads only; times, owners and empty directories do not count, so two
clones of one commit agree.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tools.clients.context import files
from tools.errors import UserError
from tools.model import Service

BASE_DIRECTORY = "base-image"
_SECRET_FILES = re.compile(
    r"^(\.env(\..+)?|.*\.(pem|key|p12|pfx|jks|kdbx)|id_(rsa|dsa|ecdsa|ed25519)|\.netrc|\.npmrc|\.pypirc|credentials)$",
    re.IGNORECASE,
)


def of_base(root: Path, platform: str = "linux/amd64") -> str:
    """The fingerprint of the base image.

    Args:
        root: the repository.
        platform: the image's platform.
    """
    return _digest(_lines(root / BASE_DIRECTORY, "Dockerfile"), {"platform": platform})


def of_service(service: Service, base: str) -> str:
    """The fingerprint of a service's image.

    Args:
        service: its directory is the build context.
        base: the fingerprint of the base image for the service's platform.
    """
    storage = service.declaration.docker_storage
    decided = {f"arg {name}": value for name, value in storage.build_args.items()}
    decided |= {"base": base, "platform": storage.platform, "dockerfile": storage.dockerfile}
    return _digest(_lines(service.path, storage.dockerfile), decided)


def of_services(root: Path, services: Iterable[Service]) -> dict[str, str]:
    """The fingerprint of each service by its name.

    Raises:
        UserError: a build context holds what must not be in an image; all are named.
    """
    services = list(services)
    problems = [problem for service in services for problem in context_problems(service, root)]
    if problems:
        raise UserError("\n".join(problems), "nothing was built or written")
    bases = {
        platform: of_base(root, platform)
        for platform in {service.declaration.docker_storage.platform for service in services}
    }
    return {
        service.name: of_service(service, bases[service.declaration.docker_storage.platform]) for service in services
    }


def context_problems(service: Service, root: Path) -> Iterator[str]:
    """What a service's build context must not hold: secrets, devices, links that lead out of it."""
    shown = service.path.relative_to(root)
    for name in files(service.path, service.declaration.docker_storage.dockerfile):
        entry = service.path / name
        mode = entry.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            yield f"{shown}/{name}: is neither a file nor a link; it cannot be in a build context"
        elif stat.S_ISLNK(mode) and not entry.resolve().is_relative_to(service.path.resolve()):
            yield f"{shown}/{name}: is a link out of the service's directory; a build context cannot hold it"
        elif _SECRET_FILES.match(entry.name):
            yield f"{shown}/{name}: looks like a secret and would be copied into the image; name it in .dockerignore"


def _lines(context: Path, dockerfile: str) -> Iterator[str]:
    for name in files(context, dockerfile):
        path = context / name
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield f"link {name!r} {path.readlink()}"
        else:
            kind = "program" if mode & stat.S_IXUSR else "file"
            yield f"{kind} {name!r} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _digest(lines: Iterable[str], decided: Mapping[str, str]) -> str:
    total = hashlib.sha256()
    for line in (*lines, *(f"{name} = {value!r}" for name, value in sorted(decided.items()))):
        total.update(line.encode() + b"\n")
    return total.hexdigest()[:16]
