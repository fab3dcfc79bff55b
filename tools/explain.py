"""What is wrong with a service.toml, for the person who wrote it: where, what was found, what is allowed.

Takes pydantic's errors and the text; gives one line for each error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from tools.model.service import Declaration, Deployment, DockerStorage, ECSRun, Override, Schedule
from tools.toml_lines import Location, lines

_TABLES: dict[str, type[BaseModel]] = {
    "docker_storage": DockerStorage,
    "ecs_run": ECSRun,
    "deployments": Deployment,
    "schedules": Schedule,
    "environments": Override,
}
#: pydantic's kind of error -> the same in TOML's words.
_WORDS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "tuple_type": "must be an array",
    "dict_type": "must be a table",
    "model_type": "must be a table",
}


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
                shown += f".{part}" if shown else part
            else:
                shown += f".{name}" if name and isinstance(name, str) else f"[{part}]"
        return shown


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
