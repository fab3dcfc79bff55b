"""Looks at an environment's AWS: region, credentials, settings, account, stacks. Other looks need what they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.clients import aws, ssm
from tools.clients.aws import Caller
from tools.clients.cloudformation import CloudFormation
from tools.clients.foundations import Foundations
from tools.doctor import aws as judge
from tools.doctor.machine import Clocks
from tools.environment.bootstrap import Account, gather_again
from tools.environment.connect import Environment, clients
from tools.environment.doctor.looks import Look, Looks, NeededError, known
from tools.environment.stacks import wanted_account
from tools.errors import ToolsError
from tools.model import names
from tools.model.findings import Check, Finding
from tools.model.stacks import StandingStack, Template
from tools.settings import LOCAL, Connection, Settings, connection, given_values, load
from tools.stacks.data import data_stack
from tools.stacks.inputs import Inputs
from tools.stacks.run import run_stack
from tools.stacks.template import Stack

GROUP = "AWS"
STACKS = "stacks"
PARTS = ("data", "run")


@dataclass(frozen=True)
class Place:
    """Where an environment is asked for, and what every look at it may need."""

    root: Path
    name: str
    process_env: Mapping[str, str]
    dotenv: Path

    @property
    def is_local(self) -> bool:
        """Whether it is the local cloud."""
        return self.name == LOCAL

    @property
    def given(self) -> Mapping[str, str]:
        """What the process and `.env` say."""
        return given_values(self.name, self.process_env, self.dotenv)


@dataclass(frozen=True)
class Reached:
    """An environment's AWS, as far as it was reached."""

    connection: Look[Connection]
    clocks: Look[Clocks | None]
    caller: Look[Caller]
    stored: Look[Mapping[str, str]]
    account: Look[tuple[str, str | None]]
    settings: Look[Settings]
    environment: Look[Environment]

    def aws(self) -> Connection:
        """How AWS is reached, by credentials that it takes and that are not another account's."""
        self.account.value()
        return self.connection.value()


@dataclass(frozen=True)
class Standing:
    """The stacks of an environment."""

    stacks: Look[Mapping[str, StandingStack | None]]
    inputs: Look[Inputs | None]
    """None where there are no stacks."""

    def stack(self, part: str, environment: str) -> StandingStack | None:
        """One of the environment's stacks, whatever its state; None where there is none."""
        return self.stacks.value()[names.stack(environment, part)]

    def check(self, part: str, environment: str) -> None:
        """Makes sure that a stack is there.

        Raises:
            NeededError: it is not.
        """
        if self.stack(part, environment) is None:
            raise NeededError(f"a stack {names.stack(environment, part)}")

    def by_hand(self, environment: str) -> bool:
        """Whether the environment has no stack at all: it was made by hand, or not yet."""
        return not any(self.stack(part, environment) for part in PARTS)

    def known_inputs(self) -> Inputs | None:
        """What the stacks are rendered from; None where there are none, or it cannot be told."""
        return known(self.inputs)


@dataclass(frozen=True)
class Visit:
    """An environment that is looked at, and what the other looks may need."""

    looks: Looks
    place: Place
    aws: Reached
    stacks: Standing

    def inputs(self) -> Inputs | None:
        """What its stacks are rendered from; None where there are none, or it cannot be told."""
        return self.stacks.known_inputs()

    def settings(self) -> Settings:
        """The environment's settings."""
        return self.aws.settings.value()

    def clients(self) -> Environment:
        """The clients that reach it."""
        return self.aws.environment.value()

    def in_aws(self) -> Environment:
        """The same, where AWS takes the credentials."""
        self.aws.aws()
        return self.clients()


def look_at_aws(looks: Looks, place: Place) -> Reached:
    """Region, time, credentials, settings, account."""
    reached = looks.look(GROUP, "region", lambda: _connection(place), _tell_region)
    clocks = looks.look(GROUP, "time", lambda: _clocks(reached.value()))
    caller = looks.look(GROUP, "credentials", lambda: aws.caller(reached.value()), _tell_caller)

    def parameters() -> Mapping[str, str]:
        if place.is_local:  # its settings follow from its ports
            return {}
        caller.value()
        return ssm.tree(reached.value(), names.parameters(place.name))

    stored = looks.look(GROUP, "parameters", parameters)

    def whose() -> tuple[str, str | None]:
        expected = _own_account(place, known(stored) or {})
        if expected:
            aws.check_caller(caller.value(), expected)
        return caller.value().account, expected

    account = looks.look(GROUP, "account", whose, lambda check, found: judge.account(check, *found))

    def all_settings() -> Settings:
        if not place.is_local:
            account.value()
        return load(place.name, place.process_env, place.dotenv, lambda *_: stored.value())

    settings = looks.look(GROUP, "settings", all_settings, lambda check, _: [check.passed("complete and well-formed")])
    environment = looks.look(GROUP, "clients", lambda: clients(settings.value(), place.dotenv))
    made = Reached(reached, clocks, caller, stored, account, settings, environment)
    if not place.is_local:
        looks.look(
            GROUP,
            "blob mounting",
            lambda: Foundations(made.aws()).mounts_blobs(),
            lambda check, on: judge.blob_mounting(check, on, place.name),
        )
    return made


def _own_account(place: Place, stored: Mapping[str, str]) -> str | None:
    """The account that the environment says is its own, be its other settings right or wrong."""
    if place.is_local:
        return load(LOCAL, place.process_env, place.dotenv, lambda *_: {}).account
    return place.given.get("AWS_ACCOUNT_ID") or stored.get("AWS_ACCOUNT_ID")


def _connection(place: Place) -> Connection:
    if place.is_local:
        return load(LOCAL, place.process_env, place.dotenv, lambda *_: {}).aws
    return connection(place.name, place.given)


def _tell_region(check: Check, found: Connection) -> Iterator[Finding]:
    if found.endpoint:
        yield check.passed(f"{found.region}, of the emulator at {found.endpoint}")
    else:
        yield from judge.region(check, found.region, aws.regions())


def _tell_caller(check: Check, found: Caller) -> Iterator[Finding]:
    yield check.passed(found.arn)


def _clocks(reached: Connection) -> Clocks | None:
    before = datetime.now(UTC)
    try:
        there = aws.server_time(reached)
    except ToolsError:  # the look at the credentials tells why
        return None
    return Clocks("AWS", before + (datetime.now(UTC) - before) / 2, there) if there else None


def look_at_stacks(looks: Looks, place: Place, reached: Reached) -> Standing:
    """Whether the stacks are sound and what the repository renders. An environment made by hand has none."""
    own = [names.stack(place.name, part) for part in PARTS]
    reachable = looks.look(STACKS, "account", lambda: _account(place, reached))

    def standing() -> Mapping[str, StandingStack | None]:
        return {name: reachable.value().stacks.stack(name) for name in (*own, names.ACCOUNT_STACK)}

    stacks = looks.look(
        STACKS,
        "stacks",
        standing,
        lambda check, found: () if any(found[name] for name in own) else judge.by_hand(check, place.name),
    )

    def inputs() -> Inputs | None:
        if not any(stacks.value()[name] for name in own):
            return None
        return gather_again(place.root, reachable.value(), {}, place.given)

    made = Standing(stacks, looks.look(STACKS, "what they are rendered from", inputs))
    for name in (*own, names.ACCOUNT_STACK):
        _look_at_stack(looks, place, reachable, made, name)
    return made


def _account(place: Place, reached: Reached) -> Account:
    connected, stored = reached.aws(), reached.stored.value()
    clients = CloudFormation(connected), Foundations(connected)
    registry = place.given.get("REGISTRY") or stored.get("REGISTRY")
    return Account(place.name, connected, reached.caller.value(), stored, *clients, registry)


@dataclass(frozen=True)
class _Stack:
    standing: StandingStack | None
    template: Template
    wanted: Stack | None


def _look_at_stack(looks: Looks, place: Place, reachable: Look[Account], made: Standing, name: str) -> None:
    def at() -> _Stack | None:
        account, standing = reachable.value(), made.stacks.value()[name]
        if made.by_hand(place.name) or (name == names.ACCOUNT_STACK and not (standing and _deploys(made))):
            return None
        template = account.stacks.template(name) if standing else {}
        return _Stack(standing, template, _wanted(account, made, name))

    def tell(check: Check, found: _Stack | None) -> Iterator[Finding]:
        if found:
            yield from judge.stack(check, place.name, found.standing, found.template, found.wanted)

    looks.look(STACKS, name, at, tell)


def _deploys(made: Standing) -> bool:
    """Whether the account's stack should have a deployer for this environment, as far as is known."""
    inputs = made.known_inputs()
    return inputs is None or inputs.repository is not None


def _wanted(account: Account, made: Standing, name: str) -> Stack | None:
    """A stack as it should be; None where that cannot be told."""
    inputs = made.known_inputs()
    if inputs is None:
        return None
    if name != names.ACCOUNT_STACK:
        return data_stack(inputs) if name == names.stack(account.environment, "data") else run_stack(inputs)
    return wanted_account(account, inputs, inputs.repository) if inputs.repository else None
