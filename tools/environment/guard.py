"""Nothing that changes what runs in an environment is written without its lock, which is asked right before a write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tools.environment.apply import unguarded
from tools.environment.connect import Environment
from tools.environment.lock import TIME_TO_LIVE, EnvironmentLock, Tell
from tools.plan.actions import Plan


@contextmanager
def locked(
    environment: Environment, what: str, *, wait: bool, tell: Tell, time_to_live: float = TIME_TO_LIVE
) -> Iterator[Callable[[], None]]:
    """Holds an environment's lock, and lets nothing be written to its Prefect API once the lock may have expired.

    Args:
        environment: whose.
        what: the verb, for those who meet the lock.
        wait: whether to wait for another holder.
        tell: told whom it waits for.
        time_to_live: seconds without a renewal after which others may take it.

    Yields:
        What to call right before each write: it raises where the lock is no longer held.

    Raises:
        RemoteError: another one holds it, and `wait` is not wanted.
    """
    name = environment.settings.environment
    with EnvironmentLock(environment.variables, name, what, wait=wait, tell=tell, time_to_live=time_to_live) as lock:
        environment.prefect.fence = lock.fence
        yield lock.check


@contextmanager
def under_lock(
    make: Callable[[], Plan],
    environment: Environment,
    what: str,
    *,
    wait: bool,
    tell: Tell,
    time_to_live: float = TIME_TO_LIVE,
) -> Iterator[tuple[Plan, Callable[[], None]]]:
    """A plan to carry out and its guard: made under the environment's lock, where it changes what runs there.

    A plan that writes nothing of that kind takes no lock. One that does is made again under the lock: what it was made
    from may have changed before.

    Args:
        make: observes and plans.
        environment: where.
        what: see `locked`.
        wait: see `locked`.
        tell: see `locked`.
        time_to_live: see `locked`.
    """
    first = make()
    if not first.commits:
        yield first, unguarded
        return
    with locked(environment, what, wait=wait, tell=tell, time_to_live=time_to_live) as guard:
        yield make(), guard
