"""A plan carried out under the environment's lock; what came of it, told; the exit code for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from tools.environment.connect import Environment
from tools.environment.deploy import carry_out
from tools.environment.guard import under_lock
from tools.errors import RemoteError, UserError
from tools.plan.actions import Plan
from tools.plan.results import Result
from tools.repository import ROOT
from tools.show.progress import Progress
from tools.show.results import results_json, results_table
from tools.show.terminal import complain, complain_of_broken, console, print_json, say, tell
from tools.show.unseen import unseen_text


def carry_out_and_show(
    make: Callable[[], Plan], environment: Environment, what: str, *, wait: bool, as_json: bool
) -> int:
    """Carries a plan out, under the environment's lock where it changes what runs, and tells what came of it.

    Args:
        make: observes and plans.
        environment: where.
        what: the verb, for those who meet the lock.
        wait: whether to wait for another holder.
        as_json: whether to tell machines.

    Returns:
        The exit code.
    """
    with (
        under_lock(make, environment, what, wait=wait, tell=say) as (planned, guard),
        Progress(console(stderr=True)) as progress,
    ):
        results = carry_out(ROOT, planned, environment, progress.step, guard)
    return show_results(planned, results, as_json=as_json)


def show_results(planned: Plan, results: Sequence[Result], *, as_json: bool) -> int:
    """Tells what came of a plan; gives the exit code."""
    if as_json:
        print_json(results_json(planned, results))
        left_out = complain_of_broken(planned.broken, others=bool(results))
        return exit_code(results) or left_out
    if any(result.done or result.error for result in results):
        console().print(results_table(planned, results))
    elif results:
        count = len(results)
        tell(f"Nothing differs in {planned.environment}: {count} flow{'s' if count != 1 else ''}, nothing written.")
    if planned.unseen:
        console().print(unseen_text(planned.unseen, datetime.now(UTC)), style="dim", markup=False)
    return show_errors(planned, results)


def show_errors(planned: Plan, results: Sequence[Result]) -> int:
    """Tells why services failed or were left out; gives the exit code."""
    for result in results:
        if result.error:
            complain(type(result.error)(f"{result.service}: {result.error.message}", result.error.hint))
    left_out = complain_of_broken(planned.broken, others=bool(results))
    return exit_code(results) or left_out


def exit_code(results: Sequence[Result]) -> int:
    """1 where a remote system failed, else 2 where something is to mend; 0 where all went well."""
    errors = [result.error for result in results if result.error]
    if not errors:
        return 0
    return RemoteError.exit_code if any(isinstance(error, RemoteError) for error in errors) else UserError.exit_code
