"""PURE: a flow's parameter schema + parameters -> what is wrong with them, by the rules of Prefect's server.

The server refuses a deployment's parameters when they are written, half-way through a deploy; those of a schedule it
takes unchecked, and the runs crash. So all are checked before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from tools.model.differences import shown
from tools.model.release import Release

_BY_PREFECT = "__prefect_kind"
"""Marks a value that the server makes of another: a template, a block. Only it can say what becomes of it."""


def parameter_problems(release: Release) -> Iterator[str]:
    """What is wrong with the parameters of a release's deployments and of their schedules."""
    schema = release.parameter_schema
    for deployment in release.deployments:
        where = f"deployment {deployment.name}"
        yield from problems_of(where, deployment.parameters, schema, complete=False)
        for schedule in deployment.schedules:
            # What is wrong with the deployment's own was told.
            own = schedule.parameters
            where = f"schedule {deployment.name}/{schedule.slug}"
            yield from problems_of(where, own, schema, complete=False)
            yield from _missing(where, {**deployment.parameters, **own}, schema)


def problems_of(
    where: str, parameters: Mapping[str, Any], schema: Mapping[str, Any], *, complete: bool
) -> Iterator[str]:
    """What is wrong with some parameters.

    Args:
        where: whose they are.
        parameters: by their names.
        schema: the flow's, as its import gave it.
        complete: whether each parameter without a default must be among them.
    """
    properties = schema.get("properties", {})
    for name in sorted(set(parameters) - set(properties)):
        yield f"{where}: the flow has no parameter '{name}'; it has {', '.join(properties) or 'none'}"
    known = {name: value for name, value in parameters.items() if name in properties and not _made_by_prefect(value)}
    if known:
        yield from (f"{where}: {problem}" for problem in _type_problems(known, schema))
    if complete:
        yield from _missing(where, parameters, schema)


def _missing(where: str, parameters: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(set(schema.get("required", [])) - set(parameters)):
        yield f"{where}: the flow's parameter '{name}' has no default, and no value here"


def _made_by_prefect(value: Any) -> bool:
    if isinstance(value, dict):
        return _BY_PREFECT in value or "$ref" in value or any(map(_made_by_prefect, value.values()))
    return isinstance(value, list) and any(map(_made_by_prefect, value))


def _type_problems(parameters: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    # Slow to import, and a deploy with nothing to do checks nothing.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    checker = Draft202012Validator(
        _as_the_server_reads_it(schema),
        registry=Registry(),  # which asks no network for a schema that one refers to
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    try:
        errors = sorted(checker.iter_errors(dict(parameters)), key=lambda error: [str(part) for part in error.path])
    except (Unresolvable, RecursionError) as lost:
        yield f"the flow's parameter schema cannot be followed: {lost}"
        return
    for error in errors:
        # Of what may be one of several it says which is nearest.
        nearest = best_match([error]) or error
        path = ".".join(str(part) for part in nearest.absolute_path)
        told = nearest.message if len(nearest.message) <= 200 else f"{shown(nearest.instance)} is not allowed"
        yield f"parameter {path}: {told}"


def _as_the_server_reads_it(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Without what must be there, which is looked at apart; and what has no default may be null, as for the server."""
    read = deepcopy(dict(schema))
    required = read.pop("required", [])
    _nullable(read.get("properties", {}), required)
    for definition in read.get("definitions", {}).values():
        if isinstance(definition, dict):
            _nullable(definition.get("properties", {}), definition.get("required", []))
    return read


def _nullable(properties: Mapping[str, Any], required: list[str]) -> None:
    for name, found in properties.items():
        if not isinstance(found, dict):
            continue
        kind = found.get("type")
        if name not in required and kind not in (None, "null") and "default" not in found:
            found["anyOf"] = [{"type": found.pop("type")}, {"type": "null"}]
        if isinstance(found.get("items"), list) and "prefixItems" not in found:
            found["prefixItems"] = found.pop("items")
        if isinstance(found.get("properties"), dict):
            _nullable(found["properties"], found.get("required", []))
