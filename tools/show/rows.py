"""The rows of whatever is planned: what would be done, to what, and why, in one look and one set of colours."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_STYLES = {"create": "green", "add": "green", "delete": "red", "replace": "red", "keep": "dim"}
_OTHERS = "cyan"

Row = tuple[str, str, str, str]
"""What, subject, why, style."""


def style(verb: str) -> str:
    """The colour of a verb."""
    return _STYLES.get(verb, _OTHERS)


def block(name: str, headline: str, rows: Iterable[Row]) -> Group:
    """What is planned for one thing: its name, a headline, and a row for each step."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=52)
    table.add_column(overflow="fold")
    for what, subject, why, colour in rows:
        table.add_row(f"[{colour}]{what}[/]" if colour else what, escape(subject), escape(why))
    head = Text(name, style="bold")
    head.append(f"  {headline}", style="dim")
    return Group(head, Padding(table, (0, 0, 1, 2)))
