"""What the verbs print with: a console of the right width, errors, remarks, JSON. Prints; decides nothing."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tools.errors import ToolsError, UserError

if TYPE_CHECKING:
    from rich.console import Console

    from tools.desired.discover import Broken


WIDE = 160


#: What may move the cursor, hide text or turn it round: control characters but for tab and line break, and bidi signs.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """A text of somebody else's that does nothing to a terminal but stand there."""
    return _HARMFUL.sub("\ufffd", text)


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal; elsewhere wide enough for a table, and without colour.

    What it prints, by whatever way, is clean; `:word:` stays a word.
    """
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
    from rich.segment import Segment

    class Clean:
        def __init__(self, of: ConsoleRenderable) -> None:
            self._of = of

        def __rich_console__(self, screen: Console, options: ConsoleOptions) -> RenderResult:
            for part in screen.render(self._of, options):
                yield part if part.control else Segment(clean(part.text), part.style)

    class Hook(RenderHook):
        def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
            return [Clean(item) for item in renderables]

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDE
    made = Console(stderr=stderr, soft_wrap=False, highlight=False, width=width, emoji=False)
    made.push_render_hook(Hook())
    return made


def complain(error: ToolsError) -> None:
    """Tells an error and what to do about it."""
    screen = console(stderr=True)
    screen.print("[bold red]error:[/]", end=" ")
    screen.print(error.message, markup=False, soft_wrap=True)
    if error.hint:
        screen.print(f"  → {error.hint}", markup=False, soft_wrap=True)


def complain_of_broken(broken: Iterable[Broken], *, others: bool) -> int:
    """Tells which services were left out and why; gives the exit code.

    Args:
        broken: they.
        others: whether there were any that went on.
    """
    code = 0
    for item in broken:
        left_out = f"{item.name} was left out; the others went on" if others else "nothing was built or written"
        complain(UserError("\n".join(item.problems), left_out))
        code = UserError.exit_code
    return code


def say(message: str) -> None:
    """Tells what is going on, where results do not go."""
    print(clean(message), file=sys.stderr, flush=True)


def tell(message: str, end: str = "\n") -> None:
    """Tells a result that needs no console."""
    print(clean(message), end=end, flush=True)


def print_json(value: object) -> None:
    """Prints a result for machines, in which nothing does anything to a terminal either."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    print(_HARMFUL.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text))
