"""A plan as text for a terminal, as Markdown for a pull request, as JSON for machines. Formats; decides nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from tools.model.differences import shown
from tools.model.prefect import PrefectSchedule
from tools.model.secrets import masked
from tools.plan.actions import Action, AddSchedule, ChangeSchedule, Create, Note, Plan, ServicePlan
from tools.plan.deployments import prefect_deployments
from tools.show.next_run import is_known, next_run, spoken_time
from tools.show.results import broken_json, identity
from tools.show.rows import Row, block, style
from tools.show.unseen import unseen_json, unseen_text


def plan_text(plan: Plan, now: datetime) -> Group:
    """A plan for a terminal: a block for each flow that has something to tell, a line for each other.

    Args:
        plan: what would be done.
        now: from when on next runs are told.
    """
    parts: list[Any] = []
    for item in plan.services:
        unchanged = Text(f"{item.name}  unchanged", style="dim")
        parts.append(block(item.name, _headline(item), _rows(item, now)) if _tells(item) else unchanged)
    for broken in plan.broken:
        parts += [Text.assemble((broken.name, "bold"), ("  left out", "red")), *_indented(broken.problems), Text("")]
    parts += [Text(str(note), style="yellow") for note in plan.notes]
    if plan.unseen:
        parts.append(Text(unseen_text(plan.unseen, now), style="dim"))
    return Group(*parts, Text(""), Text(summary(plan), style="bold"))


def _indented(lines: Iterable[str]) -> Iterator[Padding]:
    return (Padding(escape(line), (0, 0, 0, 2)) for line in lines)


def _tells(item: ServicePlan) -> bool:
    return bool(item.actions or item.drift or item.problems or item.notes)


def _headline(item: ServicePlan) -> str:
    if item.problems:
        return "refused"
    if item.refused:
        return "refused until --overwrite or --keep says what becomes of the drift"
    if not item.actions:
        return "unchanged"
    return f"release {item.release.revision}" if item.reused else "a new release"


def _rows(item: ServicePlan, now: datetime) -> Iterator[Row]:
    for action in item.actions:
        yield action.verb, action.subject, "\n".join(_reasons(item, action, now)), style(action.verb)
    for found in item.drift:
        said = f"it is {shown(found.live)}, declared is {shown(found.declared)}"
        yield "drift", found.subject, said, "yellow"
    for problem in item.problems:
        yield "refused", item.name, problem, "red"
    for note in item.notes:
        yield "note", note.subject, note.text, "dim"


def _reasons(item: ServicePlan, action: Action, now: datetime) -> Iterator[str]:
    yield from action.why
    for schedule in _schedules(item, action):
        yield f"{schedule.slug}: {_when(schedule, now)}"


def _schedules(item: ServicePlan, action: Action) -> Sequence[PrefectSchedule]:
    """The schedules that an action makes or changes, as they are afterwards."""
    match action:
        case Create():
            return action.made(prefect_deployments(item.release, item.work_pool)[action.name]).schedules
        case AddSchedule():
            return [action.wanted.model_copy(update={"active": action.wanted.active and not action.deployment.paused})]
        case ChangeSchedule():
            active = action.live.active if action.active is None else action.active
            return [action.wanted.model_copy(update={"active": active and not action.deployment.paused})]
        case _:
            return []


def _when(schedule: PrefectSchedule, now: datetime) -> str:
    if not schedule.active:
        return "paused"
    if "interval" in schedule.schedule and not schedule.anchor:
        return f"next run within {schedule.schedule['interval']:.15g} s"
    if not is_known(schedule):
        return "when it runs next, Prefect alone can say"
    found = next_run(schedule, now)
    return f"next run {spoken_time(found)}" if found else "never runs again"


def summary(plan: Plan) -> str:
    """One line: how many flows would change, drift or be refused, and how many would not."""
    told = [
        (sum(bool(item.actions) for item in plan.services), "to change"),
        (sum(bool(item.drift) for item in plan.services), "drifting"),
        (sum(bool(item.problems) for item in plan.services), "refused"),
        (len(plan.broken), "left out"),
        (sum(not (item.actions or item.drift or item.problems) for item in plan.services), "unchanged"),
    ]
    counts = ", ".join(f"{count} {what}" for count, what in told if count)
    return f"{plan.environment}: {counts or 'no flows'}"


def plan_markdown(plan: Plan, now: datetime) -> str:
    """A plan as a comment on a pull request."""
    lines = [f"### Deploy plan for {summary(plan)}", ""]
    for item in plan.services:
        if _tells(item):
            lines += [f"**{item.name}** ({_headline(item)})", "", "| | what | why |", "| --- | --- | --- |"]
            lines += [
                f"| {what} | {_cell(subject)} | {'<br>'.join(map(_cell, why.splitlines()))} |"
                for what, subject, why, _ in _rows(item, now)
            ]
            lines.append("")
    for broken in plan.broken:
        lines += [f"**{broken.name}** (left out)", "", *(f"- {_cell(problem)}" for problem in broken.problems), ""]
    unchanged = [item.name for item in plan.services if not _tells(item)]
    lines += [f"- {_cell(str(note))}" for note in plan.notes]
    if plan.unseen:
        lines.append(f"- {_cell(unseen_text(plan.unseen, now))}")
    if unchanged:
        lines += [f"Unchanged: {', '.join(unchanged)}"]
    return "\n".join(lines).rstrip() + "\n"


def _cell(text: str) -> str:
    """Text that says the same inside a Markdown table: nothing in it is markup, and nobody is called."""
    text = re.sub(r"([\\`*_~\[\]])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;"))
    return re.sub(r"(?<!\S)@(?=\w)", "@<!-- -->", text)


def plan_json(plan: Plan, now: datetime) -> dict[str, Any]:
    """A plan for machines."""
    return {
        "environment": plan.environment,
        "changes": plan.changes,
        "flows": [_item_json(item, now) for item in plan.services],
        "broken": [broken_json(item) for item in plan.broken],
        "notes": [_note_json(note) for note in plan.notes],
        "unseen": unseen_json(plan.unseen),
    }


def _item_json(item: ServicePlan, now: datetime) -> dict[str, Any]:
    return {
        "name": item.name,
        "fingerprint": item.release.fingerprint,
        "release": item.release.revision,
        "actions": [
            {
                **identity(action),
                "why": list(action.why),
                "next_runs": _next_runs(_schedules(item, action), now),
            }
            for action in item.actions
        ],
        "drift": [
            {"subject": found.subject, "live": masked(found.live), "declared": masked(found.declared)}
            for found in item.drift
        ],
        "refused": [*item.problems, *item.refused],
        "problems": list(item.problems),
        "notes": [_note_json(note) for note in item.notes],
    }


def _note_json(note: Note) -> dict[str, str]:
    return {"subject": note.subject, "text": note.text}


def _next_runs(schedules: Iterable[PrefectSchedule], now: datetime) -> dict[str, str | None]:
    """When each schedule runs next, ISO 8601; null where it is paused, or Prefect alone can say."""
    times = {schedule.slug: next_run(schedule, now) if schedule.active else None for schedule in schedules}
    return {slug: found.isoformat() if found else None for slug, found in times.items()}
