"""Directory + base -> fingerprint.

Takes build contexts on disk; gives 16 hex digits that stand for everything that decides an image, before anything is
built, and a short hash of each input, by which a later plan tells what changed. The same fingerprint means the same
image. Reads only; times, owners and empty directories do not count, so two clones of one commit agree.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.desired.build_context import context_problems, files
from tools.desired.discover import Broken, all_of
from tools.errors import UserError
from tools.model.service import Service
from tools.repository import BASE_DIRECTORY

WAY = {"the way of building": "2"}
"""Another number where the same files give another image: what was built before is then built anew."""
MAX_INPUTS = 150
"""A release names no more inputs than this: a task definition has 64 kB."""


@dataclass(frozen=True)
class Fingerprint:
    """16 hex digits, and 8 for each input: a file by its path in the repository, anything else by what it is."""

    value: str
    inputs: Mapping[str, str]


def of_base(root: Path, platform: str = "linux/amd64") -> Fingerprint:
    """The fingerprint of the base image.

    Args:
        root: the repository.
        platform: the image's platform.
    """
    lines = dict(_lines(root / BASE_DIRECTORY, "Dockerfile"))
    return Fingerprint(_digest(lines.values(), {"platform": platform, **WAY}), _inputs(lines, BASE_DIRECTORY, WAY))


def of_service(service: Service, base: Fingerprint) -> Fingerprint:
    """The fingerprint of a service's image.

    Args:
        service: its directory is the build context.
        base: the fingerprint of the base image for the service's platform.
    """
    storage = service.declaration.docker_storage
    arguments = {f"arg {name}": value for name, value in storage.build_args.items()}
    decided = {**arguments, "platform": storage.platform, "dockerfile": storage.dockerfile}
    lines = dict(_lines(service.path, storage.dockerfile))
    inputs = _inputs(lines, f"services/{service.name}", decided)
    return Fingerprint(_digest(lines.values(), {**decided, "base": base.value}), {**base.inputs, **inputs})


def _inputs(lines: Mapping[str, str], directory: str, decided: Mapping[str, str]) -> dict[str, str]:
    """A hash of each file, or of each directory of the context where the files are many."""
    parts: dict[str, list[str]] = {}
    for name, line in lines.items():
        shown = name if len(lines) <= MAX_INPUTS else name.split("/", 1)[0]
        parts.setdefault(f"{directory}/{shown}", []).append(line)
    parts |= {name: [value] for name, value in decided.items()}
    if len(parts) > MAX_INPUTS:
        return {}
    return {name: hashlib.sha256("\n".join(of).encode()).hexdigest()[:8] for name, of in parts.items()}


def of_services(root: Path, services: Iterable[Service]) -> dict[str, Fingerprint]:
    """The fingerprint of each service by its name.

    Raises:
        UserError: a build context holds what must not be in an image; all are named.
    """
    found, broken = of_each(root, services)
    if broken:
        raise all_of(broken)
    return found


def of_each(root: Path, services: Iterable[Service]) -> tuple[dict[str, Fingerprint], list[Broken]]:
    """The same, and those whose build contexts hold what must not be in an image."""
    bases: dict[str, Fingerprint] = {}
    found: dict[str, Fingerprint] = {}
    broken: list[Broken] = []
    for service in services:
        platform = service.declaration.docker_storage.platform
        try:
            problems = tuple(context_problems(service, root))
            if not problems:
                bases[platform] = bases.get(platform) or of_base(root, platform)
                found[service.name] = of_service(service, bases[platform])
        except UserError as error:
            problems = tuple(error.message.splitlines())
        if problems:
            broken.append(Broken(service.name, problems))
    return found, broken


def _lines(context: Path, dockerfile: str) -> Iterator[tuple[str, str]]:
    """Each file's name, and a line that says all of it that counts."""
    for name in files(context, dockerfile):
        path = context / name
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield name, f"link {name!a} {str(path.readlink())!a}"
        else:
            kind = "program" if mode & stat.S_IXUSR else "file"
            with path.open("rb") as content:
                yield name, f"{kind} {name!a} {hashlib.file_digest(content, 'sha256').hexdigest()}"


def _digest(lines: Iterable[str], decided: Mapping[str, str]) -> str:
    total = hashlib.sha256()
    for line in (*lines, *(f"{name} = {value!a}" for name, value in sorted(decided.items()))):
        total.update(line.encode() + b"\n")
    return total.hexdigest()[:16]
