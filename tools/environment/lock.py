"""The lock of an environment: one deploy, rollback or prune at a time. Made of a Prefect variable.

Takes the variables of an environment's Prefect API; gives a context manager that holds the lock, and says who holds it.
Never writes anything but that one variable. (`locks` is about requirements files.)

A variable's name is unique, so creating it has one winner; it is deleted by its id, so nobody deletes a lock but the
one that he looked at. The holder renews it. Whoever has looked at a lock for its whole time to live, by a clock of his
own that only counts, and saw it not renewed, may delete it: its holder counts as dead. No two clocks are compared for
that, so none that is wrong, the server's, a cache's or this machine's, takes a lock from one who lives. They only say
whether a lock is worth watching to one who would not wait for it. A holder counts its own lock as lost a third of that
time earlier, from the start of its last renewal, so that nothing it has sent is under way when another takes over.
"""

from __future__ import annotations

import os
import random
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
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
GRAIN = 30.0
"""Seconds by which clocks that are right may differ, and by which an answer's may lag."""
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
    renewed: datetime
    """As whoever wrote it down tells it."""
    seen: tuple[datetime, ...]
    """When that was looked at, by the clock of whoever answered and by this machine's: each may be wrong."""
    time_to_live: float

    @property
    def held(self) -> float:
        """For so many seconds."""
        return max((self.seen[0] - self.since).total_seconds(), 0.0)

    @property
    def silent(self) -> float:
        """So many seconds have passed since it was last renewed."""
        return max((self.seen[0] - self.renewed).total_seconds(), 0.0)

    @property
    def left(self) -> float:
        """So many seconds until it expires where it is not renewed."""
        return max(self.time_to_live - self.silent, 0.0)

    @property
    def seems_dead(self) -> bool:
        """Whether any clock says that it has expired, or makes no sense: then it is worth being watched."""
        silent = [(at - self.renewed).total_seconds() for at in self.seen]
        return max(silent) > self.time_to_live or min(silent) < -GRAIN

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
        renewed=found.updated,
        seen=(*([found.date] if found.date else []), datetime.now(UTC)),
        time_to_live=_seconds(value.get("time_to_live")),
    )


class _Watch:
    """One who looks at a lock from time to time, and counts for how long it has not been renewed."""

    def __init__(self) -> None:
        self._known: tuple[str, datetime] | None = None
        self._since = 0.0
        self.renewed = False
        """Whether a renewal was seen: its holder lives."""

    def expired(self, found: Holder, looked: float) -> bool:
        """Whether it was looked at for its time to live and not renewed.

        Args:
            found: as it is now.
            looked: when the look began, by this process's clock.
        """
        now = (found.id, found.renewed)
        if self._known != now:
            self.renewed = self._known is not None and self._known[0] == found.id
            self._known, self._since = now, _clock()
        return looked - self._since > found.time_to_live


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
        told, watch = -TELL_SECONDS, _Watch()
        while True:
            looked = _clock()
            found = holder(self._variables, self._environment)
            if found is None:
                self._create()  # the next look tells who was first
            elif found.nonce == self._nonce:
                self._id = found.id
                return
            elif watch.expired(found, looked):
                self._tell(f"taking over the lock of {self._environment}, which expired: {found}")
                self._variables.delete(found.id)
            elif not self._wait and (watch.renewed or not found.seems_dead):
                raise self._locked(found)
            else:
                if _clock() - told >= TELL_SECONDS:
                    told = _clock()
                    self._tell(self._waiting(found))
                time.sleep(LOOK_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - spreads those who wait

    def _waiting(self, found: Holder) -> str:
        if self._wait:
            return f"waiting: {self._environment} is locked by {found}"
        return (
            f"the lock of {self._environment} seems to be a dead one's: looking for {found.time_to_live:.0f} s "
            f"whether it is renewed: {found}"
        )

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
