"""Follows a flow run: its state changes and its log, until it ends.

Takes a Prefect API and a run; gives lines to print, and the run as it ended. Reads only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

from tools.clients.prefect_api import FlowRun, LogLine

POLL_SECONDS = 1.0
WORKER_SECONDS = 30
"""After this long without a start, what keeps the run waiting is looked for."""
LAST_LOGS_SECONDS = 3.0
"""A run's last log lines may reach the API a little after its final state."""


class Runs(Protocol):
    """The Prefect API, as far as a run is followed."""

    def flow_run(self, run_id: str) -> FlowRun: ...
    def logs(self, run_id: str, offset: int) -> list[LogLine]: ...
    def pool_status(self, name: str) -> str | None: ...


def follow(api: Runs, run: FlowRun, pool: str) -> Iterator[LogLine | FlowRun | str]:
    """Each new log line, each new state and each remark, as they come; the last state is final.

    Args:
        api: where the run is.
        run: as it was created.
        pool: its work pool, to say why nothing starts.
    """
    yield run
    offset, begun, remarked, ended_at = 0, time.monotonic(), False, None
    while True:
        now = api.flow_run(run.id)
        lines = api.logs(run.id, offset)
        offset += len(lines)
        yield from lines
        if now.ended:
            ended_at = ended_at or time.monotonic()
            if not lines and time.monotonic() - ended_at >= LAST_LOGS_SECONDS:
                yield now
                return
        elif (now.state, now.message) != (run.state, run.message):
            yield now
            run = now
        if not remarked and now.state_type == "SCHEDULED" and time.monotonic() - begun > WORKER_SECONDS:
            remarked = True
            yield _why_waiting(api.pool_status(pool), pool)
        time.sleep(POLL_SECONDS)


def _why_waiting(status: str | None, pool: str) -> str:
    if status is None:
        return f"there is no work pool '{pool}': nothing will start this run"
    if status == "NOT_READY":
        return f"no worker polls the work pool '{pool}': the run waits for one"
    if status == "PAUSED":
        return f"the work pool '{pool}' is paused: the run waits until it is resumed"
    return "the worker has not started the run yet; it may be busy"
