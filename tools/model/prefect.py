"""Deployments, schedules, work pools, blocks and variables in the words of Prefect's API: what is or what should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import AwareDatetime, Field

from tools.model.rules import Frozen


class PrefectSchedule(Frozen):
    """A schedule as Prefect holds it. `slug` is empty where somebody made it by hand."""

    id: str = ""
    slug: str = ""
    schedule: dict[str, Any]
    anchor: str = ""
    """The local time from which an interval is counted; empty where that is not declared or not known."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    active: bool = True


class WorkPool(Frozen):
    """A work pool, as far as it is ours: pause, limits and queues are the operator's."""

    name: str
    type: str
    base_job_template: dict[str, Any]


class Block(Frozen):
    """A block document: values of a block type under a name."""

    id: str = ""
    type: str
    """The slug of its block type, e.g. `s3-bucket`."""
    name: str
    data: dict[str, Any]

    @property
    def full_name(self) -> str:
        """`<type>/<name>`, as Prefect names it."""
        return f"{self.type}/{self.name}"


class PrefectDeployment(Frozen):
    """A Prefect deployment in the words of Prefect's API: what is there, or what should be there."""

    id: str = ""
    flow: str
    name: str
    description: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    entrypoint: str = ""
    path: str = ""
    work_pool: str = ""
    job_variables: dict[str, Any] = Field(default_factory=dict)
    parameter_schema: dict[str, Any] = Field(default_factory=dict)
    concurrency_limit: int | None = None
    paused: bool = False
    schedules: tuple[PrefectSchedule, ...] = ()

    @property
    def full_name(self) -> str:
        """`<flow>/<deployment>`, as Prefect shows it."""
        return f"{self.flow}/{self.name}"


@dataclass(frozen=True)
class Variable:
    """A variable as it was when it was read."""

    id: str
    value: Any
    created: AwareDatetime
    updated: AwareDatetime
    """When it was last written, by the clock of whoever wrote it down."""
    date: AwareDatetime | None
    """When it was read, by the clock of whoever answered; None where it did not say."""
