"""PURE: Release <-> its record, the text of a task definition's label. Written strictly, read leniently for ever.

A record bears the version of its form. A field more needs no new version: whoever does not know it keeps it beside what
he knows, and tells it as a difference. A new version is for what cannot be understood without knowing it, and is then
told as such by tools that do not. What was once allowed stays readable: the rules of service.toml of today are not
applied to the past.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from tools.errors import UserError
from tools.model.permissions import Permission
from tools.model.release import Release
from tools.model.rules import PAST
from tools.model.service import Deployment, ECSRun, Schedule

VERSION = 1
"""Of the records that are written. Those of before the first version bear none; they have the same form."""
_BELOW: Mapping[str, type[BaseModel]] = {
    "ecs_run": ECSRun,
    "permissions": Permission,
    "deployments": Deployment,
    "schedules": Schedule,
}
_NOT_RECORDED = frozenset(name for name, field in Release.model_fields.items() if field.exclude)


class UnreadableError(Exception):
    """A record that this version cannot read; its text says why."""


def written(release: Release) -> str:
    """The record of a release.

    Raises:
        UserError: a value of it is not allowed.
    """
    values = release.model_dump(mode="json")
    try:
        Release.model_validate(values)
    except ValidationError as error:
        raise UserError(f"the release of {release.service} cannot be written: {_told(error)}") from error
    return json.dumps({"version": VERSION, **values}, ensure_ascii=False, separators=(",", ":"))


def read(text: str) -> Release:
    """The release of a record, whenever it was written.

    Raises:
        UnreadableError: it is of a later version, or no record.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError("its record is no JSON") from None
    if not isinstance(values, dict):
        raise UnreadableError("its record is no JSON object")
    version = values.pop("version", 0)
    if isinstance(version, bool) or not isinstance(version, int):
        raise UnreadableError(f"the version of its record is {version!r}")
    if version > VERSION:
        raise UnreadableError("written by a later version of the tools")
    unknown = dict(_unknown(Release, values))
    try:
        return Release.model_validate({**_known(Release, values), "unknown": unknown}, context=PAST)
    except ValidationError as error:
        raise UnreadableError(f"its record cannot be read: {_told(error)}") from None


def _is_known(model: type[BaseModel], name: str) -> bool:
    return name in model.model_fields and not (model is Release and name in _NOT_RECORDED)


def _known(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """What a model has fields for."""

    def below(name: str, value: Any) -> Any:
        inner = _BELOW.get(name)
        if inner is None:
            return value
        if isinstance(value, list):
            return [_known(inner, item) if isinstance(item, dict) else item for item in value]
        return _known(inner, value) if isinstance(value, dict) else value

    return {name: below(name, value) for name, value in values.items() if _is_known(model, name)}


def _unknown(model: type[BaseModel], values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """What a model has no fields for, by its path: `deployments.daily.schedules.hourly.catch_up`."""
    for name, value in values.items():
        here = f"{path}{name}"
        if not _is_known(model, name):
            yield here, value
        elif name in _BELOW:
            parts = enumerate(value) if isinstance(value, list) else [("", value)]
            for index, part in parts:
                if isinstance(part, dict):
                    called = part.get("name", part.get("slug", index))
                    yield from _unknown(_BELOW[name], part, f"{here}.{called}." if called != "" else f"{here}.")


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
