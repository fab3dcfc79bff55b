"""How flows stand, a row for each deployment, or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from tools.model.observed import Unseen
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import AnyRelease, Release, UnreadRelease
from tools.model.runs import Run, Runs
from tools.plan.schedules import spoken
from tools.plan.status import Status
from tools.show.ago import ago
from tools.show.unseen import unseen_json

_BAD = {"Failed": "red", "Crashed": "red", "TimedOut": "red", "Late": "yellow", "Cancelled": "yellow"}


def status_table(found: Sequence[Status], now: datetime) -> Table:
    """A row for each deployment of each flow; of fingerprints and commits their first digits."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("flow", "release", "image", "deployed", "deployment", "schedules", "next run", "last run", "state"):
        table.add_column(
            column, overflow="fold", no_wrap=column in ("flow", "release", "image", "deployment", "next run")
        )
    for item in found:
        first, *more = [_cells(deployment, item.runs, now) for deployment in item.deployments] or [("none", "", "", "")]
        table.add_row(item.name, *_release_cells(item.release, now), *first, _state(item.states))
        for cells in more:
            table.add_row("", "", "", "", *cells, "")
    return table


def _release_cells(release: AnyRelease | None, now: datetime) -> tuple[str, str, str]:
    if release is None:
        return "-", "", ""
    if isinstance(release, UnreadRelease):
        return str(release.revision), "?", escape(release.why)
    when = ago(datetime.fromisoformat(release.at), now) if release.at else ""
    commit, changed, _ = release.commit.partition("+")
    text = f"{when} by {release.by}\n{commit[:8]}{' and changes' if changed else ''}"
    return str(release.revision), release.fingerprint[:8], escape(text.rstrip())


def _cells(live: PrefectDeployment, runs: Mapping[str, Runs], now: datetime) -> tuple[str, str, str, str]:
    found = runs.get(live.id, Runs(None, None))
    name = f"{escape(live.name)} [yellow](paused)[/]" if live.paused else escape(live.name)
    schedules = "\n".join(_schedule(item) for item in live.schedules) or "[dim]none[/]"
    return name, schedules, _next(found.next, now), _last(found.last, now)


def _schedule(item: PrefectSchedule) -> str:
    return escape(spoken(item)) if item.active else f"[dim]{escape(spoken(item))}[/] [yellow]paused[/]"


def _next(run: Run | None, now: datetime) -> str:
    if run is None:
        return "[dim]-[/]"
    # One that is due already is late: no worker has taken it.
    return ago(run.at, now) if run.at >= now else f"[yellow]{escape(run.state)}[/] {ago(run.at, now)}"


def _last(run: Run | None, now: datetime) -> str:
    if run is None:
        return "[dim]-[/]"
    style = _BAD.get(run.state, "green" if run.state == "Completed" else "cyan")
    return f"[{style}]{escape(run.state)}[/] {ago(run.at, now)}"


def _state(states: Sequence[str]) -> str:
    return "\n".join(f"[{'green' if text == 'in step' else 'yellow'}]{escape(text)}[/]" for text in states)


def status_json(environment: str, found: Sequence[Status], unseen: Unseen | None) -> dict[str, Any]:
    """How the flows stand, for machines; times are ISO 8601."""
    return {
        "environment": environment,
        "flows": [_status_json(item) for item in found],
        "unseen": unseen_json(unseen),
    }


def _status_json(item: Status) -> dict[str, Any]:
    release = item.release
    read = release if isinstance(release, Release) else None
    return {
        "name": item.name,
        "state": list(item.states),
        "release": release and release.revision,
        "unreadable": release.why if isinstance(release, UnreadRelease) else None,
        "fingerprint": read and read.fingerprint,
        "image": read and read.image,
        "commit": read and read.commit,
        "by": read and read.by,
        "at": read and read.at,
        "deployments": [_deployment_json(live, item.runs.get(live.id, Runs(None, None))) for live in item.deployments],
    }


def _deployment_json(live: PrefectDeployment, runs: Runs) -> dict[str, Any]:
    return {
        "name": live.name,
        "paused": live.paused,
        "schedules": [{"slug": item.slug, "schedule": spoken(item), "active": item.active} for item in live.schedules],
        "next_run": runs.next and runs.next.at.isoformat(),
        "last_run": runs.last and {"state": runs.last.state, "at": runs.last.at.isoformat()},
    }
