"""This machine: its clock beside those of the servers, the tooling's environment beside its lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.model.findings import Check, Finding

GROUP = "this machine"
WORST_SECONDS = 300
"""AWS refuses requests whose time differs by more."""
_SHOWN = 3


@dataclass(frozen=True)
class Clocks:
    """What two clocks said at the same time, as nearly as can be known."""

    whose: str
    here: datetime
    there: datetime

    @property
    def ahead(self) -> float:
        """By how many seconds the clock of this machine is ahead."""
        return (self.here - self.there).total_seconds()


def clock(check: Check, seen: Sequence[Clocks]) -> Iterator[Finding]:
    """Whether the clock of this machine is right, by those of the servers."""
    wrong = [item for item in seen if abs(item.ahead) > WORST_SECONDS]
    for item in wrong:
        yield check.failed(
            f"{_spoken(item)}; AWS refuses requests that are {WORST_SECONDS // 60} minutes off, and a lock that is "
            "held here may look dead elsewhere",
            "set the clock of this machine: timedatectl set-ntp true",
        )
    if not seen:
        yield check.unknown("nobody who answered said what time it is")
    elif not wrong:
        yield check.passed(", ".join(map(_spoken, seen)))


def _spoken(item: Clocks) -> str:
    seconds = round(item.ahead)
    # Servers tell whole seconds, and the answer takes a moment.
    if abs(seconds) <= 1:
        return f"as {item.whose}'s"
    return f"{abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} {item.whose}'s"


def packages(check: Check, pinned: Mapping[str, frozenset[str]], installed: Mapping[str, str]) -> Iterator[Finding]:
    """Whether what is installed for the tools is what their lock pins.

    Args:
        check: what is told of.
        pinned: by package the versions; an empty one where it may also be absent.
        installed: by package its version.
    """
    wrong = [
        f"{name} {installed.get(name) or 'none'} instead of {' or '.join(sorted(filter(None, versions)))}"
        for name, versions in sorted(pinned.items())
        if installed.get(name, "") not in versions
    ]
    if not wrong:
        yield check.passed(f"{len(pinned)} packages as requirements.lock pins them")
        return
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    yield check.failed(f"not as requirements.lock pins it: {', '.join(wrong[:_SHOWN])}{more}", "make setup")
