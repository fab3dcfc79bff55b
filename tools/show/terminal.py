"""What the verbs print with: a console of the right width, errors, remarks, JSON. Prints; decides nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tools.errors import ToolsError, UserError

if TYPE_CHECKING:
    from rich.console import Console

    from tools.desired.discover import Broken


WIDE = 160


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal; elsewhere wide enough for a table, and without colour."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(stderr=stderr, soft_wrap=False, highlight=False, width=width)


def complain(error: ToolsError) -> None:
    """Tells an error and what to do about it."""
    screen = console(stderr=True)
    screen.print("[bold red]error:[/]", end=" ")
    screen.print(error.message, markup=False, soft_wrap=True)
    if error.hint:
        screen.print(f"  → {error.hint}", markup=False, soft_wrap=True)


def complain_of_broken(broken: Iterable[Broken]) -> int:
    """Tells which services were left out and why; gives the exit code."""
    code = 0
    for item in broken:
        complain(UserError("\n".join(item.problems), f"{item.name} was left out; the others went on"))
        code = UserError.exit_code
    return code


def say(message: str) -> None:
    """Tells what is going on, where results do not go."""
    print(message, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Prints a result for machines."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))
