"""What the verbs print with: a console of the right width, errors, remarks, JSON. Prints; decides nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tools.errors import RemoteError, ToolsError, UserError

if TYPE_CHECKING:
    from rich.console import Console

    from tools.plan.actions import Plan
    from tools.plan.results import Result

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


def say(message: str) -> None:
    """Tells what is going on, where results do not go."""
    print(message, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Prints a result for machines."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_results(planned: Plan, results: Sequence[Result], *, as_json: bool) -> int:
    """Tells what came of a plan; gives the exit code."""
    from tools import report

    errors = [result.error for result in results if result.error]
    if as_json:
        print_json(report.results_json(planned, results))
    elif not errors and not any(result.done for result in results):
        count = len(results)
        print(f"Nothing differs in {planned.environment}: {count} flow{'s' if count != 1 else ''}, nothing written.")
    else:
        console().print(report.results_table(planned, results))
        for result in results:
            if result.error:
                complain(type(result.error)(f"{result.service}: {result.error.message}", result.error.hint))
    return failures(errors)


def failures(errors: Sequence[ToolsError]) -> int:
    """The exit code for some errors: 1 where a remote system failed, else 2; 0 where there is none."""
    if not errors:
        return 0
    return RemoteError.exit_code if any(isinstance(error, RemoteError) for error in errors) else UserError.exit_code
