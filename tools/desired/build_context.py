"""Which files a Docker build context holds, by BuildKit's reading of .dockerignore.

Takes a directory, gives the files and links that a build sees. Reads only. The Docker SDK has such a function too, but
it leaves files out that BuildKit takes (`*` with `!**/*.py` below a directory): an image would change without its
fingerprint.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.errors import UserError
from tools.model.service import Service

MAX_CONTEXT_BYTES = 500 * 1024 * 1024
MAX_DEPTH = 100
_SECRET_FILES = re.compile(
    r"(\.env(?!\.example$)(\..+)?|.*\.(pem|key|p12|pfx|jks|kdbx)|id_(rsa|dsa|ecdsa|ed25519)|\.netrc|\.npmrc|\.pypirc"
    r"|\.pgpass|credentials)",
    re.IGNORECASE | re.DOTALL,
)
#: What differs from one clone to the next though the commit is the same, and what decides nothing in an image.
_NOT_OF_IMAGE = frozenset(
    {".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", "__pycache__", "service.toml"}
)

_NAME_IT = "name it in .dockerignore"
_WILD = {"*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True)
class Pattern:
    """One line of a .dockerignore. `kept` is one with `!`, which takes back what earlier lines leave out."""

    text: str
    kept: bool

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(_expression(self.text))

    def matches(self, path: str) -> bool:
        """Whether it matches just this path; what holds of a directory holds below it by `_left_out`."""
        return self._expression.fullmatch(path) is not None


def files(context: Path, dockerfile: str = "Dockerfile") -> list[str]:
    """The files and links of a build context, without what its .dockerignore leaves out, and the Dockerfile.

    Args:
        context: the directory.
        dockerfile: decides the image even where it is left out of the context; its own ignore file,
            `<dockerfile>.dockerignore`, goes before `.dockerignore`.

    Returns:
        Paths below the directory with `/` between their parts, in order. Directories are not among them: git keeps no
        empty ones, and the same commit must give the same list in every clone.

    Raises:
        UserError: the ignore file cannot be read.
    """
    patterns = _patterns(context, dockerfile)
    found = set(_walk(context, "", patterns, [False] * len(patterns)))
    if (context / dockerfile).is_file():
        found.add(posixpath.normpath(dockerfile))
    return sorted(found)


def ignore_file(context: Path, dockerfile: str) -> Path | None:
    """The ignore file that a build takes; None where there is none."""
    for path in (context / f"{dockerfile}.dockerignore", context / ".dockerignore"):
        if path.is_file():
            return path
    return None


def context_problems(service: Service, root: Path) -> Iterator[str]:
    """What a service's build context must not hold: secrets, devices, links that lead out of it, gigabytes, clutter."""
    shown = service.path.relative_to(root).as_posix()
    dockerfile = service.declaration.docker_storage.dockerfile
    if ignore_file(service.path, dockerfile) is None:
        yield f"{shown}/.dockerignore: is missing; it keeps service.toml, tests, caches and secrets out of the image"
        return
    size, clutter = 0, set[str]()
    for name in files(service.path, dockerfile):
        out_of_place = _first_not_of_image(name)
        if out_of_place:
            clutter.add(out_of_place)
            continue
        entry = service.path / name
        size += entry.lstat().st_size
        problem = _file_problem(entry, service.path)
        if problem:
            yield f"{shown}/{name!a}: {problem}" if not name.isprintable() else f"{shown}/{name}: {problem}"
    for name in sorted(clutter):
        yield f"{shown}/{name}: does not belong into the image, and would change its fingerprint; {_NAME_IT}"
    if size > MAX_CONTEXT_BYTES:
        megabytes, most = size // 2**20, MAX_CONTEXT_BYTES // 2**20
        yield f"{shown}: the build context has {megabytes} MB; at most {most} MB go into an image; {_NAME_IT}"


def _first_not_of_image(name: str) -> str:
    parts = name.split("/")
    return next(("/".join(parts[: at + 1]) for at, part in enumerate(parts) if part in _NOT_OF_IMAGE), "")


def _file_problem(entry: Path, context: Path) -> str:
    mode = entry.lstat().st_mode
    if stat.S_ISLNK(mode):
        target = entry.readlink()
        if target.is_absolute() or not Path(os.path.normpath(entry.parent / target)).is_relative_to(context):
            return "is a link out of the service's directory; a build context cannot hold it"
    elif not stat.S_ISREG(mode):
        return "is neither a file nor a link; it cannot be in a build context"
    if _SECRET_FILES.fullmatch(entry.name):
        return f"looks like a secret and would be copied into the image; {_NAME_IT}"
    return ""


def _patterns(context: Path, dockerfile: str) -> list[Pattern]:
    path = ignore_file(context, dockerfile)
    if path is None:
        return []
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}", "save it as UTF-8") from None
    found = []
    for number, line in enumerate(lines, start=1):
        text = "" if line.startswith("#") else line.strip()
        kept = text.startswith("!")
        text = text.removeprefix("!").strip()
        if kept and not text.strip("/"):
            raise UserError(f"{path}:{number}: '!' alone says nothing", "write what to keep, e.g. !flow.py")
        if text:
            pattern = Pattern(posixpath.normpath(text).lstrip("/") or "/", kept)
            _checked(pattern, f"{path}:{number}")
            found.append(pattern)
    return found


def _checked(pattern: Pattern, where: str) -> None:
    try:
        pattern.matches("x")
    except ValueError as error:
        raise UserError(f"{where}: '{pattern.text}' is no pattern: {error}", "see Docker's .dockerignore") from None


def _walk(context: Path, below: str, patterns: Sequence[Pattern], above: Sequence[bool]) -> Iterator[str]:
    if below.count("/") >= MAX_DEPTH:
        top = below.split("/", 1)[0]
        raise UserError(f"{context}/{top}: has directories within directories, more than {MAX_DEPTH} deep", _NAME_IT)
    with os.scandir(context / below) as entries:
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            left_out, matched = _left_out(path, patterns, above)
            if not entry.is_dir(follow_symlinks=False):
                if not left_out:
                    yield path
            elif not left_out or _may_keep_below(path, patterns):
                yield from _walk(context, path, patterns, matched)


def _left_out(path: str, patterns: Sequence[Pattern], above: Sequence[bool]) -> tuple[bool, list[bool]]:
    """Whether a path is left out, and which patterns matched it. The last that says something decides.

    Args:
        path: what is asked about.
        patterns: in their order.
        above: which of them matched its directory, and so match it too.
    """
    left_out, matched = False, []
    for pattern, inherited in zip(patterns, above, strict=True):
        match = inherited or (pattern.kept == left_out and pattern.matches(path))
        matched.append(match)
        if match:
            left_out = not pattern.kept
    return left_out, matched


def _may_keep_below(directory: str, patterns: Sequence[Pattern]) -> bool:
    """Whether a line with `!` may take back something in a directory that is left out."""
    below = f"{directory}/"
    for pattern in patterns:
        plain = re.split(r"[*?\[\\]", pattern.text, maxsplit=1)[0]
        if pattern.kept and (plain.startswith(below) or (plain != pattern.text and below.startswith(plain))):
            return True
    return False


def _expression(pattern: str) -> str:
    """A pattern as a regular expression: `*` and `?` stop at `/`, `**` does not, `\\` takes the next sign as it is.

    Raises:
        ValueError: BuildKit would refuse it, or read it in an unexpected way.
    """
    signs = re.findall(r"\*\*/?|[*?]|\\.|\[\^?[^\[\]\\]+\]|.", pattern)
    return "".join(_translated(sign, last=index == len(signs) - 1) for index, sign in enumerate(signs))


def _translated(sign: str, *, last: bool) -> str:
    if sign.startswith("**"):
        return ".*" if last else "(?:.*/)?"
    if sign in _WILD:
        return _WILD[sign]
    if sign == "[":
        raise ValueError("its [ has no ], or holds [ or \\")
    if sign.startswith("["):
        return re.sub(r"([&~|])", r"\\\1", sign)
    if sign == "\\" or (sign.startswith("\\") and sign[1].isalnum()):
        raise ValueError("a \\ may stand before a sign only, not before a letter or the end")
    return re.escape(sign[-1])
