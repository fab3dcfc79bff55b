"""services/* -> Service.

Takes the repository's root; gives every service that it declares, validated, or all that is wrong with them at once.
Never imports a flow: entrypoints are looked up in the syntax tree.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tools import dockerfile, entrypoint
from tools.errors import UserError
from tools.explain import Source
from tools.model.service import Declaration, Service
from tools.model.values import inside_path
from tools.settings import environment_name
from tools.toml_lines import Location

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_NAME = 63
#: Names of the images and compose services that are not flows.
RESERVED = frozenset({"base", "aws", "prefect-server", "setup", "worker"})
MAX_TOML_BYTES = 256 * 1024


def services(root: Path, names: Sequence[str] = ()) -> list[Service]:
    """The repository's services in order of name; only those named, where names are given.

    Args:
        root: the repository.
        names: services to look at; all where empty.

    Raises:
        UserError: a name is malformed or unknown, or a service is wrong; all of a repository's errors are shown.
    """
    home = root / "services"
    there = sorted(path.name for path in home.iterdir() if _is_service(path)) if home.is_dir() else []
    for name in names:
        check_name(name)
        if name not in there:
            raise UserError(f"there is no service '{name}' under services/", _did_you_mean(name, there))
    found: list[Service] = []
    problems: list[str] = []
    for name in dict.fromkeys(names or there):
        try:
            found.append(load(home / name, root))
        except UserError as error:
            problems.extend(error.message.splitlines())
    if problems:
        raise UserError("\n".join(problems), f"{len(problems)} to mend; nothing was built or written")
    return found


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
        text, raw = _read(path / "service.toml")
        source = Source(text, raw, "service.toml")
        declaration, problems = _declared(raw, source)
        problems += _dockerfile_problems(path, raw)
        if declaration:
            service = Service(name=path.name, path=path, declaration=declaration)
            problems += _environment_problems(service, source)
            problems += entrypoint.problems(path, declaration.docker_storage.entrypoint, path.name)
            if not problems:
                return service
    except UserError as error:
        problems = [error.message]
    raise UserError("\n".join(f"{shown}/{problem}" for problem in problems))


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    if not path.is_file():
        raise UserError(f"{path.name}: is missing; every directory under services/ has one")
    content = _content(path, path.name, MAX_TOML_BYTES + 1)
    if len(content) > MAX_TOML_BYTES:
        raise UserError(f"{path.name}: has {path.stat().st_size} bytes; at most {MAX_TOML_BYTES} are read")
    try:
        text = content.decode().replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path.name}:{line}: not UTF-8: byte {content[error.start]:#x}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column \d+\)", str(error))
        where = f"{path.name}:{place[1]}" if place else path.name
        raise UserError(f"{where}: not TOML: {str(error).replace(place[0], '') if place else error}") from None
    except RecursionError:
        raise UserError(f"{path.name}: not TOML that anybody wrote: nested too deep") from None


def _content(path: Path, shown: str, most: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise UserError(f"{shown}: cannot be read: {error.strerror}") from None


def _declared(raw: dict[str, Any], source: Source) -> tuple[Declaration | None, list[str]]:
    try:
        return Declaration.model_validate(raw), []
    except ValidationError as error:
        return None, list(source.explained(error))


def _environment_problems(service: Service, source: Source) -> Iterator[str]:
    """Environments that are misspelt, and what one changes to what cannot be."""
    declared = service.declaration
    named: list[tuple[Location, str]] = [(("environments", name), name) for name in declared.environments]
    for index, deployment in enumerate(declared.deployments):
        named += [(("deployments", index, "active_in", at), name) for at, name in enumerate(deployment.active_in or ())]
    for location, name in named:
        try:
            environment_name(name)
        except UserError as error:
            yield source.at(location, f"{error.message}; {error.hint}")
    for name in declared.environments:
        try:
            service.ecs_run(name)
        except ValidationError as error:
            yield from source.explained(error, ("environments", name, "ecs_run"))


def _dockerfile_problems(path: Path, raw: dict[str, Any]) -> Iterator[str]:
    storage = raw.get("docker_storage")
    name = storage.get("dockerfile", "Dockerfile") if isinstance(storage, dict) else "Dockerfile"
    try:
        inside_path(str(name))
    except ValueError:
        return  # told already, as the value that it is
    if not (path / name).is_file():
        yield f"{name}: is missing; it builds the flow's image"
        return
    for line, problem in dockerfile.problems(_content(path / name, name).decode(errors="replace")):
        yield f"{name}:{line}: {problem}"
