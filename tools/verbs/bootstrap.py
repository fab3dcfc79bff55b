"""The verb that makes an environment in AWS what the repository says it is, or removes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tools.arguments import Bootstrap
from tools.environment.bootstrap import Account, gather, reach
from tools.environment.stacks import carry_out, delete, prepared, prepared_deletion
from tools.errors import UserError
from tools.model import names
from tools.model.stacks import StackSteps
from tools.repository import DOTENV, ROOT
from tools.settings import given_values
from tools.show.progress import Progress
from tools.show.stacks import counted, stacks_json, stacks_text
from tools.show.terminal import console, print_json, say, tell
from tools.stacks.inputs import Inputs


def run(arguments: Bootstrap) -> int:
    """Shows what would change; changes it with --yes."""
    account = reach(arguments.environment, os.environ, DOTENV)
    with _telling_that_aws_goes_on():
        return _delete(account, arguments) if arguments.delete else _make(account, arguments)


def _make(account: Account, arguments: Bootstrap) -> int:
    given = given_values(arguments.environment, os.environ, DOTENV)
    inputs = gather(ROOT, account, arguments.said, given, _ask if sys.stdin.isatty() else None)
    with prepared(account, inputs) as items:
        steps = [item.steps for item in items]
        changes = any(item.steps for item in steps)
        _show(
            account,
            steps,
            arguments,
            f"to make it so: make bootstrap ENVIRONMENT={account.environment} YES=1" if changes else "",
        )
        if arguments.yes:
            with Progress(console(stderr=True)) as progress:
                carry_out(account, items, progress.step)
    if arguments.json:
        print_json(stacks_json(account.environment, steps, applied=arguments.yes))
    elif arguments.yes:
        _tell_next(inputs)
    return 0


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
        print_json(stacks_json(account.environment, steps, applied=arguments.yes))
    elif arguments.yes:
        root = names.parameters(account.environment)
        tell(f"What holds data is kept, and so are the secrets below {root}. The next bootstrap goes on with them.")
    return 0


def _show(account: Account, steps: Sequence[StackSteps], arguments: Bootstrap, todo: str) -> None:
    if arguments.json:
        return
    console().print(stacks_text(steps))
    where = f"{account.environment} in account {account.caller.account}, {account.aws.region}"
    tell(f"{where}: {counted(steps)}" + (f"; {todo}" if todo and not arguments.yes else ""))


def _tell_next(inputs: Inputs) -> None:
    """What is left to do by hand."""
    environment = inputs.place.environment
    tell(f"{environment} is as the repository says. Next:")
    if not inputs.key:
        tell(f"  - where the Prefect API wants a key, store it at {names.parameters(environment)}/PREFECT_API_KEY, and")
        tell('    run this again for the worker to use it: README.md, "Initial deployment"')
    if inputs.worker_image is None:
        tell(
            f"  - a worker: one of your own for the work pool {inputs.work_pool}, or an image for ours as WORKER_IMAGE"
        )
    tell(f"  - make deploy ENVIRONMENT={environment}")


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
