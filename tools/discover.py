"""services/* -> Service.

Takes the repository's root; gives every service that it declares, validated, or all that is wrong with them at once.
Never imports a flow: entrypoints are looked up in the syntax tree.
"""

from __future__ import annotations

import ast
import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tools.errors import UserError
from tools.model import Declaration, Deployment, DockerStorage, ECSRun, Override, Schedule, Service, overlaid

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
    for name in names or there:
        try:
            found.append(load(home / name, root))
        except UserError as error:
            problems.append(error.message)
    if problems:
        count = sum(message.count("\n") + 1 for message in problems)
        raise UserError("\n".join(problems), f"{count} to mend; nothing was built or written")
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
    shown = path.relative_to(root)
    if path.is_symlink():
        raise UserError(f"{shown}: is a symbolic link; a service is a directory of its own")
    try:
        check_name(path.name)
    except UserError as error:
        raise UserError(f"{shown}: {error.message}") from None
    declaration = _read(path / "service.toml", shown / "service.toml")
    service = Service(name=path.name, path=path, declaration=declaration)
    problems = [*_override_problems(service), *_dockerfile_problems(service), *_entrypoint_problems(service)]
    if problems:
        raise UserError("\n".join(f"{shown}/{problem}" for problem in problems))
    return service


def _read(path: Path, shown: Path) -> Declaration:
    if not path.is_file():
        raise UserError(f"{shown}: is missing; every directory under services/ has one")
    if path.stat().st_size > MAX_TOML_BYTES:
        raise UserError(f"{shown}: has {path.stat().st_size} bytes; at most {MAX_TOML_BYTES} are read")
    try:
        text = path.read_text("utf-8")
        raw = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise UserError(f"{shown}: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{shown}: not TOML: {error}") from None
    try:
        return Declaration.model_validate(raw)
    except ValidationError as error:
        raise UserError("\n".join(_explained(error, text, shown, Declaration))) from None


def _explained(error: ValidationError, text: str, shown: Path, model: type[BaseModel]) -> Iterator[str]:
    for item in error.errors(include_url=False):
        location = tuple(part for part in item["loc"] if part != "[key]")
        line = _line_of(text, location)
        where = f"{shown}:{line}" if line else str(shown)
        key = ".".join(str(part) for part in location) or "the file"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = _unknown_key(location)
        elif item["type"] == "missing":
            message = "is missing"
        elif item["type"] != "value_error":
            message = f"{message}, found {_short(item['input'])}"
        yield f"{where}: {key}: {message}"


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"


def _unknown_key(location: Sequence[str | int]) -> str:
    tables: dict[str, type[BaseModel]] = {
        "docker_storage": DockerStorage,
        "ecs_run": ECSRun,
        "deployments": Deployment,
        "schedules": Schedule,
        "environments": Override,
    }
    owner = next((tables[str(part)] for part in reversed(location[:-1]) if str(part) in tables), Declaration)
    allowed = list(owner.model_fields)
    close = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"unknown key; {guess}allowed are {', '.join(allowed)}"


def _line_of(text: str, location: Sequence[str | int]) -> int | None:
    """The line of a key in a TOML text, by its headers; the nearest header's where the key itself is not found."""
    table: list[str | int] = []
    counts: dict[str, int] = {}
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?", line)
        key = re.match(r"""\s*["']?([\w-]+)["']?\s*[.=]""", line)
        if header:
            table = list(header[2].replace('"', "").split("."))
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
                table.append(counts[header[2]])
            path = table
        elif key:
            path = [*table, key[1]]
        else:
            continue
        if tuple(path) == tuple(location[: len(path)]) and (best is None or len(path) > best[0]):
            best = (len(path), number)
    return best[1] if best else None


def _override_problems(service: Service) -> Iterator[str]:
    for environment, override in service.declaration.environments.items():
        try:
            overlaid(service.declaration.ecs_run, override.ecs_run)
        except ValidationError as error:
            text = (service.path / "service.toml").read_text("utf-8")
            for item in error.errors():
                location = ("environments", environment, "ecs_run", *item["loc"])
                line = _line_of(text, location)
                where = f"service.toml:{line}" if line else "service.toml"
                unknown = item["type"] == "extra_forbidden"
                message = _unknown_key(location) if unknown else item["msg"].removeprefix("Value error, ")
                yield f"{where}: {'.'.join(map(str, location))}: {message}"


def _dockerfile_problems(service: Service) -> Iterator[str]:
    name = service.declaration.docker_storage.dockerfile
    path = service.path / name
    if not path.is_file():
        yield f"{name}: is missing; it builds the flow's image"
        return
    lines = path.read_text("utf-8", errors="replace").splitlines()
    froms = [line.split()[1] for line in lines if re.match(r"\s*FROM\s+\S", line, re.IGNORECASE)]
    if not froms or froms[-1] != "base":
        yield f"{name}: its last FROM is {froms[-1] if froms else 'missing'}; a service's image is built FROM base"
    for number, line in enumerate(lines, start=1):
        if re.match(r"\s*ENTRYPOINT\b", line, re.IGNORECASE):
            yield f"{name}:{number}: ENTRYPOINT is the base image's: it forwards signals; set ecs_run.command instead"
        argument = re.match(r"\s*ARG\s+(\w+)", line, re.IGNORECASE)
        if argument and _looks_secret_argument(argument[1]):
            yield f"{name}:{number}: ARG {argument[1]} looks like a secret; docker history shows every build argument"
    users = [line.split()[1] for line in lines if re.match(r"\s*USER\s+\S", line, re.IGNORECASE)]
    if users and users[-1].split(":")[0] in ("root", "0"):
        yield f"{name}: ends as USER root; flows run as the base image's user: end with USER flow"


def _looks_secret_argument(name: str) -> bool:
    return bool(re.search(r"(PASSWORD|SECRET|TOKEN|API_?KEY|CREDENTIAL)", name, re.IGNORECASE))


def _entrypoint_problems(service: Service) -> Iterator[str]:
    file, function = service.declaration.docker_storage.entrypoint.split(":")
    path = service.path / file
    if not path.is_file():
        yield f"service.toml: docker_storage.entrypoint: there is no {file} in the service's directory"
        return
    try:
        tree = ast.parse(path.read_bytes(), file)
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        yield f"{file}{line}: is not Python: {error.msg if isinstance(error, SyntaxError) else error}"
        return
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    names = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    names |= {
        t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)
    }
    if function in functions and not functions[function].decorator_list:
        yield f"{file}:{functions[function].lineno}: '{function}' is no flow; decorate it with @flow"
    elif function not in functions and function not in names:
        close = difflib.get_close_matches(function, functions, n=1)
        guess = f"; did you mean {close[0]}?" if close else ""
        yield f"service.toml: docker_storage.entrypoint: {file} has no function '{function}'{guess}"
