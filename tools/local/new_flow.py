"""A new service from a template, and the removal of one.

Takes a name and what the flow is to have; gives a directory under `services/` that runs, tests and deploys as it is.
What fails leaves nothing behind: it is made beside and moved to its place as a whole.
"""

from __future__ import annotations

import json
import keyword
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tools.desired.discover import check_name, directories, load, services
from tools.errors import UserError
from tools.local import compose_file
from tools.local.requirements import compile_lock, service_lock

TEMPLATES = Path(__file__).with_name("templates") / "plain"
_SUFFIX = ".in"
_MAX_DESCRIPTION = 90
_PACKAGE = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9,._-]+\])?([<>=!~]=?=?[A-Za-z0-9][A-Za-z0-9.*+!,<>=~-]*)?"
)
#: What the template's flow.py uses itself.
_TAKEN = frozenset({"annotations", "flow", "get_run_logger", "os", "read", "task"})


@dataclass(frozen=True)
class NewFlow:
    """What a new flow is to be."""

    name: str
    description: str = ""
    owner: str = ""
    dependencies: Sequence[str] = ()
    """Each as pyproject.toml has it, e.g. `polars>=1`."""
    secrets: Sequence[str] = ()
    """Variables that come from the Parameter Store."""


def create(root: Path, wanted: NewFlow) -> list[Path]:
    """Makes the service, its lock and its part of the compose file; gives the files, below the root.

    Raises:
        UserError: the name is malformed or taken, a value cannot be, or the dependencies do not fit together.
    """
    check_new_name(root, wanted.name)
    beside, home = root / ".local" / "new" / wanted.name, root / "services" / wanted.name
    shutil.rmtree(beside, ignore_errors=True)
    try:
        for name, text in rendered(wanted).items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        compile_lock(service_lock(root, beside / "pyproject.toml"))
        load(beside, root)
        home.parent.mkdir(exist_ok=True)
        beside.rename(home)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    compose_file.write(root, services(root))
    return sorted(path.relative_to(root) for path in home.rglob("*") if path.is_file())


def check_new_name(root: Path, name: str) -> None:
    """Checks that a service can have a name.

    Raises:
        UserError: it is malformed, reserved or taken.
    """
    check_name(name)
    if (root / "services" / name).exists():
        raise UserError(f"services/{name} is there already", "choose another name, or make remove-flow first")


def rendered(wanted: NewFlow) -> dict[str, str]:
    """The files of the service, but for its lock: path -> text.

    Raises:
        UserError: a value cannot be.
    """
    problems = list(_problems(wanted))
    if problems:
        raise UserError("\n".join(problems), "nothing was written")
    values = _values(wanted)
    files = sorted(path for path in TEMPLATES.rglob(f"*{_SUFFIX}") if path.is_file())
    return {
        path.relative_to(TEMPLATES).as_posix().removesuffix(_SUFFIX): Template(path.read_text("utf-8")).substitute(
            values
        )
        for path in files
    }


def removal(root: Path, name: str) -> list[str]:
    """What is lost with a service because git has no copy of it, file by file.

    Raises:
        UserError: there is no such service.
    """
    directories(root, [name])
    home = root / "services" / name
    command = [
        "git",
        "-C",
        str(root),
        "status",
        "--porcelain",
        "--untracked-files=all",
        "--no-renames",
        "-z",
        "--",
        f"services/{name}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return [path.relative_to(root).as_posix() for path in sorted(home.rglob("*")) if path.is_file()]
    return [line[3:] for line in done.stdout.split("\0") if line]


def remove(root: Path, name: str) -> None:
    """Removes a service's directory and its part of the compose file."""
    shutil.rmtree(root / "services" / name)
    compose_file.write(root, services(root))


def author(root: Path) -> str:
    """The address that git signs commits with; empty where it knows none."""
    command = ["git", "-C", str(root), "config", "user.email"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _problems(wanted: NewFlow) -> Iterator[str]:
    for what, value in (("description", wanted.description), ("owner", wanted.owner)):
        if len(value) > _MAX_DESCRIPTION or not value.isprintable() or re.search(r'["\\]', value):
            yield (
                f"the {what} is {value[:100]!r}; it must be one line of at most {_MAX_DESCRIPTION} characters "
                "without quotation marks and backslashes"
            )
    for package in wanted.dependencies:
        if not _PACKAGE.fullmatch(package):
            yield f"the dependency is {package!r}; it must be a package as pyproject.toml has it, e.g. polars>=1,<2"
    for name in wanted.secrets:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", name):
            yield f"the secret is {name!r}; it must be a variable's name: capitals, digits and _, e.g. ORDERS_TOKEN"


def _values(wanted: NewFlow) -> Mapping[str, str]:
    function = wanted.name.replace("-", "_")
    if keyword.iskeyword(function) or keyword.issoftkeyword(function) or function in _TAKEN:
        function += "_flow"
    words = wanted.name.replace("-", " ")
    summary = (wanted.description or f"The flow {words}").strip().rstrip(".")
    place = f"below /DataFlows/ENVIRONMENT/{wanted.name}/"
    named = ", ".join(f'{name} = "{name}"' for name in wanted.secrets) or 'TOKEN = "TOKEN"'
    secrets = f"{'' if wanted.secrets else '# '}secrets = {{ {named} }}   # from the Parameter Store, {place}"
    return {
        "name": wanted.name,
        "function": function,
        "summary": summary[0].upper() + summary[1:],
        "description": json.dumps(summary, ensure_ascii=False),
        "owner": f"owner = {json.dumps(wanted.owner, ensure_ascii=False)}\n" if wanted.owner else "",
        "dependencies": json.dumps(list(wanted.dependencies), ensure_ascii=False),
        "secrets": secrets,
        "secrets_used": _docstring_end([f'`os.environ["{name}"]` is a secret of it.' for name in wanted.secrets]),
        "secrets_told": "".join(_told(wanted.name, name) for name in wanted.secrets),
    }


def _docstring_end(lines: Sequence[str]) -> str:
    """The further lines of a docstring, if any, and its end."""
    return "".join(f"\n\n    {line}" for line in lines) + ("\n    " if lines else "")


def _told(service: str, secret: str) -> str:
    return (
        f"\n`{secret}` is stored by `make set-secret NAME={service} SECRET={secret}`: for this machine, or with "
        "`ENVIRONMENT=Dev`\nfor an environment.\n"
    )
