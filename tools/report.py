"""Plan and results as text or JSON, and progress while they are made. Formats; decides nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tools.model.service import Service
from tools.plan.actions import Plan
from tools.plan.results import Result

QUIET_SECONDS = 5
"""How often the same step of the same service is told where there is no terminal."""


class Progress:
    """Shows what is being done for each service: in place on a terminal, as lines elsewhere. A context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._now: dict[str, str] = {}
        self._told: dict[str, tuple[str, float]] = {}
        self._live = None
        if console.is_terminal:
            from rich.live import Live  # only what shows progress pays for it

            self._live = Live(console=console, transient=True, refresh_per_second=8)

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def step(self, subject: str, doing: str) -> None:
        """Tells that `doing` has begun for `subject`."""
        self._now[subject] = doing
        if self._live:
            table = Table.grid(padding=(0, 2))
            for name, text in self._now.items():
                table.add_row(f"[cyan]{escape(name)}[/]", escape(text[: self._console.width - len(name) - 4]))
            self._live.update(table)
            return
        kind, now = doing.split(" ", 1)[0], time.monotonic()
        last, at = self._told.get(subject, ("", 0.0))
        if kind != last or now - at >= QUIET_SECONDS:
            self._told[subject] = (kind, now)
            self._console.print(f"{subject}: {doing}", markup=False, highlight=False, soft_wrap=True)


def services_table(services: Sequence[Service]) -> Table:
    """The services that the repository declares."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("flow", "entrypoint", "deployments", "description"):
        table.add_column(column, overflow="fold")
    for item in services:
        declared = item.declaration
        names = ", ".join(deployment.name for deployment in declared.deployments) or "none"
        table.add_row(item.name, declared.docker_storage.entrypoint, names, escape(declared.description))
    return table


def services_json(services: Sequence[Service]) -> list[dict[str, Any]]:
    """The services for machines: a CI matrix is made of this."""
    return [
        {
            "name": item.name,
            "path": f"services/{item.name}",
            "description": item.declaration.description,
            "owner": item.declaration.owner,
            "entrypoint": item.declaration.docker_storage.entrypoint,
            "platform": item.declaration.docker_storage.platform,
            "deployments": [deployment.name for deployment in item.declaration.deployments],
        }
        for item in services
    ]


def results_table(plan: Plan, results: Sequence[Result]) -> Table:
    """What a deploy did: flow, image, release, deployments, what was done, how long."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("flow", "image", "release", "deployments", "done", "time"):
        table.add_column(column, overflow="fold", justify="right" if column == "time" else "left")
    for item, result in zip(plan.services, results, strict=True):
        deployments = ", ".join(deployment.name for deployment in result.release.deployments) or "none"
        table.add_row(
            item.name,
            result.release.fingerprint,
            str(result.release.revision or "-"),
            deployments,
            done_text(result),
            f"{result.seconds:.1f} s" if result.done else "",
        )
    return table


def done_text(result: Result) -> str:
    """What was done for a service, or why it was not."""
    done = ", ".join(result.done)
    if result.error:
        return f"[red]failed[/]{' after: ' + escape(done) if done else ''}"
    return escape(done) if done else "[dim]unchanged[/]"


def results_json(plan: Plan, results: Sequence[Result]) -> dict[str, Any]:
    """What a deploy did, for machines."""
    return {
        "environment": plan.environment,
        "changed": sum(bool(result.done) for result in results),
        "failed": sum(result.error is not None for result in results),
        "services": [
            {
                "name": result.service,
                "fingerprint": result.release.fingerprint,
                "image": result.release.image,
                "release": result.release.revision,
                "task_definition_arn": result.release.arn,
                "deployments": [deployment.name for deployment in result.release.deployments],
                "done": result.done,
                "error": result.error.message if result.error else None,
                "seconds": round(result.seconds, 3),
            }
            for result in results
        ],
    }
