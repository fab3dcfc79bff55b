"""PURE: an answer of ecs:DescribeTasks -> Task."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

#: What Prefect's ECS worker tells the container, and with it ECS.
_RUN_ID = "PREFECT__FLOW_RUN_ID"
_NO_NEWS = re.compile(r"(Essential container (in task )?exited)?")
_LONG = 500
_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Container:
    """How a container of a task ended. ECS gives no exit code for one that never started."""

    name: str
    exit_code: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Task:
    """What ECS knows of a task. AWS gives a stopped one a `stop_code`; the emulator forgets it when it restarts."""

    arn: str
    status: str
    run_id: str = ""
    definition: str = ""
    memory: str = ""
    created_at: datetime = _LONG_AGO
    stopped_at: datetime | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    containers: tuple[Container, ...] = ()

    @property
    def lives(self) -> bool:
        """Whether it may still do anything; one that is being stopped, or whose status is new to us, may."""
        return self.status not in ("STOPPED", "DELETED")

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def said(self) -> str:
        """What ECS says about its end, each thing once; empty where that is no more than that it ended."""
        texts = map(_one_line, [self.stopped_reason, *(container.reason for container in self.containers)])
        return "; ".join(dict.fromkeys(text for text in texts if not _NO_NEWS.fullmatch(text)))


def described(answer: Mapping[str, Any]) -> Task:
    """A task as ECS describes it. Anything but ARN and status may be missing."""
    return Task(
        arn=answer["taskArn"],
        status=answer["lastStatus"],
        run_id=_run_id(answer),
        definition=answer.get("taskDefinitionArn", "").rpartition("/")[2],
        memory=str(answer.get("memory", "")),
        created_at=answer.get("createdAt") or _LONG_AGO,
        stopped_at=answer.get("stoppedAt"),
        stop_code=answer.get("stopCode", ""),
        stopped_reason=answer.get("stoppedReason", ""),
        containers=tuple(_container(item) for item in answer.get("containers", ())),
    )


def _container(answer: Mapping[str, Any]) -> Container:
    return Container(answer.get("name", "?"), answer.get("exitCode"), answer.get("reason", ""))


def _run_id(answer: Mapping[str, Any]) -> str:
    overrides: Sequence[Mapping[str, Any]] = answer.get("overrides", {}).get("containerOverrides", ())
    for override in overrides:
        for variable in override.get("environment", ()):
            if variable.get("name") == _RUN_ID:
                return str(variable.get("value", ""))
    return ""


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONG else f"{line[:_LONG]}…"
