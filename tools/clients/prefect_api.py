"""Deployments, schedules, flow runs and their logs in the Prefect API.

Reads and repeatable writes are retried in bounded time; creating a deployment or a schedule is not repeatable: it is
resolved by reading when its reply is lost, and tried again where it was not done. A flow run is created under a key of
its own, so that is repeatable.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import StrictInt, TypeAdapter

from tools.clients.bounds import patiently
from tools.clients.prefect_http import PAGE, Http
from tools.errors import RemoteError
from tools.model.credential import Credential
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.runs import FlowRun, LogLine
from tools.model.timing import instant, local, without_server_start

NAMES = 1000
"""How many flows one filter names: each is a variable of the server's query, of which SQLite takes 32,766."""


class PrefectApi(Http):
    """The deployments and runs of a Prefect API."""

    def __init__(self, url: str, credential: Credential | None = None, hint: str = "") -> None:
        """See `Http`."""
        super().__init__(url, credential, hint)
        self.flow_names: dict[str, str] = {}
        """By the flows' ids, as far as they are known: a flow keeps its name, and an id is never given again."""

    def deployments(self, flows: Sequence[str]) -> list[PrefectDeployment]:
        """Every deployment of these flows, whoever made it, with its schedules.

        Args:
            flows: names of flows.
        """
        found: list[PrefectDeployment] = []
        for start in range(0, len(flows), NAMES):
            found += self._found({"flows": {"name": {"any_": list(flows[start : start + NAMES])}}})
        return sorted(found, key=lambda deployment: deployment.full_name)

    def tagged(self, tag: str) -> list[PrefectDeployment]:
        """Every deployment with a tag, whatever its flow."""
        return self._found(_tag(tag))

    def count(self, tag: str) -> int:
        """How many deployments have a tag, whatever their flows."""
        found: int = self.call("POST", "/deployments/count", _tag(tag), read=_NUMBER)
        return found

    def every_deployment(self) -> list[PrefectDeployment]:
        """Every deployment that the API has."""
        return self._found({})

    def _found(self, wanted: Mapping[str, Any]) -> list[PrefectDeployment]:
        """What a filter finds, but for a deployment whose flow went before its name was asked."""
        read = list(self.all("deployments", wanted, read=lambda item: (_TEXT(item["flow_id"]), item)))
        unknown = sorted({flow for flow, _ in read} - set(self.flow_names))
        for start in range(0, len(unknown), PAGE):
            some = {"flows": {"id": {"any_": unknown[start : start + PAGE]}}}
            self.flow_names |= dict(self.all("flows", some, read=_name))

        def deployment(both: tuple[str, dict[str, Any]]) -> PrefectDeployment:
            flow, item = both
            return _deployment(item, self.flow_names[flow])

        there = [both for both in read if both[0] in self.flow_names]
        made = [self.understood("POST /deployments/filter", deployment, both) for both in there]
        return sorted(made, key=lambda deployment: deployment.full_name)

    def remove(self, deployment_id: str) -> None:
        """Deletes a deployment with its schedules and the runs that wait. One that is gone already is done."""
        self.call("DELETE", f"/deployments/{deployment_id}", gone_is_done=True)

    def create(self, wanted: PrefectDeployment) -> PrefectDeployment:
        """Creates a deployment with its schedules. Only for one that does not exist: the API would reset it.

        Raises:
            RemoteError: the API refused or did not answer.
        """
        flow_id = self.call("POST", "/flows/", {"name": wanted.flow}, read=lambda flow: _TEXT(flow["id"]))
        body = {
            **_body(wanted),
            "name": wanted.name,
            "flow_id": flow_id,
            "paused": wanted.paused,
            "enforce_parameter_schema": True,
            "schedules": [_schedule_body(item, new=True) for item in wanted.schedules],
        }
        self._make("/deployments/", body, lambda: self._named(wanted) is not None)
        made = self._named(wanted)
        if made is None:
            raise RemoteError(f"Prefect: {wanted.full_name} was created and cannot be found", "run this again")
        return made

    def patch(self, live: PrefectDeployment, wanted: PrefectDeployment, fields: Iterable[str]) -> None:
        """Writes some fields of a deployment that exists; its schedules and pauses are left alone.

        Args:
            live: as it is, with its id.
            wanted: as it should be.
            fields: names of fields of `PrefectDeployment`.
        """
        body = {name: value for name, value in _body(wanted).items() if name in {_API_NAMES.get(f, f) for f in fields}}
        self.call("PATCH", f"/deployments/{live.id}", body)

    def add_schedule(self, deployment_id: str, schedule: PrefectSchedule) -> None:
        """Adds a schedule to a deployment."""
        path = f"/deployments/{deployment_id}/schedules"

        def made() -> bool:
            return schedule.slug in {item.get("slug") for item in self.call("GET", path, read=_OBJECTS)}

        self._make(path, [_schedule_body(schedule, new=True)], made)

    def change_schedule(
        self, deployment_id: str, live: PrefectSchedule, wanted: PrefectSchedule, active: bool | None
    ) -> None:
        """Changes a schedule in place.

        Args:
            deployment_id: the deployment's.
            live: as it is, with its id.
            wanted: as it should be.
            active: None keeps it as the operator has it.
        """
        body = _schedule_body(wanted, new=False)
        keeps = "interval" in wanted.schedule and not wanted.anchor
        anchor = self._anchor(deployment_id, live.id) if keeps else None
        if anchor:
            # Without it the API would count the interval anew from this moment on.
            body["schedule"] = {**wanted.schedule, "anchor_date": anchor}
        if active is not None:
            body["active"] = active
        self.call("PATCH", f"/deployments/{deployment_id}/schedules/{live.id}", body)

    def _anchor(self, deployment_id: str, schedule_id: str) -> str | None:
        """The moment from which a schedule's interval is counted; None where it has none yet."""

        def anchor(found: Any) -> str | None:
            mine = (item["schedule"] for item in _OBJECTS(found) if item["id"] == schedule_id)
            return next((when.get("anchor_date") for when in mine), None)

        path = f"/deployments/{deployment_id}/schedules"
        read: str | None = self.call("GET", path, read=anchor)
        return read

    def remove_schedule(self, deployment_id: str, schedule_id: str) -> None:
        """Deletes a schedule. One that is gone already is done."""
        self.call("DELETE", f"/deployments/{deployment_id}/schedules/{schedule_id}", gone_is_done=True)

    def pool_status(self, name: str) -> str | None:
        """`READY`, `NOT_READY` (no worker polls it) or `PAUSED`; None where there is no such work pool."""

        path = f"/work_pools/{name}"
        status: str | None = self.call("GET", path, read=lambda pool: _MAYBE(pool["status"]), gone_is_done=True)
        return status

    def start(self, deployment_id: str, parameters: Mapping[str, Any]) -> FlowRun:
        """Creates a flow run of a deployment, to run now. Tried again with the same key, it stays one run."""
        body = {
            "parameters": dict(parameters),
            "state": {"type": "SCHEDULED", "message": "Started by hand"},
            "idempotency_key": uuid.uuid4().hex,
        }
        path = f"/deployments/{deployment_id}/create_flow_run"
        made: FlowRun = self.call("POST", path, body, read=_flow_run)
        return made

    def flow_run(self, run_id: str) -> FlowRun:
        """A flow run as it stands now."""
        found: FlowRun = self.call("GET", f"/flow_runs/{run_id}", read=_flow_run)
        return found

    def last_run(self, flow: str, pool: str) -> FlowRun | None:
        """The run of a flow that started last, or should have by now; None where there is none.

        Args:
            flow: its name.
            pool: the work pool; one server may serve several environments.
        """
        wanted = {
            "flows": {"name": {"any_": [flow]}},
            "work_pools": {"name": {"any_": [pool]}},
            "flow_runs": {"expected_start_time": {"before_": datetime.now(UTC).isoformat()}},
            "sort": "EXPECTED_START_TIME_DESC",
            "limit": 1,
        }
        found: list[FlowRun] = self.call("POST", "/flow_runs/filter", wanted, read=_flow_runs)
        return found[0] if found else None

    def logs(self, run_id: str, after: str | None) -> list[LogLine]:
        """The lines of a run's log, oldest first; only those after a time (ISO 8601), where one is given."""
        wanted: dict[str, Any] = {"flow_run_id": {"any_": [run_id]}}
        if after:
            wanted["timestamp"] = {"after_": after}
        return list(self.all("logs", {"logs": wanted, "sort": "TIMESTAMP_ASC"}, read=_log_line))

    def run_url(self, run_id: str) -> str:
        """Where the UI shows a run."""
        return f"{self.url.removesuffix('/api')}/runs/flow-run/{run_id}"

    def _make(self, path: str, body: Any, made: Callable[[], bool]) -> None:
        """Makes what must not be made twice: before it is tried again it is read whether only the reply was lost."""

        def attempt() -> bool:
            self.call("POST", path, body, repeatable=False)
            return True

        patiently(attempt, lambda: made() or None)

    def _named(self, wanted: PrefectDeployment) -> PrefectDeployment | None:

        def read(found: Any) -> PrefectDeployment:
            return _deployment(found, wanted.flow)

        path = f"/deployments/name/{wanted.full_name}"
        named: PrefectDeployment | None = self.call("GET", path, read=read, gone_is_done=True)
        return named


_API_NAMES = {
    "work_pool": "work_pool_name",
    "parameter_schema": "parameter_openapi_schema",
}


def _body(wanted: PrefectDeployment) -> dict[str, Any]:
    return {
        "description": wanted.description,
        "version": wanted.version,
        "tags": list(wanted.tags),
        "parameters": wanted.parameters,
        "entrypoint": wanted.entrypoint,
        "path": wanted.path,
        "work_pool_name": wanted.work_pool,
        "job_variables": wanted.job_variables,
        "parameter_openapi_schema": wanted.parameter_schema,
        "concurrency_limit": wanted.concurrency_limit,
    }


def _schedule_body(schedule: PrefectSchedule, *, new: bool) -> dict[str, Any]:
    when = dict(schedule.schedule)
    if schedule.anchor:
        when["anchor_date"] = instant(schedule.anchor, when.get("timezone") or "UTC").isoformat()
    body = {"schedule": when, "parameters": schedule.parameters, "slug": schedule.slug}
    return {**body, "active": schedule.active} if new else body


def _deployment(item: Mapping[str, Any], flow: str) -> PrefectDeployment:
    limit = item.get("global_concurrency_limit") or {}
    return PrefectDeployment(
        id=item["id"],
        flow=flow,
        name=item["name"],
        description=item.get("description") or "",
        version=item.get("version") or "",
        tags=tuple(sorted(item.get("tags") or ())),
        parameters=item.get("parameters") or {},
        entrypoint=item.get("entrypoint") or "",
        path=item.get("path") or "",
        work_pool=item.get("work_pool_name") or "",
        job_variables=item.get("job_variables") or {},
        parameter_schema=item.get("parameter_openapi_schema") or {},
        concurrency_limit=limit.get("limit") or item.get("concurrency_limit"),
        paused=bool(item.get("paused")),
        schedules=tuple(
            PrefectSchedule(
                id=schedule["id"],
                slug=schedule.get("slug") or "",
                schedule=_plain(schedule["schedule"]),
                anchor=_local_anchor(schedule["schedule"]),
                parameters=schedule.get("parameters") or {},
                active=schedule["active"],
            )
            for schedule in item.get("schedules") or ()
        ),
    )


def _plain(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule without what the server adds: an interval's anchor, a cron's `day_or`, a start for a rule without."""
    kept = {
        name: value
        for name, value in schedule.items()
        if name != "anchor_date" and not (name == "day_or" and value is True)
    }
    if isinstance(kept.get("rrule"), str):
        kept["rrule"] = without_server_start(kept["rrule"])
    return kept


def _local_anchor(schedule: Mapping[str, Any]) -> str:
    anchor = schedule.get("anchor_date")
    return local(datetime.fromisoformat(anchor), schedule.get("timezone") or "UTC") if anchor else ""


def _tag(tag: str) -> dict[str, Any]:
    """The filter of deployments by a tag."""
    return {"deployments": {"tags": {"all_": [tag]}}}


def _name(flow: Mapping[str, Any]) -> tuple[str, str]:
    """A flow's id and its name."""
    return _TEXT(flow["id"]), _TEXT(flow["name"])


def _flow_run(item: Mapping[str, Any]) -> FlowRun:
    state = item.get("state") or {}
    return _FLOW_RUN(
        {
            "id": item["id"],
            "name": item["name"],
            "task": (item.get("infrastructure_pid") or "").rpartition("::")[2],
            "state": state.get("name") or "",
            "state_type": state.get("type") or "",
            "message": state.get("message") or "",
        }
    )


def _flow_runs(found: Any) -> list[FlowRun]:
    return [_flow_run(item) for item in _OBJECTS(found)]


def _log_line(item: Mapping[str, Any]) -> LogLine:
    return _LOG_LINE({"id": item["id"], "at": item["timestamp"], "level": item["level"], "message": item["message"]})


_TEXT = TypeAdapter(str).validate_python
_NUMBER = TypeAdapter(StrictInt).validate_python
_MAYBE = TypeAdapter(str | None).validate_python
_OBJECTS = TypeAdapter(list[dict[str, Any]]).validate_python
_FLOW_RUN = TypeAdapter(FlowRun).validate_python
_LOG_LINE = TypeAdapter(LogLine).validate_python
