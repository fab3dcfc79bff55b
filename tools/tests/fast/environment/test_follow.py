"""A run is followed to its end, whatever the order in which its log arrives."""

from __future__ import annotations

import pytest

from tools.environment.follow import Pace, follow
from tools.model.runs import FlowRun, LogLine


def run(state: str, kind: str, message: str = "") -> FlowRun:
    """A run in a state."""
    return FlowRun("id", "name", state, kind, message)


def line(second: int, message: str) -> LogLine:
    """A line at a second."""
    return LogLine(message, f"2026-01-01T00:00:{second:02}+00:00", 20, message)


class Script:
    """An API that gives one state and the lines that have arrived by then at each look, the last ones for ever."""

    def __init__(self, states: list[FlowRun], arrivals: list[list[LogLine]], pool: str | None = "READY") -> None:
        self._states, self._arrivals, self._pool = states, arrivals, pool
        self._look = 0

    def flow_run(self, run_id: str) -> FlowRun:
        """The next state."""
        self._look += 1
        return self._states[min(self._look, len(self._states)) - 1]

    def logs(self, run_id: str, after: str | None) -> list[LogLine]:
        """What has arrived, in order of time."""
        there = [item for batch in self._arrivals[: self._look] for item in batch if after is None or item.at > after]
        return sorted(there, key=lambda item: item.at)

    def pool_status(self, name: str) -> str | None:
        """As scripted."""
        return self._pool


QUICK = Pace(poll=0.01, start=0.05, last_lines=0.1)
SCHEDULED, RUNNING = run("Scheduled", "SCHEDULED"), run("Running", "RUNNING")


@pytest.mark.parametrize(
    "end",
    [
        run("Completed", "COMPLETED"),
        run("Failed", "FAILED", "boom"),
        run("Crashed", "CRASHED"),
        run("Cancelled", "CANCELLED"),
    ],
    ids=lambda end: end.state,
)
def test_each_state_is_told_once_and_the_last_is_final(end: FlowRun) -> None:
    told = list(follow(Script([SCHEDULED, RUNNING, RUNNING, end], []), SCHEDULED, "pool", QUICK))
    assert told == [SCHEDULED, RUNNING, end]


def test_each_line_is_told_once_also_one_that_arrives_after_a_newer_one() -> None:
    arrivals = [[line(1, "worker"), line(9, "worker, later")], [line(3, "flow")], [], [line(4, "flow, last")]]
    told = list(follow(Script([RUNNING, run("Completed", "COMPLETED")], arrivals), RUNNING, "pool", QUICK))
    lines = [item.message for item in told if isinstance(item, LogLine)]
    assert lines == ["worker", "worker, later", "flow", "flow, last"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (None, "no work pool 'pool'"),
        ("NOT_READY", "no worker polls"),
        ("PAUSED", "is paused"),
        ("READY", "may be busy"),
    ],
)
def test_a_run_that_waits_is_told_why_once(status: str | None, said: str) -> None:
    states = [SCHEDULED] * 20 + [run("Completed", "COMPLETED")]
    told = [item for item in follow(Script(states, [], status), SCHEDULED, "pool", QUICK) if isinstance(item, str)]
    assert len(told) == 1
    assert said in told[0]
