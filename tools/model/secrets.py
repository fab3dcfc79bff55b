"""What looks like a credential, by its name or by itself, and a value without it."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "(hidden)"
_SECRET_NAME = re.compile(
    r"(PASSWORD|PASSWD|_PWD|SECRET|TOKEN|(API|PRIVATE|SECRET|ACCESS)_?KEY|CREDENTIALS?)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]*:[^/\s@]+@"
    r"|\b(gh[oprsu]|github_pat|pnu|pnb)_\w{16,}|\bxox[abprs]-[\w-]{10,}"
)


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable's name or value looks like a credential, which plain env would show to every reader."""
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))


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
