"""Flow runs and their logs, as Prefect tells them."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import AwareDatetime

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
    task: str = ""
    """The ARN of the ECS task that runs it; empty while there is none."""

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


@dataclass(frozen=True)
class Run:
    """A flow run: its state's name, and when it starts or has started."""

    state: str
    at: AwareDatetime


@dataclass(frozen=True)
class Runs:
    """Of one deployment: the run that is due next and the one that started last; None where there is none."""

    next: Run | None
    last: Run | None
