"""Parameters that the flow would not take are told before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from tools.model.service import Deployment
from tools.plan.parameters import parameter_problems, problems_of
from tools.tests.worlds import SCHEMA, deployment, planned, release, schedule, world

REQUIRED: dict[str, Any] = {"properties": {"table": {}, "limit": {}}, "required": ["table"]}
PARAMETERS: dict[str, tuple[Deployment, dict[str, Any], list[str]]] = {
    "all there": (deployment(parameters={"table": "x", "limit": 1}), REQUIRED, []),
    "a default is used": (deployment(), SCHEMA, []),
    "not scheduled, so whoever triggers it gives it": (deployment(schedules=()), REQUIRED, []),
    "a schedule gives it": (deployment(schedules=(schedule(parameters={"table": "x"}),)), REQUIRED, []),
    "a scheduled run would lack it": (
        deployment(),
        REQUIRED,
        ["schedule main/daily: the flow's parameter 'table' has no default, and no value here"],
    ),
    "a parameter that the flow lacks": (
        deployment(parameters={"tabel": "x"}, schedules=()),
        SCHEMA,
        ["deployment main: the flow has no parameter 'tabel'; it has table, limit"],
    ),
    "a schedule's parameter that the flow lacks": (
        deployment(schedules=(schedule(parameters={"tabel": "x"}),)),
        SCHEMA,
        ["schedule main/daily: the flow has no parameter 'tabel'; it has table, limit"],
    ),
    "a flow without parameters": (
        deployment(parameters={"table": "x"}, schedules=()),
        {"type": "object", "properties": {}},
        ["deployment main: the flow has no parameter 'table'; it has none"],
    ),
}


@pytest.mark.parametrize(("declared", "schema", "problems"), PARAMETERS.values(), ids=PARAMETERS)
def test_parameters_are_those_of_the_flow(declared: Deployment, schema: dict[str, Any], problems: list[str]) -> None:
    one = release(1, deployments=(declared,), parameter_schema=schema)

    assert list(parameter_problems(one)) == problems
    # A plan tells them before anything is built where the flow's parameters are known.
    old = release(1, deployments=(), parameter_schema=schema)
    assert list(planned(release(None, deployments=(declared,)), world(old)).problems) == problems


NESTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "pct": {"type": "integer", "minimum": 0, "maximum": 100, "default": 5},
        "mode": {"enum": ["fast", "slow"], "default": "fast"},
        "options": {"$ref": "#/definitions/Options"},
        "names": {"type": "array", "items": {"type": "string"}, "default": []},
        "maybe": {"type": "string"},
    },
    "required": ["options"],
    "definitions": {
        "Options": {
            "type": "object",
            "properties": {"depth": {"type": "integer"}, "note": {"type": "string"}},
            "required": ["depth"],
        }
    },
}
TYPES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "right": ({"pct": 100, "mode": "slow", "options": {"depth": 1}, "names": ["a"]}, []),
    "too much": ({"pct": 101}, ["parameter pct: 101 is greater than the maximum of 100"]),
    "text for a number": ({"pct": "5"}, ["parameter pct: '5' is not of type 'integer'"]),
    "a truth for a number": ({"pct": True}, ["parameter pct: True is not of type 'integer'"]),
    "no choice": ({"mode": "medium"}, ["parameter mode: 'medium' is not one of ['fast', 'slow']"]),
    "a nested field is missing": ({"options": {}}, ["parameter options: 'depth' is a required property"]),
    "a nested field is wrong": (
        {"options": {"depth": "x", "note": None}},
        ["parameter options.depth: 'x' is not of type 'integer'"],
    ),
    "an item is wrong": ({"names": ["a", 1]}, ["parameter names.1: 1 is not of type 'string'"]),
    "null where nothing is the default": ({"maybe": None}, []),
    "null where there is a default": ({"pct": None}, ["parameter pct: None is not of type 'integer'"]),
    "a template of Prefect's": ({"pct": {"__prefect_kind": "jinja", "template": "{{ 5 }}"}}, []),
    "two at once": (
        {"pct": -1, "mode": 1},
        ["parameter mode: 1 is not one of ['fast', 'slow']", "parameter pct: -1 is less than the minimum of 0"],
    ),
}


@pytest.mark.parametrize(("parameters", "problems"), TYPES.values(), ids=TYPES)
def test_types_are_checked_of_a_deployment_and_of_its_schedules(
    parameters: dict[str, Any], problems: list[str]
) -> None:
    assert list(problems_of("x", parameters, NESTED, complete=False)) == [f"x: {problem}" for problem in problems]
    complete = {"options": {"depth": 1}}
    of_deployment = deployment(parameters={**complete, **parameters}, schedules=())
    of_schedule = deployment(parameters=complete, schedules=(schedule(parameters=parameters),))
    for declared, where in ((of_deployment, "deployment main"), (of_schedule, "schedule main/daily")):
        one = release(1, deployments=(declared,), parameter_schema=NESTED)
        assert list(parameter_problems(one)) == [f"{where}: {problem}" for problem in problems]


def test_a_schema_that_leads_elsewhere_or_round_in_circles_is_told_and_nobody_is_asked() -> None:
    for reference in ("http://127.0.0.1:1/schema.json", "#/definitions/Circle", "#/nowhere"):
        schema = {
            "properties": {"a": {"$ref": reference}},
            "definitions": {"Circle": {"$ref": "#/definitions/Circle"}},
        }
        (problem,) = problems_of("x", {"a": 1}, schema, complete=False)
        assert problem.startswith("x: the flow's parameter schema cannot be followed: ")


def test_a_release_that_is_there_and_stays_is_not_checked_again() -> None:
    schema = {"type": "object", "properties": {"limit": {"type": "integer", "default": 1}}}
    wrong = release(1, deployments=(deployment(parameters={"limit": "many"}),), parameter_schema=schema)
    assert planned(wrong, world(wrong)).problems == ()
    assert planned(wrong, world(wrong, deployments=[])).problems == (
        "deployment main: parameter limit: 'many' is not of type 'integer'",
    )
