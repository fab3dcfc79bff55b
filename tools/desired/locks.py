"""What a lock pins: requirements files with hashes, as `make lock` writes them. Reads only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tools.errors import UserError

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)(?P<marker> *;)?", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    """The versions that a lock pins, by normalised package name.

    Raises:
        UserError: it is missing.
    """
    return {normalised(pin["name"]): pin["version"] for pin in _pins(lock)}


def allowed(lock: Path) -> dict[str, frozenset[str]]:
    """The versions that may be installed by a lock; an empty one where a package is only for some machines.

    Raises:
        UserError: it is missing.
    """
    found: dict[str, frozenset[str]] = {}
    for pin in _pins(lock):
        name = normalised(pin["name"])
        found[name] = found.get(name, frozenset()) | {pin["version"]} | ({""} if pin["marker"] else set())
    return found


def _pins(lock: Path) -> Iterator[re.Match[str]]:
    if not lock.is_file():
        raise UserError(f"{lock} is missing", "make it: make lock")
    return _PIN.finditer(lock.read_text("utf-8"))


def normalised(name: str) -> str:
    """A package's name in the one spelling that all of its spellings have in common."""
    return re.sub(r"[-_.]+", "-", name).lower()
