"""What came of a plan as text or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from tools.plan.actions import Plan
from tools.plan.results import Result


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
