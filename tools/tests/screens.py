"""What a terminal of some width would show."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType


def screen(shown: RenderableType, width: int) -> str:
    """The text that is shown, without colours and without spaces at the ends of lines."""
    stream = io.StringIO()
    Console(file=stream, width=width, highlight=False, color_system=None).print(shown)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())
