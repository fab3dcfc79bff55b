"""An environment's AWS: whose credentials, which account, whether its stacks are what the repository renders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.doctor.commands import make_it
from tools.model.findings import Check, Finding
from tools.model.stacks import StandingStack, Template
from tools.stacks.changes import changed
from tools.stacks.template import Stack

_SHOWN = 3


def region(check: Check, name: str, known: Sequence[str]) -> Iterator[Finding]:
    """Whether a region is one that has what is needed."""
    if name in known:
        yield check.passed(f"{name} has ECS")
    else:
        yield check.unknown(f"{name} is not among the regions with ECS that this version of botocore knows")


def account(check: Check, found: str, expected: str | None) -> Iterator[Finding]:
    """Whether it is known that the account is the environment's; another one is an error before that."""
    if expected is None:
        yield check.unknown(f"{found}; the environment does not say which one is its own", "set AWS_ACCOUNT_ID")
    else:
        yield check.passed(f"{found}, the environment's")


def stack(
    check: Check, environment: str, standing: StandingStack | None, template: Template, wanted: Stack | None
) -> Iterator[Finding]:
    """Whether a stack is sound and what the repository renders.

    Args:
        check: what is told of.
        environment: its name.
        standing: how it stands; None where there is none.
        template: that it has.
        wanted: as it should be; None where that cannot be rendered.
    """
    bootstrap = f"make bootstrap ENVIRONMENT={environment}"
    if standing is None or standing.empty:
        yield check.failed("there is none", f"{bootstrap} shows what it would make, YES=1 makes it")
        return
    if standing.busy:
        yield check.unknown(f"it is being changed: {standing.status}", "look again when that has ended")
        return
    if not standing.sound:
        reason = f": {standing.reason}" if standing.reason else ""
        yield check.failed(f"it is in {standing.status}{reason}", f"{bootstrap} says what helps")
        return
    if wanted is None:
        yield check.unknown(f"{standing.status}; what it should be cannot be rendered", f"{bootstrap} says why")
        return
    differing = changed(template, wanted.template)
    if differing:
        more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        yield check.failed(
            f"the repository would change it: {', '.join(differing[:_SHOWN])}{more}",
            f"{bootstrap} shows the changes, YES=1 makes them",
        )
        return
    yield check.passed(f"{standing.status}, as the repository renders it")


def by_hand(check: Check, environment: str) -> Iterator[Finding]:
    """What is told where an environment has no stacks at all: it may have been made by hand."""
    yield check.unknown(
        "there are none: it was made by hand, or not yet", f"make bootstrap ENVIRONMENT={environment} makes them"
    )


def blob_mounting(check: Check, on: bool | None, environment: str) -> Iterator[Finding]:
    """Whether the registry keeps layers once that images share; None where it does not say."""
    if on is None:
        yield check.unknown("the registry knows no such setting")
    elif on:
        yield check.passed("on: the base's layers are stored and pushed once")
    else:
        yield check.failed(
            "it is off: the base's layers are stored and pushed again for each flow", make_it(environment)
        )
