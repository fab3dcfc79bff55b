"""What came of a plan, told; and the exit code for it."""

from __future__ import annotations

from collections.abc import Sequence

from tools.errors import RemoteError, ToolsError, UserError
from tools.plan.actions import Plan
from tools.plan.results import Result
from tools.show.results import results_json, results_table
from tools.show.terminal import complain, console, print_json


def show_results(planned: Plan, results: Sequence[Result], *, as_json: bool) -> int:
    """Tells what came of a plan; gives the exit code."""
    errors = [result.error for result in results if result.error]
    if as_json:
        print_json(results_json(planned, results))
    elif not errors and not any(result.done for result in results):
        count = len(results)
        print(f"Nothing differs in {planned.environment}: {count} flow{'s' if count != 1 else ''}, nothing written.")
    else:
        console().print(results_table(planned, results))
        for result in results:
            if result.error:
                complain(type(result.error)(f"{result.service}: {result.error.message}", result.error.hint))
    return failures(errors)


def failures(errors: Sequence[ToolsError]) -> int:
    """The exit code for some errors: 1 where a remote system failed, else 2; 0 where there is none."""
    if not errors:
        return 0
    return RemoteError.exit_code if any(isinstance(error, RemoteError) for error in errors) else UserError.exit_code
