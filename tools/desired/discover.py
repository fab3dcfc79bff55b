"""services/* -> Service.

Takes the repository's root; gives every service that it declares, validated, or all that is wrong with them at once.
Never imports a flow: entrypoints are looked up in the syntax tree.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tools.desired import dockerfile, entrypoint
from tools.desired.service_toml import Source, content, declared, read
from tools.desired.toml_lines import Location
from tools.errors import UserError
from tools.model.service import Service
from tools.model.values import inside_path
from tools.settings import environment_name

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_NAME = 63
#: Names of the images and compose services that are not flows.
RESERVED = frozenset({"base", "aws", "engine", "prefect-server", "worker"})


@dataclass(frozen=True)
class Broken:
    """A service that cannot be what its files say."""

    name: str
    problems: tuple[str, ...]
    """Each with its file and, where it can be known, its line."""


def services(root: Path, names: Sequence[str] = ()) -> list[Service]:
    """The repository's services in order of name; only those named, where names are given.

    Args:
        root: the repository.
        names: services to look at; all where empty.

    Raises:
        UserError: a name is malformed or unknown, or a service is wrong; all of a repository's errors are shown.
    """
    found, broken = discover(root, names)
    if broken:
        raise all_of(broken)
    return found


def all_of(broken: Sequence[Broken]) -> UserError:
    """The error for whoever needs every service."""
    problems = [problem for item in broken for problem in item.problems]
    return UserError("\n".join(problems), f"{len(problems)} to mend; nothing was built or written")


def discover(root: Path, names: Sequence[str] = ()) -> tuple[list[Service], list[Broken]]:
    """The same, and those that are wrong beside those that are right.

    Raises:
        UserError: a name is malformed or unknown.
    """
    home = root / "services"
    there = directories(root, names)
    found: list[Service] = []
    broken: list[Broken] = []
    for name in there:
        try:
            found.append(load(home / name, root))
        except UserError as error:
            broken.append(Broken(name, tuple(error.message.splitlines())))
    return found, broken


def directories(root: Path, names: Sequence[str] = ()) -> list[str]:
    """The names of the directories under services/, right or wrong; those named in their order, where names are given.

    Raises:
        UserError: a name is malformed or unknown.
    """
    home = root / "services"
    there = sorted(path.name for path in home.iterdir() if _is_service(path)) if home.is_dir() else []
    for name in names:
        check_name(name)
        if name not in there:
            raise UserError(f"there is no service '{name}' under services/", _did_you_mean(name, there))
    return list(dict.fromkeys(names or there))


def _is_service(path: Path) -> bool:
    return not path.name.startswith((".", "__")) and (path.is_dir() or path.is_symlink())


def check_name(name: str) -> None:
    """Checks a service's name.

    Raises:
        UserError: it is not kebab-case, too long or reserved.
    """
    if not NAME.fullmatch(name) or len(name) > MAX_NAME:
        shown = repr(name if len(name) <= 80 else name[:77] + "…")
        raise UserError(
            f"{shown} is no service name: small letters a-z and digits, words joined by single dashes, "
            f"beginning with a letter, at most {MAX_NAME}",
            "example: NAME=database-to-lake",
        )
    if name in RESERVED:
        raise UserError(f"'{name}' is reserved", f"reserved are {', '.join(sorted(RESERVED))}")


def _did_you_mean(name: str, there: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, there, n=1)
    listed = ", ".join(there[:20]) + (", …" if len(there) > 20 else "")
    return f"did you mean {close[0]}?" if close else f"there are: {listed or 'none yet'}"


def load(path: Path, root: Path) -> Service:
    """One service from its directory.

    Raises:
        UserError: with one line for each thing that is wrong.
    """
    try:
        check_name(path.name)
    except UserError as error:
        raise UserError(f"services/: {error.message}") from None
    shown = path.relative_to(root).as_posix()
    if path.is_symlink():
        raise UserError(f"{shown}: is a symbolic link; a service is a directory of its own")
    try:
        text, raw = read(path / "service.toml")
        source = Source(text, raw, "service.toml")
        declaration, problems = declared(raw, source)
        problems += _dockerfile_problems(path, raw)
        if declaration:
            service = Service(name=path.name, path=path, declaration=declaration)
            problems += _environment_problems(service, source)
            problems += entrypoint.problems(path, declaration.docker_storage.entrypoint, path.name)
            if not problems:
                return service
    except UserError as error:
        problems = [error.message]
    except RecursionError:
        problems = ["service.toml: nested too deep"]
    raise UserError("\n".join(f"{shown}/{problem}" for problem in problems))


def _environment_problems(service: Service, source: Source) -> Iterator[str]:
    """Environments that are misspelt, and what one changes to what cannot be."""
    declaration = service.declaration
    named: list[tuple[Location, str]] = [(("environments", name), name) for name in declaration.environments]
    for index, deployment in enumerate(declaration.deployments):
        named += [(("deployments", index, "active_in", at), name) for at, name in enumerate(deployment.active_in or ())]
    for location, name in named:
        try:
            environment_name(name)
        except UserError as error:
            yield source.at(location, f"{error.message}; {error.hint}")
    for name in declaration.environments:
        try:
            service.ecs_run(name)
        except ValidationError as error:
            yield from source.explained(error, ("environments", name, "ecs_run"))


def _dockerfile_problems(path: Path, raw: dict[str, Any]) -> Iterator[str]:
    storage = raw.get("docker_storage")
    name = storage.get("dockerfile", "Dockerfile") if isinstance(storage, dict) else "Dockerfile"
    try:
        inside_path(name)
    except (ValueError, TypeError):
        return  # told already, as the value that it is
    if not (path / name).is_file():
        yield f"{name}: is missing; it builds the flow's image"
        return
    for line, problem in dockerfile.problems(content(path / name, name).decode(errors="replace")):
        yield f"{name}:{line}: {problem}"
