"""The lock of an environment: one deploy, rollback or prune at a time. Made of a Prefect variable.

Takes the variables of an environment's Prefect API; gives a context manager that holds the lock, and says who holds it.
Never writes anything but that one variable. (`locks` is about requirements files.)

A variable's name is unique, so creating it has one winner; it is deleted by its id, so nobody deletes a lock but the
one that he looked at. The holder renews it; when that stops for longer than the lock's time to live, by the server's
clocks, the holder counts as dead and anybody may delete it. A holder counts its own lock as lost a third of that time
earlier, from the start of its last renewal, so that nothing it has sent is under way when another takes over.
"""

from __future__ import annotations

import os
import random
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from types import TracebackType
from typing import Any, Protocol

from tools.environment.provenance import actor
from tools.errors import RemoteError
from tools.model.prefect import Variable

TIME_TO_LIVE = 60.0
"""Seconds without a renewal after which a holder counts as dead."""
LONGEST_TO_LIVE = 3600.0
"""Whoever says more is not believed: the lock would never expire."""
RENEWALS = 4
"""So often a lock is renewed in its time to live."""
LOOK_SECONDS = 0.5
"""Between two looks of one who waits."""
TELL_SECONDS = 10.0
"""Between two words of one who waits."""

Tell = Callable[[str], None]


class Variables(Protocol):
    """The Prefect API, as far as a lock needs it."""

    def read(self, name: str) -> Variable | None: ...
    def exists(self, variable_id: str) -> bool: ...
    def create(self, name: str, value: Any) -> bool: ...
    def touch(self, variable_id: str) -> bool: ...
    def delete(self, variable_id: str) -> None: ...


@dataclass(frozen=True)
class Holder:
    """Who held an environment's lock when it was looked at."""

    id: str
    """The lock's: another one, even of the same holder, has another."""
    nonce: str
    who: str
    what: str
    since: datetime
    held: float
    """For so many seconds."""
    silent: float
    """So many seconds have passed since it was last renewed."""
    left: float
    """So many seconds until it expires where it is not renewed; below 0 it has expired."""

    @property
    def stale(self) -> bool:
        """Whether its holder counts as dead."""
        return self.left < 0

    def __str__(self) -> str:
        return f"{self.who} ({self.what}) since {self.since:%Y-%m-%d %H:%M:%S} UTC, for {self.held:.0f} s"


def holder(variables: Variables, environment: str) -> Holder | None:
    """Who holds an environment's lock; None where nobody does."""
    found = variables.read(_name(environment))
    if found is None:
        return None
    value = found.value if isinstance(found.value, dict) else {}  # somebody may have made a variable of this name
    return Holder(
        id=found.id,
        nonce=str(value.get("nonce", "")),
        who=str(value.get("who", "somebody")),
        what=str(value.get("what", "not these tools")),
        since=found.created,
        held=found.age,
        silent=found.idle,
        left=_seconds(value.get("time_to_live")) - found.idle,
    )


def _seconds(said: object) -> float:
    """How long a lock lives without a renewal: what its holder says, within reason."""
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said <= LONGEST_TO_LIVE:
        return TIME_TO_LIVE
    return float(said)


def _name(environment: str) -> str:
    return f"data_flows_lock_{environment.lower()}"  # a variable's name: small letters, digits and _


class EnvironmentLock:
    """Holds the lock of an environment from `with` to its end, and renews it meanwhile.

    Args:
        variables: where it lies.
        environment: whose.
        what: the verb, for those who meet it.
        wait: whether to wait for another holder, telling from time to time who that is.
        tell: told whom it waits for.
        time_to_live: seconds without a renewal after which others may take it.

    Raises:
        RemoteError: another one holds it and `wait` is not wanted; or the API refused or did not answer.
    """

    def __init__(
        self,
        variables: Variables,
        environment: str,
        what: str,
        *,
        wait: bool,
        tell: Tell,
        time_to_live: float = TIME_TO_LIVE,
    ) -> None:
        self._variables, self._environment, self._what = variables, environment, what
        self._wait, self._tell, self._time_to_live = wait, tell, time_to_live
        self._nonce = uuid.uuid4().hex
        self._id = ""
        self._until = 0.0
        self._done = Event()
        self._renewer = Thread(target=self._renew, name="lock", daemon=True)

    def __enter__(self) -> EnvironmentLock:
        try:
            self._take()
        except KeyboardInterrupt:
            self._drop()
            raise
        self._renewer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._drop()

    def check(self) -> None:
        """Asks the API whether the lock is still held: to be called right before each write.

        Raises:
            RemoteError: it is not; says who has it.
        """
        if self._over() or not self._variables.exists(self._id) or self._over():  # the answer may take its time
            raise self._lost()

    def fence(self) -> None:
        """The same without asking: whether the lock cannot have expired yet. For the moment before bytes are sent.

        Raises:
            RemoteError: it may have.
        """
        if self._over():
            raise RemoteError(self._expired(), _AGAIN)

    def _take(self) -> None:
        told = -TELL_SECONDS
        while True:
            found = holder(self._variables, self._environment)
            if found is None:
                self._create()  # the next look tells who was first
            elif found.nonce == self._nonce:
                self._id = found.id
                return
            elif found.stale:
                self._tell(f"taking over the lock of {self._environment}, which expired: {found}")
                self._variables.delete(found.id)
            elif not self._wait:
                raise self._locked(found)
            else:
                if _clock() - told >= TELL_SECONDS:
                    told = _clock()
                    self._tell(f"waiting: {self._environment} is locked by {found}")
                time.sleep(LOOK_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - spreads those who wait

    def _create(self) -> None:
        self._until = _clock() + self._time_to_live
        try:
            self._variables.create(_name(self._environment), self._value())
        except RemoteError:
            found = holder(self._variables, self._environment)  # the reply may be all that was lost
            if found is None or found.nonce != self._nonce:
                raise

    def _value(self) -> dict[str, Any]:
        return {
            "nonce": self._nonce,
            "who": f"{actor()}@{socket.gethostname()}, process {os.getpid()}",
            "what": self._what,
            "time_to_live": self._time_to_live,
        }

    def _locked(self, found: Holder) -> RemoteError:
        return RemoteError(
            f"{self._environment} is locked by {found}; it expires in {found.left:.0f} s if its holder died",
            f"wait for it with --wait, or look: python -m tools unlock --environment {self._environment}",
        )

    def _renew(self) -> None:
        while not self._done.wait(self._time_to_live / RENEWALS):
            start = _clock()
            if start >= self._until:
                return
            try:
                if not self._variables.touch(self._id):
                    self._until = start
                    return
            except RemoteError:
                continue  # the next one may get through; without any, the lock is over
            self._until = start + self._time_to_live

    def _over(self) -> bool:
        return _clock() >= self._until - self._time_to_live / 3

    def _lost(self) -> RemoteError:
        found = holder(self._variables, self._environment)
        if found is None:
            said = f"the lock of {self._environment} was removed, or expired and is free again"
        elif found.nonce == self._nonce:
            said = self._expired()
        else:
            said = f"the lock of {self._environment} was taken by {found}"
        return RemoteError(f"{said}: nothing more is written", _AGAIN)

    def _expired(self) -> str:
        return (
            f"the lock of {self._environment} expired: this process stood still or did not reach Prefect for more than "
            f"{self._time_to_live * 2 / 3:.0f} s"
        )

    def _drop(self) -> None:
        try:
            if not self._id:  # stopped while it was being taken
                found = holder(self._variables, self._environment)
                self._id = found.id if found and found.nonce == self._nonce else ""
            if self._id:
                self._variables.delete(self._id)
        except RemoteError as error:
            self._tell(f"the lock could not be removed; it expires in {self._time_to_live:.0f} s: {error.message}")


_AGAIN = "run this again: it goes on where it was"


def _clock() -> float:
    """Seconds of a clock that nobody sets and that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
