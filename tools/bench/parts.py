"""The parts of the bench by name, and the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tools.errors import UserError

PARTS = ("load", "deploy")

Say = Callable[[str], None]


def run(root: Path, names: Sequence[str], say: Say) -> None:
    """Runs parts of the bench, all where none is named.

    Args:
        root: the repository.
        names: of `PARTS`.
        say: told what is being done, and the tables.

    Raises:
        UserError: there is no such part, or this machine lacks what it needs.
        RemoteError: something failed.
    """
    for name in names:
        if name not in PARTS:
            raise UserError(f"the bench has no part '{name}'", f"there are {' and '.join(PARTS)}; all without a name")
    for name in names or PARTS:
        if name == "load":
            from tools.bench import load

            load.run(root)
        else:
            from tools.bench import deploy

            deploy.run(root, say)
