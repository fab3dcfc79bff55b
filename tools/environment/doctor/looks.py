"""Looks at many things at once, each once: what one look gives others may need.

A look that fails hides none that does not need it. One that needs it is told as not looked at. Never raises what it was
made for; a bug in a look comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, TypeVar

from tools.errors import NotAllowedError, ToolsError
from tools.model.findings import Check, Finding

T = TypeVar("T")
_PARALLEL = 24
"""More than there are looks that wait for others at a time."""


class NeededError(Exception):
    """What a look needs is not known."""


@dataclass(frozen=True)
class Look(Generic[T]):
    """A look that is under way, or done."""

    check: Check
    _found: Future[T]
    _tell: Callable[[Check, T], Iterable[Finding]] | None

    def value(self) -> T:
        """What it gave.

        Raises:
            NeededError: nothing; it names the look that failed, be it this one or one that this one needs.
        """
        try:
            return self._found.result()
        except ToolsError as error:
            raise NeededError(f"{self.check.group}: {self.check.what}") from error

    def findings(self) -> Iterator[Finding]:
        """What is to be told of it."""
        try:
            found = self._found.result()
            yield from list(self._tell(self.check, found) if self._tell else ())
        except NeededError as error:
            if self._tell:
                yield self.check.unknown(f"not looked at, for want of {error}")
        except NotAllowedError as error:
            needs = f": needs {error.action}" if error.action else ""
            yield self.check.unknown(f"these credentials may not look at it{needs}")
        except ToolsError as error:
            for line in error.message.splitlines():
                yield self.check.failed(line, error.hint)


def known(look: Look[T]) -> T | None:
    """What a look gave; None where it gave nothing."""
    try:
        return look.value()
    except NeededError:
        return None


class Looks:
    """Looks that are taken at once. Begun in an order in which none needs a later one."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_PARALLEL)
        self._begun: list[Look[Any]] = []

    def __enter__(self) -> Looks:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def look(
        self,
        group: str,
        what: str,
        at: Callable[[], T],
        tell: Callable[[Check, T], Iterable[Finding]] | None = None,
    ) -> Look[T]:
        """Begins a look.

        Args:
            group: what it belongs to.
            what: what is looked at.
            at: gives what is found; may ask other looks for what they gave.
            tell: says what that means; None where only others need it, and no more than its failure is told.
        """
        begun = Look(Check(group, what), self._pool.submit(at), tell)
        self._begun.append(begun)
        return begun

    def findings(self) -> Iterator[Finding]:
        """What is to be told of all, group by group, in the order in which they were begun."""
        groups = list(dict.fromkeys(look.check.group for look in self._begun))
        for look in sorted(self._begun, key=lambda look: groups.index(look.check.group)):
            yield from look.findings()
