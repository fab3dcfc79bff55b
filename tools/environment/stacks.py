"""An environment's stacks meet AWS: how they stand, what would change, the change carried out and followed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tools.clients.cloudformation import MAX_BODY
from tools.environment.bootstrap import Account
from tools.errors import RemoteError, UserError
from tools.model import names
from tools.model.stacks import StackEvent, StackSteps, StandingStack, Template
from tools.settings import LOCAL
from tools.stacks.account import ISSUER, PROVIDER, account_stack, account_stack_without
from tools.stacks.changes import created, deleted, kept, named, stack_steps
from tools.stacks.data import data_stack
from tools.stacks.inputs import Inputs, Repository
from tools.stacks.run import run_stack
from tools.stacks.template import Stack

Step = Callable[[str, str], None]
_LONGEST_SECONDS = 2 * 3600
_TAG = f"{names.PLATFORM}:environment"


@dataclass(frozen=True)
class Prepared:
    """A stack and what would be done to it. Where `ready`, CloudFormation only waits to be told to."""

    stack: Stack
    standing: StandingStack | None
    steps: StackSteps
    ready: bool


@contextmanager
def prepared(account: Account, inputs: Inputs) -> Iterator[list[Prepared]]:
    """Each stack of the environment and what would be done to it. What is not carried out is gone afterwards.

    Raises:
        UserError: a stack is in a state in which it cannot be changed, or the bucket's name is taken.
        RemoteError: CloudFormation cannot make the changes, and why.
    """
    wanted = _wanted(account, inputs)
    stand = [account.stacks.stack(stack.name) for stack in wanted]
    for standing in stand:
        _check(standing)
    has_bucket = _stands(stand[0])
    if not has_bucket:
        _check_bucket(account)
    try:
        yield [_prepare(account, *pair, has_bucket=has_bucket) for pair in zip(wanted, stand, strict=True)]
    finally:
        account.stacks.discard_prepared()


def carry_out(account: Account, items: Sequence[Prepared], step: Step) -> None:
    """Carries out what is prepared, stack by stack.

    Args:
        account: where.
        items: as they were prepared, and shown.
        step: told what is being done.

    Raises:
        RemoteError: a resource failed, and why.
    """
    for item in items:
        if item.steps.verb != "unchanged":
            _change(account, item, step)
        if item.stack.protected and not (item.standing and item.standing.protected):
            account.stacks.protect(item.stack.name)


@contextmanager
def prepared_deletion(account: Account) -> Iterator[tuple[list[StackSteps], list[Prepared]]]:
    """What the deletion of an environment would do, and what of that is prepared. What holds data is kept.

    Raises:
        UserError: a stack is being changed.
        RemoteError: CloudFormation cannot make the changes, and why.
    """
    environment, stacks = account.environment, account.stacks
    data, run = names.stack(environment, "data"), names.stack(environment, "run")
    for name in (run, names.ACCOUNT_STACK):
        _check_idle(stacks.stack(name))
    shown, changed = [], []
    template = stacks.template(names.ACCOUNT_STACK)
    left = account_stack_without(environment, template)
    try:
        if left and left.template["Resources"].keys() != template.get("Resources", {}).keys():
            changed = [_prepare(account, left, stacks.stack(left.name), has_bucket=True)]
            shown.append(changed[0].steps)
        elif template and not left:
            shown.append(deleted(names.ACCOUNT_STACK, template))
        if stacks.stack(run):
            shown.append(deleted(run, stacks.template(run)))
        yield [*shown, kept(data, stacks.template(data))], changed
    finally:
        stacks.discard_prepared()


def delete(account: Account, shown: Sequence[StackSteps], changed: Sequence[Prepared], step: Step) -> None:
    """Carries out a deletion as it was prepared and shown.

    Raises:
        RemoteError: a resource cannot be deleted, and why.
    """
    carry_out(account, changed, step)
    for steps in shown:
        standing = account.stacks.stack(steps.stack) if steps.verb == "delete" else None
        if standing:
            last, template = _last_event(account, standing), account.stacks.template(standing.id)
            account.stacks.delete(standing.id)
            _follow(account, standing, last, template, len(steps.steps), step)


def _wanted(account: Account, inputs: Inputs) -> list[Stack]:
    wanted = [data_stack(inputs), run_stack(inputs)]
    if inputs.repository:
        wanted.append(wanted_account(account, inputs, inputs.repository))
    return wanted


def wanted_account(account: Account, inputs: Inputs, repository: Repository) -> Stack:
    """The account's stack as it should be, with the deployers of its other environments as they stand."""
    standing = account.stacks.template(names.ACCOUNT_STACK)
    elsewhere = PROVIDER not in standing.get("Resources", {}) and account.foundations.has_provider(ISSUER)
    return account_stack(inputs, repository, standing, provider_elsewhere=elsewhere)


def _stands(standing: StandingStack | None) -> bool:
    return standing is not None and not standing.dead and not standing.empty


def _check(standing: StandingStack | None) -> None:
    """Refuses a stack that cannot be changed, with what helps."""
    _check_idle(standing)
    if standing is None or standing.empty or standing.dead or standing.sound:
        return
    hint = {
        "DELETE_FAILED": "delete it first: make bootstrap DELETE=1 YES=1 says what keeps it",
        "UPDATE_ROLLBACK_FAILED": f"aws cloudformation continue-update-rollback --stack-name {standing.name}",
    }.get(standing.status, "look at it in the AWS console")
    reason = f": {standing.reason}" if standing.reason else ""
    raise UserError(f"the stack {standing.name} cannot be changed, it is in {standing.status}{reason}", hint)


def _check_idle(standing: StandingStack | None) -> None:
    if standing and standing.busy:
        raise UserError(
            f"the stack {standing.name} is being changed, by somebody else or by a run that was stopped: it is in "
            f"{standing.status}",
            "run this again when that has ended",
        )


def _check_bucket(account: Account) -> None:
    """Refuses a bucket that stands without the stack, which cannot make it again.

    The local cloud's can: where the emulator was killed, buckets are all that is left.
    """
    place = account.place
    if place.environment == LOCAL:
        return
    whose = account.foundations.bucket(place.bucket, place.account)
    if whose != "absent":
        owner = "this account has it, outside of the stack" if whose == "ours" else "another account has it"
        raise UserError(
            f"the bucket's name {place.bucket} is taken: {owner}",
            "import it into the stack in the AWS console, or choose another name for the environment",
        )


def _prepare(account: Account, stack: Stack, standing: StandingStack | None, *, has_bucket: bool) -> Prepared:
    """Asks CloudFormation what it would do, where it can be asked yet."""
    if standing and standing.dead:
        note = "what a creation that failed left of it is removed first"
        return Prepared(stack, standing, created(stack, note), ready=False)
    if len(stack.body.encode()) > MAX_BODY and not has_bucket:
        note = "its template is too large to be sent, and the bucket for it is not there yet"
        return Prepared(stack, standing, created(stack, note), ready=False)
    new = not _stands(standing)
    before: Template = {} if new else account.stacks.template(stack.name)
    changes = account.stacks.prepare(stack.name, _sent(account, stack), _tags(account, stack), new=new)
    return Prepared(stack, standing, stack_steps(stack, changes, before), ready=bool(changes))


def _sent(account: Account, stack: Stack) -> dict[str, str]:
    """How a template reaches CloudFormation."""
    if len(stack.body.encode()) <= MAX_BODY:
        return {"TemplateBody": stack.body}
    return {"TemplateURL": account.foundations.put_template(account.place.bucket, stack.name, stack.body)}


def _tags(account: Account, stack: Stack) -> dict[str, str]:
    return {} if stack.name == names.ACCOUNT_STACK else {_TAG: account.environment}


def _change(account: Account, item: Prepared, step: Step) -> None:
    stacks, name = account.stacks, item.stack.name
    if item.standing and item.standing.dead:
        step(name, "removing what a creation that failed left")
        stacks.delete(item.standing.id)
        stacks.gone(item.standing)
    if not item.ready:
        step(name, "preparing")
        stacks.prepare(name, _sent(account, item.stack), _tags(account, item.stack), new=True)
    standing = stacks.stack(name)
    if standing is None:
        raise RemoteError(f"the stack {name} is gone since its changes were prepared", "run this again")
    last = _last_event(account, standing)
    stacks.execute(name)
    _follow(account, standing, last, item.stack.template, len(item.steps.steps), step)


def _last_event(account: Account, standing: StandingStack) -> str:
    events = account.stacks.events(standing.id)
    return events[-1].id if events else ""


def _follow(account: Account, standing: StandingStack, after: str, template: Template, count: int, step: Step) -> None:
    """Follows what happens to a stack after an event, until it has ended.

    Raises:
        RemoteError: it ended otherwise than it should.
    """
    seen: list[StackEvent] = []
    ended: set[str] = set()
    until = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < until:
        for event in account.stacks.events(standing.id, after):
            after = event.id
            seen.append(event)
            if event.physical == standing.id:
                if not event.status.endswith("_IN_PROGRESS"):
                    _judge(standing, event, seen, template)
                    return
            elif event.status.endswith("_COMPLETE"):
                ended.add(event.logical)
            step(standing.name, f"{min(len(ended), count)} of {count}: {_told(event, template)}")
        time.sleep(account.stacks.pause)
    raise RemoteError(f"the stack {standing.name} was not done within {_LONGEST_SECONDS} s", "look in the AWS console")


def _told(event: StackEvent, template: Template) -> str:
    status = event.status.lower().replace("_", " ")
    return f"{_named(event, template)}: {status}"


def _named(event: StackEvent, template: Template) -> str:
    resources: Mapping[str, Template] = template.get("Resources", {})
    if event.kind == "AWS::CloudFormation::Stack":
        return "the stack"
    return named(event.logical, event.kind, resources.get(event.logical, {}), event.physical)


def _judge(standing: StandingStack, last: StackEvent, seen: Sequence[StackEvent], template: Template) -> None:
    if last.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"):
        return
    failed = [event for event in seen if event.failed and event.physical != standing.id]
    reasons = [f"{_named(event, template)}: {event.reason or event.status}" for event in failed]
    raise RemoteError(
        "\n".join(f"{standing.name}: {reason}" for reason in reasons or [last.reason or last.status]),
        f"CloudFormation left it in {last.status}; mend the reason and run this again",
    )
