"""`python -m tools.bench [load] [deploy]`"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.bench.parts import run
from tools.errors import ToolsError


def say(text: str) -> None:
    """Prints a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


try:
    run(Path(__file__).resolve().parents[2], sys.argv[1:], say)
except ToolsError as error:
    sys.exit(f"error: {error.message}\n  → {error.hint}")
