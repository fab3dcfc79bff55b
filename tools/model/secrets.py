"""What looks like a credential, by its name or by itself, and a value without it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

HIDDEN = "(hidden)"
_SECRET_NAME = re.compile(
    r"(PASSWORD|PASSWD|_PWD|SECRET|TOKEN|(API|PRIVATE|SECRET|ACCESS)_?KEY|CREDENTIALS?)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]*:[^/\s@]+@"
    r"|\b(gh[oprsu]|github_pat|pnu|pnb)_\w{16,}|\bxox[abprs]-[\w-]{10,}"
    # A word of a connection string, of a URL's query or of a command line, with something behind it.
    r"|(?i:(?:^|[\s;&?,]|--)(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key)\s*=\s*[^\s;&,{}$]+)"
)


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable's name or value looks like a credential, which plain env would show to every reader."""
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))


def secrets_in(value: Any, name: str = "") -> Iterator[tuple[str | int, ...]]:
    """Where something that looks like a credential stands in a JSON value: the path of each.

    Args:
        value: any.
        name: under which it stands.
    """
    if isinstance(value, str):
        if value and looks_secret(name, value):
            yield ()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from ((key, *path) for path in secrets_in(item, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from ((index, *path) for path in secrets_in(item, name))


def masked(value: Any, name: str = "") -> Any:
    """A JSON value without what looks like a credential, by its name or by itself.

    Args:
        value: any.
        name: under which it stands.
    """
    if value in (None, "", [], {}, ()) or isinstance(value, bool):
        return value
    if looks_secret(name, value if isinstance(value, str) else ""):
        return HIDDEN
    if isinstance(value, dict):
        return {key: masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(masked(item) for item in value)
    return value
