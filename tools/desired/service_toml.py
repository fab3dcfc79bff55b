"""service.toml -> Declaration, or what is wrong with it for the person who wrote it: where, found, allowed.

Takes a file; gives one line for each error.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tools.desired.toml_lines import Location, lines
from tools.errors import UserError
from tools.model.permissions import Permission
from tools.model.service import Declaration, Deployment, DockerStorage, ECSRun, Override, Schedule

_TABLES: dict[str, type[BaseModel]] = {
    "docker_storage": DockerStorage,
    "ecs_run": ECSRun,
    "deployments": Deployment,
    "schedules": Schedule,
    "environments": Override,
    "permissions": Permission,
}
MAX_TOML_BYTES = 256 * 1024
#: pydantic's kind of error -> the same in TOML's words.
_WORDS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "tuple_type": "must be an array",
    "dict_type": "must be a table",
    "model_type": "must be a table",
}


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a service.toml and what tomllib makes of it.

    Raises:
        UserError: it is missing, too large, not UTF-8 or not TOML.
    """
    if not path.is_file():
        raise UserError(f"{path.name}: is missing; every directory under services/ has one")
    found = content(path, path.name, MAX_TOML_BYTES + 1)
    if len(found) > MAX_TOML_BYTES:
        raise UserError(f"{path.name}: has {path.stat().st_size} bytes; at most {MAX_TOML_BYTES} are read")
    try:
        text = found.decode().replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = found.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path.name}:{line}: not UTF-8: byte {found[error.start]:#x}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column \d+\)", str(error))
        where = f"{path.name}:{place[1]}" if place else path.name
        raise UserError(f"{where}: not TOML: {str(error).replace(place[0], '') if place else error}") from None
    except RecursionError:
        raise UserError(f"{path.name}: not TOML that anybody wrote: nested too deep") from None
    except ValueError as error:  # a number of thousands of digits
        raise UserError(f"{path.name}: not TOML that anybody wrote: {error}") from None


def content(path: Path, shown: str, most: int = -1) -> bytes:
    """What a file holds, or its first bytes.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise UserError(f"{shown}: cannot be read: {error.strerror}") from None


def declared(raw: dict[str, Any], source: Source) -> tuple[Declaration | None, list[str]]:
    """What a service.toml declares, or all that is wrong with it."""
    nul = [source.at(location, "has a NUL, which no system takes in a text") for location in _with_nul(raw)]
    if nul:
        return None, nul
    try:
        return Declaration.model_validate(raw), []
    except ValidationError as error:
        return None, list(source.explained(error))


def _with_nul(value: Any, location: Location = ()) -> Iterator[Location]:
    """Where a text or a key has a NUL."""
    if isinstance(value, str) and "\0" in value:
        yield location
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _with_nul(key, location)
            yield from _with_nul(item, (*location, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _with_nul(item, (*location, index))


class Source:
    """The text of a service.toml, to say where its keys stand."""

    def __init__(self, text: str, raw: dict[str, Any], shown: str) -> None:
        """Takes a text that is TOML.

        Args:
            text: the file's content.
            raw: what tomllib made of it.
            shown: the file's path in messages.
        """
        self._raw, self._shown = raw, shown
        self._lines = lines(text)

    def at(self, location: Location, message: str) -> str:
        """A message with the place of a key: the line of the nearest key that is there."""
        near = next((part for part in _upwards(location) if part in self._lines), ())
        where = f"{self._shown}:{self._lines[near]}" if near else self._shown
        return f"{where}: {self._named(location)}: {message}"

    def explained(self, error: ValidationError, below: Location = ()) -> Iterator[str]:
        """Each error of a model that was made of what stands below a location."""
        for item in error.errors(include_url=False):
            location = (*below, *(part for part in item["loc"] if part != "[key]"))
            yield self.at(location, _message(item["type"], item["msg"], item["input"], location))

    def _named(self, location: Location) -> str:
        """A location in words: `deployments.daily.schedules.hourly.cron`."""
        shown, value = "", self._raw
        for part in location:
            value = _item(value, part)
            name = (value.get("name") or value.get("slug")) if isinstance(value, dict) else None
            if isinstance(part, str):
                shown += f".{_key(part)}" if shown else _key(part)
            else:
                shown += f".{_key(name)}" if name and isinstance(name, str) else f"[{part}]"
        return shown


def _key(text: str) -> str:
    """A key or a name as it stands in a message, which has one line whatever that is."""
    return text if text.isprintable() else repr(text)


def _upwards(location: Location) -> Iterator[Location]:
    return (location[:length] for length in range(len(location), 0, -1))


def _item(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def _message(kind: str, message: str, found: Any, location: Location) -> str:
    if kind == "extra_forbidden":
        return _unknown_key(location)
    if kind == "missing":
        return "is missing"
    if kind in ("value_error", "refused"):
        return message.removeprefix("Value error, ")
    shown = repr(found)
    allowed = _WORDS.get(kind) or message.replace("Input should", "must").replace("must be be", "must be")
    return f"{allowed}, found {shown if len(shown) <= 60 else shown[:57] + '…'}"


def _unknown_key(location: Sequence[str | int]) -> str:
    key = str(location[-1])
    owner = next((_TABLES[str(part)] for part in reversed(location[:-1]) if str(part) in _TABLES), Declaration)
    allowed = list(owner.model_fields)
    close = difflib.get_close_matches(key, allowed, n=1)
    elsewhere = [table for table, model in _TABLES.items() if key in model.model_fields]
    guess = f"did you mean {close[0]}? " if close else f"it belongs to {elsewhere[0]}; " if elsewhere else ""
    return f"unknown key; {guess}allowed are {', '.join(allowed)}"
