"""When deployments run next and how they last ran, as the Prefect API has it. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import TypeAdapter

from tools.clients.prefect_http import Http
from tools.model.runs import Run, Runs

PARALLEL = 4


def runs(api: Http, deployments: Sequence[str]) -> dict[str, Runs]:
    """The next and the last run of each deployment.

    Args:
        api: where they are.
        deployments: their ids.
    """
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = list(pool.map(lambda one: Runs(_next(api, one), _last(api, one)), deployments))
    return dict(zip(deployments, found, strict=True))


def _next(api: Http, deployment: str) -> Run | None:
    waiting = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    return _first(api, deployment, {"flow_runs": waiting, "sort": "EXPECTED_START_TIME_ASC"})


def _last(api: Http, deployment: str) -> Run | None:
    started = {"start_time": {"is_null_": False}}
    return _first(api, deployment, {"flow_runs": started, "sort": "START_TIME_DESC"})


def _first(api: Http, deployment: str, body: dict[str, Any]) -> Run | None:
    which = {"deployments": {"id": {"any_": [deployment]}}}
    found: Run | None = api.call("POST", "/flow_runs/filter", {**body, **which, "limit": 1}, read=_run)
    return found


def _run(found: Any) -> Run | None:
    """The first of a list of runs."""
    if not isinstance(found, list):
        raise TypeError("no list")
    if not found:
        return None
    at = found[0].get("start_time") or found[0]["expected_start_time"]
    return _RUN.validate_python({"state": found[0].get("state_name") or "", "at": at})


_RUN = TypeAdapter(Run)
