"""The verb that makes an environment in AWS what the repository says it is, or removes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tools.arguments import Bootstrap
from tools.environment.beforehand import Beforehand, needed
from tools.environment.beforehand import carry_out as carry_out_first
from tools.environment.bootstrap import Account, again, gather, reach
from tools.environment.pools import prefect_steps, reach_prefect, settle
from tools.environment.stacks import carry_out, delete, prepared, prepared_deletion
from tools.errors import UserError
from tools.model import names
from tools.model.stacks import ResourceStep, StackSteps
from tools.repository import DOTENV, ROOT
from tools.settings import given_values
from tools.show.progress import Progress
from tools.show.stacks import beforehand_text, counted, stacks_json, stacks_text
from tools.show.terminal import console, print_json, say, tell
from tools.stacks.inputs import Inputs
from tools.verbs.account import typed, what_it_is


def run(arguments: Bootstrap) -> int:
    """Shows what would change; changes it with --yes."""
    account = reach(arguments.environment, os.environ, DOTENV)
    with _telling_that_aws_goes_on():
        return _delete(account, arguments) if arguments.delete else _make(account, arguments)


def _make(account: Account, arguments: Bootstrap) -> int:
    given = given_values(arguments.environment, os.environ, DOTENV)
    can_ask = sys.stdin.isatty()
    first = needed(account, gather(ROOT, account, arguments.said, given, _ask if can_ask else None), can_ask=can_ask)
    to_be_made = arguments.yes and not first.asks
    prefect = prefect_steps(reach_prefect(account, first.inputs, given), account, first.inputs, to_be_made=to_be_made)
    _show_first(first, arguments)
    inputs = _carry_out_first(account, first) if arguments.yes else first.inputs
    with prepared(account, inputs) as items:
        steps = [*(item.steps for item in items), prefect]
        changes = first.steps or any(item.steps for item in steps)
        _show(
            account,
            steps,
            arguments,
            f"to make it so: make bootstrap ENVIRONMENT={account.environment} YES=1" if changes else "",
            first.steps,
        )
        if arguments.yes:
            with Progress(console(stderr=True)) as progress:
                carry_out(account, items, progress.step)
                settle(reach_prefect(again(account), inputs, given), account, inputs, progress.step)
    if arguments.json:
        print_json(stacks_json(account.environment, steps[:-1], prefect, first.steps, applied=arguments.yes))
    elif arguments.yes:
        _tell_next(inputs)
    return 0


def _carry_out_first(account: Account, first: Beforehand) -> Inputs:
    """What the stacks stand on."""
    secret = typed(first.asks, what_it_is(first.asks)) if first.asks else ""
    with Progress(console(stderr=True)) as progress:
        return carry_out_first(ROOT, account, first, secret, progress.step)


def _delete(account: Account, arguments: Bootstrap) -> int:
    with prepared_deletion(account) as (steps, changed):
        goes = [item for item in steps if item.verb != "unchanged"]
        _show(
            account,
            steps,
            arguments,
            f"to delete it: make bootstrap ENVIRONMENT={account.environment} DELETE=1 YES=1" if goes else "",
        )
        if arguments.yes:
            with Progress(console(stderr=True)) as progress:
                delete(account, steps, changed, progress.step)
    if arguments.json:
        print_json(stacks_json(account.environment, steps, None, applied=arguments.yes))
    elif arguments.yes:
        root = names.parameters(account.environment)
        tell(f"What holds data is kept; so are the secrets below {root}, and Prefect's work pool and block.")
        tell("The next bootstrap goes on with them.")
    return 0


def _show_first(first: Beforehand, arguments: Bootstrap) -> None:
    for note in first.notes:
        say(f"note: {note}")
    if first.steps and not arguments.json:
        console().print(beforehand_text(first.steps))


def _show(
    account: Account,
    steps: Sequence[StackSteps],
    arguments: Bootstrap,
    todo: str,
    before: Sequence[ResourceStep] = (),
) -> None:
    if arguments.json:
        return
    console().print(stacks_text(steps))
    where = f"{account.environment} in account {account.caller.account}, {account.aws.region}"
    tell(f"{where}: {counted(steps, before)}" + (f"; {todo}" if todo and not arguments.yes else ""))


def _tell_next(inputs: Inputs) -> None:
    """What is left to do by hand."""
    environment = inputs.place.environment
    tell(f"{environment} is as the repository says. Next:")
    if inputs.worker_image is None and not inputs.emulated:
        tell(f"  - a worker: one of your own for the work pool {inputs.work_pool}, or ours: --worker-image ''")
    tell(f"  - make doctor ENVIRONMENT={environment}, and then make deploy ENVIRONMENT={environment}")


def _ask(name: str, what: str) -> str:
    """Asks the person at the terminal."""
    say(f"{name}: {what}?")
    answer = sys.stdin.readline()
    if not answer:
        raise UserError(f"{name} was not answered", "run this again")
    return answer.strip()


@contextmanager
def _telling_that_aws_goes_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("CloudFormation goes on with what it has begun.")
        raise
