"""What came of a plan as text or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from tools.desired.discover import Broken
from tools.plan.actions import Action, Plan
from tools.plan.results import Result
from tools.show.unseen import unseen_json


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
    done = ", ".join(result.said)
    if result.error:
        return f"[red]failed[/]{' after: ' + escape(done) if done else ''}"
    return escape(done) if done else "[dim]unchanged[/]"


def results_json(plan: Plan, results: Sequence[Result]) -> dict[str, Any]:
    """What a deploy did, for machines."""
    return {
        "environment": plan.environment,
        "changed": sum(bool(result.done) for result in results),
        "failed": sum(result.error is not None for result in results),
        "broken": [broken_json(item) for item in plan.broken],
        "flows": [
            {
                "name": result.service,
                "fingerprint": result.release.fingerprint,
                "image": result.release.image,
                "release": result.release.revision,
                "task_definition_arn": result.release.arn,
                "deployments": [deployment.name for deployment in result.release.deployments],
                "actions": [_action_json(result, action) for action in result.item.actions],
                "done": result.said,
                "error": result.error.message if result.error else None,
                "seconds": round(result.seconds, 3),
            }
            for result in results
        ],
        "unseen": unseen_json(plan.unseen),
    }


def _action_json(result: Result, action: Action) -> dict[str, Any]:
    """An action by the identity that it has in the plan, and what came of it."""
    return {**identity(action), "outcome": _outcome(result, action)}


def broken_json(broken: Broken) -> dict[str, Any]:
    """A service that was left out, and why."""
    return {"name": broken.name, "problems": list(broken.problems)}


def identity(action: Action) -> dict[str, str]:
    """What tells an action from the others, in a plan and in its results alike."""
    return {"id": action.id, "stage": action.stage, "verb": action.verb, "subject": action.subject}


def _outcome(result: Result, action: Action) -> str:
    """`done`, `already` (it was found done), `failed`, or `left` where the service had failed before."""
    for done in result.done:
        if done.action is action:
            return "already" if done.already else "done"
    return "failed" if result.failed is action else "left"
