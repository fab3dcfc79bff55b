"""Whether a Prefect API can run flows: its version, a work pool, its workers, a block for results, what is late.

Reads only; of a block nothing but the bucket's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from tools.clients.bounds import http_date
from tools.clients.prefect_http import Http
from tools.model.health import Api, LateRun, StandingPool, Worker

_REFUSALS = (401, 403)
_MOST_LATE = 50


def reach(api: Http) -> Api:
    """Asks the API for what only those can read whom it lets in.

    Raises:
        RemoteError: it does not answer, or is no Prefect API.
    """
    answer = api.answer("POST", "/work_pools/filter", {"limit": 1}, expected=_REFUSALS)
    if answer.ok:
        api.understood("POST /work_pools/filter", _OBJECTS, answer.json)
    return Api(answer.ok, http_date(answer.headers.get("date", "")))


def version(api: Http) -> str:
    """The version of a server of one's own."""
    found: str = api.call("GET", "/admin/version", read=_TEXT)
    return found


def work_pool(api: Http, name: str) -> StandingPool | None:
    """A work pool; None where there is none of this name."""

    def read(found: Any) -> StandingPool:
        return _POOL(
            {
                "name": name,
                "type": found["type"],
                "paused": found["is_paused"],
                "limit": found.get("concurrency_limit"),
                "template": found["base_job_template"],
            }
        )

    pool: StandingPool | None = api.call("GET", f"/work_pools/{_in_path(name)}", read=read, gone_is_done=True)
    return pool


def workers(api: Http, pool: str) -> list[Worker]:
    """The workers that a pool has heard of, whether or not they are still alive."""

    def read(item: Mapping[str, Any]) -> Worker:
        heard = item.get("last_heartbeat_time")
        return _WORKER({"name": item["name"], "online": item["status"] == "ONLINE", "heard": heard})

    return list(api.all(f"work_pools/{_in_path(pool)}/workers", {}, read=read))


def bucket_of(api: Http, block: str) -> str | None:
    """The bucket that a block stands for, with its folder; None where there is no such block.

    Args:
        api: where it is.
        block: `<type>/<name>`.
    """

    def read(found: Any) -> str:
        data = found["data"]
        parts = (_TEXT(data["bucket_name"]), _TEXT(data.get("bucket_folder") or "").strip("/"))
        return "/".join(filter(None, parts))

    kind, _, name = block.partition("/")
    path = f"/block_types/slug/{_in_path(kind)}/block_documents/name/{_in_path(name)}"
    found: str | None = api.call("GET", path, read=read, gone_is_done=True)
    return found


def late_runs(api: Http, pool: str) -> list[LateRun]:
    """The runs of a pool that should have begun, longest due first; of very many the first."""
    body = {
        "work_pools": {"name": {"any_": [pool]}},
        "flow_runs": {"state": {"name": {"any_": ["Late"]}}},
        "sort": "EXPECTED_START_TIME_ASC",
        "limit": _MOST_LATE,
    }

    def read(found: Any) -> list[LateRun]:
        return [_LATE({"id": x["id"], "name": x["name"], "due": x["expected_start_time"]}) for x in _OBJECTS(found)]

    late: list[LateRun] = api.call("POST", "/flow_runs/filter", body, read=read)
    return late


def _in_path(name: str) -> str:
    return quote(name, safe="")


_TEXT = TypeAdapter(str).validate_python
_OBJECTS = TypeAdapter(list[dict[str, Any]]).validate_python
_POOL = TypeAdapter(StandingPool).validate_python
_WORKER = TypeAdapter(Worker).validate_python
_LATE = TypeAdapter(LateRun).validate_python
