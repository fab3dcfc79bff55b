"""The Prefect API: deployments, schedules, flow runs and their logs, by plain requests.

Prefect's own client takes two seconds of CPU to import, which is longer than a whole deploy with nothing to do. Reads
and repeatable writes are retried in bounded time; the one write that is not repeatable, creating, is resolved by
reading when its reply is lost.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tools.errors import RemoteError
from tools.model import LiveSchedule, Registration

TIMEOUT = (5, 30)
"""Seconds to connect, seconds between two bytes of an answer."""
CREATE_WAITS = (0.3, 1.0, 3.0)
"""Seconds between the tries of the one write that is not repeated blindly."""
PAGE = 200
"""The most that the API gives at a time."""
FINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


@dataclass(frozen=True)
class FlowRun:
    """A run of a flow as it stands."""

    id: str
    name: str
    state: str
    """The state's name as the UI shows it, e.g. `Late` or `Completed`."""
    state_type: str
    """e.g. `SCHEDULED`."""
    message: str

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self.state_type in FINAL


@dataclass(frozen=True)
class LogLine:
    """One line of a run's log. `at` is ISO 8601 in UTC; `level` as in `logging`."""

    id: str
    at: str
    level: int
    message: str


class PrefectApi:
    """The deployments and runs of a Prefect API."""

    def __init__(self, url: str, key: str | None = None, hint: str = "") -> None:
        """Connects to nothing yet.

        Args:
            url: the API's address, ending in /api or in a Prefect Cloud workspace.
            key: sent as a bearer token.
            hint: what to do where nothing answers at this address.
        """
        self._url = url.rstrip("/")
        self._hint = hint or "check PREFECT_API_URL and the network"
        retry = Retry(
            total=5,
            connect=2,
            backoff_factor=0.2,
            backoff_max=5,
            status_forcelist=(429, 502, 503, 504),
            allowed_methods=None,
            raise_on_status=False,
        )
        self._repeatable, self._once = _session(key, retry), _session(key, Retry(total=0))

    def deployments(self, flows: Sequence[str]) -> list[Registration]:
        """Every deployment of these flows, whoever made it, with its schedules.

        Args:
            flows: names of flows.
        """
        found: list[Registration] = []
        for start in range(0, len(flows), PAGE):
            named = {"flows": {"name": {"any_": list(flows[start : start + PAGE])}}}
            names = {flow["id"]: flow["name"] for flow in self._all("flows", named)}
            if names:
                found += [_registration(item, names[item["flow_id"]]) for item in self._all("deployments", named)]
        return sorted(found, key=lambda registration: registration.full_name)

    def create(self, wanted: Registration) -> Registration:
        """Creates a deployment with its schedules. Only for one that does not exist: the API would reset it.

        Raises:
            RemoteError: the API refused or did not answer.
        """
        flow = self._call("POST", "/flows/", {"name": wanted.flow})
        body = {
            **_body(wanted),
            "name": wanted.name,
            "flow_id": flow["id"],
            "paused": wanted.paused,
            "enforce_parameter_schema": True,
            "schedules": [_schedule_body(item, new=True) for item in wanted.schedules],
        }
        for wait in (*CREATE_WAITS, None):
            try:
                self._call("POST", "/deployments/", body, repeatable=False)
            except RemoteError as error:
                made = self._named(wanted)  # the reply may be all that was lost
                if made is None and wait is not None and error.passing:
                    time.sleep(wait)
                    continue
                if made is None:
                    raise
            break
        made = self._named(wanted)
        if made is None:
            raise RemoteError(f"Prefect: {wanted.full_name} was created and cannot be found", "run this again")
        return made

    def patch(self, live: Registration, wanted: Registration, fields: Iterable[str]) -> None:
        """Writes some fields of a deployment that exists; its schedules and pauses are left alone.

        Args:
            live: as it is, with its id.
            wanted: as it should be.
            fields: names of fields of `Registration`.
        """
        body = {name: value for name, value in _body(wanted).items() if name in {_API_NAMES.get(f, f) for f in fields}}
        self._call("PATCH", f"/deployments/{live.id}", body)

    def add_schedule(self, deployment_id: str, schedule: LiveSchedule) -> None:
        """Adds a schedule to a deployment."""
        try:
            self._call(
                "POST",
                f"/deployments/{deployment_id}/schedules",
                [_schedule_body(schedule, new=True)],
                repeatable=False,
            )
        except RemoteError:
            live = self._call("GET", f"/deployments/{deployment_id}/schedules")
            if schedule.slug not in {item.get("slug") for item in live}:
                raise

    def change_schedule(
        self, deployment_id: str, live: LiveSchedule, wanted: LiveSchedule, active: bool | None
    ) -> None:
        """Changes a schedule in place.

        Args:
            deployment_id: the deployment's.
            live: as it is, with its id.
            wanted: as it should be.
            active: None keeps it as the operator has it.
        """
        body = _schedule_body(wanted, new=False)
        if active is not None:
            body["active"] = active
        self._call("PATCH", f"/deployments/{deployment_id}/schedules/{live.id}", body)

    def remove_schedule(self, deployment_id: str, schedule_id: str) -> None:
        """Deletes a schedule. One that is gone already is done."""
        self._call("DELETE", f"/deployments/{deployment_id}/schedules/{schedule_id}", gone_is_done=True)

    def pool_status(self, name: str) -> str | None:
        """`READY`, `NOT_READY` (no worker polls it) or `PAUSED`; None where there is no such work pool."""
        answer = self._call("GET", f"/work_pools/{name}", gone_is_done=True)
        return answer.get("status") if answer else None

    def start(self, deployment_id: str, parameters: Mapping[str, Any]) -> FlowRun:
        """Creates a flow run of a deployment, to run now."""
        body = {"parameters": dict(parameters), "state": {"type": "SCHEDULED", "message": "Started by hand"}}
        return _flow_run(self._call("POST", f"/deployments/{deployment_id}/create_flow_run", body, repeatable=False))

    def flow_run(self, run_id: str) -> FlowRun:
        """A flow run as it stands now."""
        return _flow_run(self._call("GET", f"/flow_runs/{run_id}"))

    def logs(self, run_id: str, after: str | None) -> list[LogLine]:
        """The lines of a run's log, oldest first; only those after a time (ISO 8601), where one is given."""
        wanted: dict[str, Any] = {"flow_run_id": {"any_": [run_id]}}
        if after:
            wanted["timestamp"] = {"after_": after}
        found = self._all("logs", {"logs": wanted, "sort": "TIMESTAMP_ASC"})
        return [LogLine(item["id"], item["timestamp"], item["level"], item["message"]) for item in found]

    def run_url(self, run_id: str) -> str:
        """Where the UI shows a run."""
        return f"{self._url.removesuffix('/api')}/runs/flow-run/{run_id}"

    def _named(self, wanted: Registration) -> Registration | None:
        found = self._call("GET", f"/deployments/name/{wanted.full_name}", gone_is_done=True)
        return _registration(found, wanted.flow) if found else None

    def _all(self, kind: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._call("POST", f"/{kind}/filter", {**body, "limit": PAGE, "offset": offset})
            yield from page
            if len(page) < PAGE:
                return
            offset += PAGE

    def _call(
        self, method: str, path: str, body: Any = None, *, repeatable: bool = True, gone_is_done: bool = False
    ) -> Any:
        doing = f"{method} {path}"
        session = self._repeatable if repeatable else self._once
        try:
            response = session.request(method, self._url + path, json=body, timeout=TIMEOUT)
        except requests.Timeout as error:
            raise RemoteError(
                f"Prefect: no answer from {self._url} in time ({doing})", self._hint, passing=True
            ) from error
        except requests.RequestException as error:
            raise RemoteError(f"Prefect: nothing answers at {self._url} ({doing})", self._hint, passing=True) from error
        if gone_is_done and response.status_code == requests.codes.not_found:
            return None
        return self._checked(response, doing)

    def _checked(self, response: requests.Response, doing: str) -> Any:
        status = response.status_code
        if status in (401, 403):
            raise RemoteError(
                f"Prefect refused the key at {self._url} ({status} to {doing})",
                "check PREFECT_API_KEY, and that it is of the workspace of PREFECT_API_URL",
            )
        if not response.ok:
            detail = response.text.strip()[:500]
            broken = status >= 500 or status == requests.codes.too_many_requests
            raise RemoteError(
                f"Prefect answered {status} to {doing}: {detail}", self._hint if broken else "", passing=broken
            )
        if status == requests.codes.no_content or not response.content:
            return None
        if "json" not in response.headers.get("content-type", ""):
            raise RemoteError(
                f"what answers at {self._url} is no Prefect API ({doing} gave no JSON)",
                "PREFECT_API_URL is the API's address, ending in /api; not the UI's",
            )
        return response.json()


def _session(key: str | None, retry: Retry) -> requests.Session:
    session = requests.Session()

    def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if key:
            request.headers["Authorization"] = f"Bearer {key}"
        return request

    session.auth = bearer  # given even without a key: otherwise ~/.netrc would be asked for one
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session


_API_NAMES = {
    "work_pool": "work_pool_name",
    "parameter_schema": "parameter_openapi_schema",
}


def _body(wanted: Registration) -> dict[str, Any]:
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


def _schedule_body(schedule: LiveSchedule, *, new: bool) -> dict[str, Any]:
    body = {"schedule": schedule.schedule, "parameters": schedule.parameters, "slug": schedule.slug}
    return {**body, "active": schedule.active} if new else body


def _registration(item: Mapping[str, Any], flow: str) -> Registration:
    limit = item.get("global_concurrency_limit") or {}
    return Registration(
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
            LiveSchedule(
                id=schedule["id"],
                slug=schedule.get("slug") or "",
                schedule=_plain(schedule["schedule"]),
                parameters=schedule.get("parameters") or {},
                active=schedule["active"],
            )
            for schedule in item.get("schedules") or ()
        ),
    )


_SERVER_START = "DTSTART:20200101T000000\n"


def _plain(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule without what the server adds: an interval's anchor, a cron's `day_or`, a start for a rule without."""
    kept = {
        name: value
        for name, value in schedule.items()
        if name != "anchor_date" and not (name == "day_or" and value is True)
    }
    if isinstance(kept.get("rrule"), str):
        kept["rrule"] = kept["rrule"].removeprefix(_SERVER_START)
    return kept


def _flow_run(item: Mapping[str, Any]) -> FlowRun:
    state = item.get("state") or {}
    return FlowRun(
        item["id"], item["name"], state.get("name") or "", state.get("type") or "", state.get("message") or ""
    )
