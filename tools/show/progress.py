"""Progress while a plan is carried out: in place on a terminal, as lines elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tools.show.terminal import clean

QUIET_SECONDS = 5
"""How often the same step of the same service is told where there is no terminal."""


class Progress:
    """Shows what is being done for each service: in place on a terminal, as lines elsewhere. A context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._now: dict[str, str] = {}
        self._told: dict[str, tuple[str, float]] = {}
        self._live = None
        if console.is_terminal:
            from rich.live import Live  # only what shows progress pays for it

            self._live = Live(console=console, transient=True, refresh_per_second=8)

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def step(self, subject: str, doing: str) -> None:
        """Tells that `doing` has begun for `subject`."""
        doing = clean(doing)  # a build's own words; what is shown in place passes no other gate
        self._now[subject] = doing
        if self._live:
            table = Table.grid(padding=(0, 2))
            for name, text in self._now.items():
                table.add_row(f"[cyan]{escape(name)}[/]", escape(text[: self._console.width - len(name) - 4]))
            self._live.update(table)
            return
        kind, now = doing.split(" ", 1)[0], time.monotonic()
        last, at = self._told.get(subject, ("", 0.0))
        if kind != last or now - at >= QUIET_SECONDS:
            self._told[subject] = (kind, now)
            self._console.print(f"{subject}: {doing}", markup=False, highlight=False, soft_wrap=True)
