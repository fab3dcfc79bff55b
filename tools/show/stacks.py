"""What would be done to an environment's stacks, or was, as text or JSON. Formats; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from tools.model.stacks import ResourceStep, StackSteps
from tools.show.rows import Row, block, style

_HEADLINES = {"create": "a new stack", "change": "changes", "delete": "is deleted", "unchanged": "unchanged"}


def beforehand_text(steps: Sequence[ResourceStep]) -> Group:
    """What is done before the stacks are made."""
    return block("beforehand", "what the stacks stand on", _rows(steps))


def stacks_text(items: Sequence[StackSteps]) -> Group:
    """A block for each stack of which something is to be told, a line for each other."""
    return Group(*(_block(item) if item.steps else Text(f"{item.stack}  unchanged", style="dim") for item in items))


def _block(item: StackSteps) -> Group:
    headline = f"{_HEADLINES[item.verb]}: {item.note}" if item.note else _HEADLINES[item.verb]
    return block(item.stack, headline, _rows(item.steps))


def _rows(steps: Sequence[ResourceStep]) -> Iterator[Row]:
    return ((step.verb, step.subject, "\n".join(step.why), style(step.verb)) for step in steps)


def counted(items: Sequence[StackSteps], beforehand: Sequence[ResourceStep] = ()) -> str:
    """How many things are created, changed, deleted."""
    verbs = [step.verb for item in items for step in item.steps] + [step.verb for step in beforehand]
    counts = [(verbs.count(verb), f"to {verb}") for verb in ("create", "change", "replace", "delete", "keep")]
    return ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing differs"


def stacks_json(
    environment: str,
    items: Sequence[StackSteps],
    prefect: StackSteps | None = None,
    beforehand: Sequence[ResourceStep] = (),
    *,
    applied: bool,
) -> dict[str, Any]:
    """The same for machines.

    Args:
        environment: its name.
        items: what would be done to stacks, or was.
        prefect: what would be done in Prefect, or was; None where nothing is done there.
        beforehand: what would be done before.
        applied: whether it was.
    """
    return {
        "environment": environment,
        "applied": applied,
        "beforehand": _steps(beforehand),
        "stacks": [
            {
                "name": item.stack,
                "verb": item.verb,
                "note": item.note,
                "resources": _steps(item.steps),
            }
            for item in items
        ],
        "prefect": _steps(prefect.steps) if prefect else [],
    }


def _steps(steps: Sequence[ResourceStep]) -> list[dict[str, Any]]:
    return [{"verb": step.verb, "subject": step.subject, "why": list(step.why)} for step in steps]
