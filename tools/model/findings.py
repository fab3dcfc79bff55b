"""What the doctor finds: a line for each thing that a run needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True)
class Finding:
    """How one thing stands that a run needs."""

    group: str
    what: str
    verdict: Verdict
    found: str
    mend: str = ""
    """What to do about it; empty where nothing is to be done."""


@dataclass(frozen=True)
class Check:
    """A thing that a run needs, and what may be found of it."""

    group: str
    what: str

    def passed(self, found: str) -> Finding:
        """It is as it should be."""
        return Finding(self.group, self.what, "pass", found)

    def failed(self, found: str, mend: str) -> Finding:
        """A run would fail by it, or not begin."""
        return Finding(self.group, self.what, "fail", found, mend)

    def unknown(self, found: str, mend: str = "") -> Finding:
        """It cannot be told, and why."""
        return Finding(self.group, self.what, "unknown", found, mend)
