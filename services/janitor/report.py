"""What the janitor did -> artifacts in Prefect's UI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from verdicts import Run

KEY = "janitor"


@dataclass(frozen=True)
class Ended:
    """A run that was given a verdict: how it has `ended`, or that it was left alone, and the reason for either."""

    run: Run
    flow: str
    ended: str
    reason: str

    def __str__(self) -> str:
        return f"{self.flow}/{self.run.name} ({self.run.id}): {self.ended}. {self.reason}"


@dataclass
class Deeds:
    """All that one run of the janitor did, and what it could not do."""

    pool: str
    dry: bool
    looked_at: int = 0
    ended: list[Ended] = field(default_factory=list)
    removed: int = 0
    troubles: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.ended or self.removed or self.troubles)


def publish(deeds: Deeds) -> None:
    """A table of the runs, and a summary, as the newest versions of two artifacts."""
    if deeds.ended:
        create_table_artifact(_rows(deeds.ended), key=f"{KEY}-runs", description="Runs whose ECS task is gone")
    create_markdown_artifact(markdown(deeds), key=KEY, description="What the janitor did last")


def _rows(ended: Sequence[Ended]) -> list[dict[str, str]]:
    return [
        {
            "flow": item.flow,
            "run": item.run.name,
            "was": f"{item.run.state_name} since {item.run.since:%Y-%m-%d %H:%M:%S} UTC",
            "now": item.ended,
            "reason": item.reason,
            "id": str(item.run.id),
        }
        for item in ended
    ]


def markdown(deeds: Deeds) -> str:
    """The summary: figures, then the runs with the reasons, then what went wrong."""
    would = "would be " if deeds.dry else ""
    lines = [
        f"## Work pool {deeds.pool}" + (" (dry run: nothing was written)" if deeds.dry else ""),
        "",
        f"{deeds.looked_at} active runs looked at, {len(deeds.ended)} without a living task, "
        f"{deeds.removed} old runs {would}removed.",
    ]
    if deeds.ended:
        lines += ["", "| run | now | reason |", "| --- | --- | --- |"]
        lines += [
            f"| {_cell(f'{item.flow}/{item.run.name}')} | {item.ended} | {_cell(item.reason)} |" for item in deeds.ended
        ]
    if deeds.troubles:
        lines += ["", "### What could not be done", "", *(f"- {trouble}" for trouble in deeds.troubles)]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
