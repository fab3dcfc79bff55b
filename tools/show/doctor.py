"""What the doctor found as a table or JSON. Formats; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tools.model.findings import Finding, Verdict

_SIGNS: dict[Verdict, str] = {"pass": "[green]pass[/]", "fail": "[bold red]fail[/]", "unknown": "[yellow]?[/]"}
_WIDEST = 24
_WORDS: dict[Verdict, str] = {"pass": "as it should be", "fail": "to mend", "unknown": "cannot be told"}


def findings_text(environment: str, found: Sequence[Finding]) -> Group:
    """A line for each finding, group by group, below it what to do; and how many there are of each kind."""
    parts: list[Any] = []
    width = max((len(item.what) for item in found), default=0)
    for group, findings in groupby(found, lambda item: item.group):
        parts += [Text(group, style="bold"), Padding(_rows(findings, width), (0, 0, 1, 2))]
    counts = [(sum(item.verdict == verdict for item in found), words) for verdict, words in _WORDS.items()]
    said = ", ".join(f"{count} {words}" for count, words in counts if count)
    return Group(*parts, Text(f"{environment}: {said}", style="bold"))


def _rows(findings: Iterable[Finding], width: int) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=len("fail"))
    table.add_column(min_width=min(width, _WIDEST), max_width=_WIDEST)
    table.add_column(overflow="fold")
    for item in findings:
        told = escape(item.found) + (f"\n[cyan]→ {escape(item.mend)}[/]" if item.mend else "")
        table.add_row(_SIGNS[item.verdict], escape(item.what), told)
    return table


def findings_json(environment: str, found: Sequence[Finding]) -> dict[str, Any]:
    """The same for machines."""
    return {
        "environment": environment,
        "failed": sum(item.verdict == "fail" for item in found),
        "findings": [
            {
                "group": item.group,
                "what": item.what,
                "verdict": item.verdict,
                "found": item.found,
                "mend": item.mend or None,
            }
            for item in found
        ],
    }
