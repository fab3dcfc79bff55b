"""What was not looked at, in a line or as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tools.model.observed import Unseen
from tools.show.ago import ago


def unseen_text(unseen: Unseen, now: datetime) -> str:
    """What was not looked at now, since when at the most, and what looks at all.

    Args:
        unseen: of a plan.
        now: the time.
    """
    flows = "1 flow that is" if unseen.flows == 1 else f"{unseen.flows} flows that are"
    since = f"the oldest look at one was {ago(unseen.oldest, now)}"
    return f"not looked at now: {flows} in step by what was read before; {since}; `make doctor` looks at all images"


def unseen_json(unseen: Unseen | None) -> dict[str, Any] | None:
    """The same for machines; null where all was looked at."""
    return {"flows": unseen.flows, "oldest": unseen.oldest.isoformat(timespec="seconds")} if unseen else None
