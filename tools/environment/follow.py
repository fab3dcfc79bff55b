"""Follows a flow run: its state changes and its log, until it ends.

Takes a Prefect API and a run; gives lines to print, and the run as it ended. Reads only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tools.model.runs import FlowRun, LogLine


@dataclass(frozen=True)
class Pace:
    """How long is waited for what, in seconds."""

    poll: float = 1.0
    start: float = 30.0
    """After this long without a start, what keeps the run waiting is looked for."""
    late_lines: float = 30.0
    """How much later than a newer line of the log an older one may arrive."""
    last_lines: float = 3.0
    """How long after the final state the last lines may arrive."""


class Runs(Protocol):
    """The Prefect API, as far as a run is followed."""

    def flow_run(self, run_id: str) -> FlowRun: ...
    def logs(self, run_id: str, after: str | None) -> list[LogLine]: ...
    def pool_status(self, name: str) -> str | None: ...


def follow(api: Runs, run: FlowRun, pool: str, pace: Pace = Pace()) -> Iterator[LogLine | FlowRun | str]:
    """Each new log line, each new state and each remark, as they come; the last state is final.

    Args:
        api: where the run is.
        run: as it was created.
        pool: its work pool, to say why nothing starts.
        pace: how long is waited for what.
    """
    yield run
    shown: dict[str, LogLine] = {}
    begun, remarked, ended_at = time.monotonic(), False, None
    while True:
        now = api.flow_run(run.id)
        # Lines come from the worker and from the container, each in its own batches: a later line may be there first.
        lines = [line for line in api.logs(run.id, _overlap(shown, pace)) if line.id not in shown]
        shown |= {line.id: line for line in lines}
        yield from lines
        if now.ended:
            ended_at = ended_at or time.monotonic()
            if not lines and time.monotonic() - ended_at >= pace.last_lines:
                yield now
                return
        elif (now.state, now.message) != (run.state, run.message):
            yield now
            run = now
        if not remarked and now.state_type == "SCHEDULED" and time.monotonic() - begun > pace.start:
            remarked = True
            yield _why_waiting(api.pool_status(pool), pool)
        time.sleep(pace.poll)


def _overlap(shown: Mapping[str, LogLine], pace: Pace) -> str | None:
    """From when on lines may still be new."""
    if not shown:
        return None
    newest = datetime.fromisoformat(max(line.at for line in shown.values()))
    return (newest - timedelta(seconds=pace.late_lines)).isoformat()


def _why_waiting(status: str | None, pool: str) -> str:
    if status is None:
        return f"there is no work pool '{pool}': nothing will start this run"
    if status == "NOT_READY":
        return f"no worker polls the work pool '{pool}': the run waits for one"
    if status == "PAUSED":
        return f"the work pool '{pool}' is paused: the run waits until it is resumed"
    return "the worker has not started the run yet; it may be busy"
